"""Container limits, read from made-up roots of both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from morosidad.resources.cgroups import cpu_limit, memory_limit

GB = 1 << 30


def root(folder: Path, groups: str, **files: str) -> Path:
    """Lay out a root; a file's name has ``__`` for ``/`` below ``sys/fs/cgroup``."""
    proc = folder / "proc/self/cgroup"
    proc.parent.mkdir(parents=True)
    proc.write_text(groups)
    for name, text in files.items():
        write(folder, name.replace("__", "/"), text)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    file = folder / "sys/fs/cgroup" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


def version_2(folder: Path, group: str = "/", *, above: str = "", **files: str) -> Path:
    made = root(folder, f"0::{group}\n")
    for name, text in files.items():
        write(made, f"{above or group}/{name.replace('__', '.')}".lstrip("/"), text)
    return made


# -- version 2 -------------------------------------------------------------------------------------------


def test_version_2_gives_limit_and_use_without_droppable_pages(tmp_path: Path):
    made = version_2(
        tmp_path,
        memory__max=str(2 * GB),
        memory__current=str(GB),
        memory__stat=f"anon 5\nactive_file 7\ninactive_file {GB // 4}",
    )
    bound = memory_limit(made)
    assert bound is not None
    assert (bound.limit, bound.used) == (2 * GB, GB - GB // 4)


def test_version_2_gives_the_quota_in_cpus_and_the_use_in_seconds(tmp_path: Path):
    made = version_2(tmp_path, cpu__max="150000 100000", cpu__stat="usage_usec 2500000\nuser_usec 1")
    bound = cpu_limit(made)
    assert bound is not None
    assert (bound.limit, bound.used) == (1.5, 2.5)


def test_version_2_without_limits_bounds_nothing(tmp_path: Path):
    made = version_2(tmp_path, memory__max="max", memory__current="1", cpu__max="max 100000")
    assert memory_limit(made) is None
    assert cpu_limit(made) is None


def test_the_tightest_of_nested_groups_counts_with_its_own_use(tmp_path: Path):
    made = version_2(
        tmp_path, "/pod/app", memory__max=str(4 * GB), memory__current="1", cpu__max="max 100000"
    )
    write(made, "pod/memory.max", str(2 * GB))
    write(made, "pod/memory.current", str(GB))
    write(made, "pod/cpu.max", "50000 100000")
    write(made, "pod/cpu.stat", "usage_usec 1000000")
    write(made, "memory.max", "max")
    memory, cpu = memory_limit(made), cpu_limit(made)
    assert memory is not None
    assert cpu is not None
    assert (memory.limit, memory.used, memory.directory.name) == (2 * GB, GB, "pod")
    assert (cpu.limit, cpu.used) == (0.5, 1.0)


@pytest.mark.parametrize("group", ["/docker/not-visible-from-inside", "/../outside"])
def test_a_group_that_can_not_be_seen_is_the_mount_point_itself(tmp_path: Path, group: str):
    made = version_2(tmp_path, group, above="/", memory__max=str(GB), memory__current="5")
    (tmp_path / "sys/fs/outside").mkdir()
    write(made, "../outside/memory.max", "1")
    bound = memory_limit(made)
    assert bound is not None
    assert (bound.limit, bound.used) == (GB, 5)


def test_a_limit_without_a_figure_for_its_use_is_still_a_limit(tmp_path: Path):
    made = version_2(tmp_path, memory__max=str(GB), cpu__max="100000 100000")
    memory, cpu = memory_limit(made), cpu_limit(made)
    assert memory is not None
    assert cpu is not None
    assert (memory.limit, memory.used) == (GB, None)
    assert (cpu.limit, cpu.used) == (1.0, None)


def test_use_is_never_below_zero(tmp_path: Path):
    made = version_2(tmp_path, memory__max=str(GB), memory__current="10", memory__stat="inactive_file 20")
    bound = memory_limit(made)
    assert bound is not None
    assert bound.used == 0.0


# -- version 1 -------------------------------------------------------------------------------------------

VERSION_1 = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"


def test_version_1_gives_limit_and_use(tmp_path: Path):
    made = root(tmp_path, VERSION_1)
    write(made, "memory/docker/abc/memory.limit_in_bytes", str(GB))
    write(made, "memory/docker/abc/memory.usage_in_bytes", "1000")
    write(made, "memory/docker/abc/memory.stat", "inactive_file 1\ntotal_inactive_file 400")
    write(made, "memory/memory.limit_in_bytes", "9223372036854771712")
    write(made, "cpu/docker/abc/cpu.cfs_quota_us", "200000")
    write(made, "cpu/docker/abc/cpu.cfs_period_us", "100000")
    write(made, "cpu/docker/abc/cpu.stat", "nr_periods 0\nnr_throttled 0")
    write(made, "cpu/docker/abc/cpuacct.usage", "3000000000")
    write(made, "cpu/cpu.cfs_quota_us", "-1")
    write(made, "cpu/cpu.cfs_period_us", "100000")
    memory, cpu = memory_limit(made), cpu_limit(made)
    assert memory is not None
    assert cpu is not None
    assert (memory.limit, memory.used) == (GB, 600)
    assert (cpu.limit, cpu.used) == (2.0, 3.0)


@pytest.mark.parametrize(("usage", "seconds"), [("500000000", 0.5), ("0", 0.0), (None, None)])
def test_version_1_finds_the_cpu_accounting_mounted_apart(
    tmp_path: Path, usage: str | None, seconds: float | None
):
    made = root(tmp_path, "3:cpu:/app\n2:cpuacct:/app\n")
    write(made, "cpu/app/cpu.cfs_quota_us", "50000")
    write(made, "cpu/app/cpu.cfs_period_us", "100000")
    if usage is not None:
        write(made, "cpuacct/app/cpuacct.usage", usage)
    bound = cpu_limit(made)
    assert bound is not None
    assert (bound.limit, bound.used) == (0.5, seconds)


def test_version_1_with_the_groups_path_hidden_uses_the_mount_point(tmp_path: Path):
    made = root(tmp_path, VERSION_1)
    write(made, "memory/memory.limit_in_bytes", str(GB))
    write(made, "memory/memory.usage_in_bytes", "7")
    bound = memory_limit(made)
    assert bound is not None
    assert (bound.limit, bound.used) == (GB, 7)


# -- mixed, and none -------------------------------------------------------------------------------------


def test_both_versions_at_once_are_read_each_where_it_holds_the_controller(tmp_path: Path):
    made = root(tmp_path, "4:memory:/app\n0::/slice\n")
    write(made, "memory/app/memory.limit_in_bytes", str(GB))
    write(made, "unified/slice/cpu.max", "100000 50000")
    memory, cpu = memory_limit(made), cpu_limit(made)
    assert memory is not None
    assert cpu is not None
    assert (memory.limit, cpu.limit) == (GB, 2.0)


def test_without_control_groups_nothing_is_bounded(tmp_path: Path):
    assert memory_limit(tmp_path) is None
    assert cpu_limit(tmp_path) is None


def test_a_group_path_may_hold_colons(tmp_path: Path):
    made = version_2(tmp_path, "/a:b:c", memory__max=str(GB))
    bound = memory_limit(made)
    assert bound is not None
    assert bound.limit == GB
