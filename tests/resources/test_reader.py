"""ResourceReader: memory and CPU in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from helpers.resources import GB, Host, sample
from morosidad.resources import (
    ResourceReader,
)

# -- samples ---------------------------------------------------------------------------------------------


def test_memory_is_the_hosts_without_a_container(host: Host, tmp_path: Path):
    taken = ResourceReader(tmp_path)()
    assert (taken.memory_used, taken.memory_limit, taken.memory_percent) == (2 * GB, 8 * GB, 25.0)


def test_memory_is_the_containers_within_one(host: Host, container: Path):
    taken = ResourceReader(container)()
    assert (taken.memory_used, taken.memory_limit, taken.memory_percent) == (GB // 4, GB, 25.0)
    (container / "sys/fs/cgroup/memory.current").write_text(f"{2 * GB}\n")
    assert ResourceReader(container)().memory_percent == 100.0


@pytest.mark.parametrize("missing", ["memory.current", "memory.max"])
def test_memory_is_the_hosts_when_the_container_does_not_say(host: Host, container: Path, missing: str):
    (container / "sys/fs/cgroup" / missing).unlink()
    assert ResourceReader(container)().memory_limit == 8 * GB


def test_memory_is_the_hosts_when_the_containers_limit_is_beyond_it(host: Host, container: Path):
    (container / "sys/fs/cgroup/memory.max").write_text("9223372036854771712\n")
    taken = ResourceReader(container)()
    assert (taken.memory_used, taken.memory_limit) == (2 * GB, 8 * GB)


def test_cpu_is_unknown_before_time_has_passed_and_then_the_share_that_was_busy(host: Host, tmp_path: Path):
    read = ResourceReader(tmp_path)
    assert read().cpu_percent is None
    host.work(busy=3.0, idle=1.0)
    assert read().cpu_percent == 75.0
    assert read().cpu_percent == 75.0
    host.work(busy=0.0, idle=3.0, waiting=1.0)
    assert read().cpu_percent == 0.0


def test_cpu_counts_only_where_this_process_may_run(host: Host, tmp_path: Path):
    host.allowed = {1}
    read = ResourceReader(tmp_path)
    host.work(busy=4.0, idle=0.0, only=0)
    host.work(busy=1.0, idle=3.0, only=1)
    assert read().cpu_percent == 25.0


def test_cpu_is_a_share_of_the_containers_quota(host: Host, container: Path, clock: Any):
    read = ResourceReader(container, clock=clock)
    clock.advance(10.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 4000000\n")
    assert read().cpu_percent == pytest.approx(80.0)
    clock.advance(1.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 9000000\n")
    assert read().cpu_percent == 100.0


def test_cpu_starts_anew_when_the_quota_changes(host: Host, container: Path, clock: Any):
    read = ResourceReader(container, clock=clock)
    clock.advance(1.0)
    assert read().cpu_percent == 0.0
    (container / "sys/fs/cgroup/cpu.max").write_text("100000 100000\n")
    clock.advance(1.0)
    assert read().cpu_percent is None
    clock.advance(1.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 500000\n")
    assert read().cpu_percent == pytest.approx(50.0)


def test_cpu_is_the_hosts_when_the_quota_is_wider_or_its_use_unknown(host: Host, container: Path):
    (container / "sys/fs/cgroup/cpu.stat").unlink()
    read = ResourceReader(container)
    host.work(busy=1.0, idle=1.0)
    assert read().cpu_percent == 50.0


def test_this_machine_gives_a_sample():
    taken = ResourceReader()()
    assert 0 < taken.memory_percent <= 100
    assert 0 < taken.memory_used <= taken.memory_limit


def test_samples_go_out_under_spanish_names():
    assert set(msgspec.to_builtins(sample())) == {"memoria_usada", "memoria_limite", "uso_memoria", "uso_cpu"}
