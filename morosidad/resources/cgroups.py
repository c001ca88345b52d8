"""Linux control groups (cgroup v1 and v2): the limits of this process, and how much of them is used.

Both versions are read at their usual mount points, ``/sys/fs/cgroup`` and ``/sys/fs/cgroup/<controller>``. A
limit may stand on any level above the process; the tightest counts, with the use of the level that sets it.
Elsewhere than on Linux nothing is found, and nothing limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class CgroupLimit(NamedTuple):
    """A limit and its use: in bytes, or in CPUs and seconds of CPU."""

    limit: float
    used: float | None
    directory: Path


def memory_limit(root: Path) -> CgroupLimit | None:
    """Find the tightest memory limit; what the kernel can drop at once does not count as used."""
    found = _tightest(root, "memory", _memory_limit_of)
    if found is None:
        return None
    limit, level = found
    used, droppable = _number(level / "memory.current"), "inactive_file"
    if used is None:
        used, droppable = _number(level / "memory.usage_in_bytes"), "total_inactive_file"
    if used is not None:
        used = max(0.0, used - (_entry(level / "memory.stat", droppable) or 0.0))
    return CgroupLimit(limit, used, level)


def cpu_limit(root: Path) -> CgroupLimit | None:
    """Find the tightest CPU quota, in CPUs, and the seconds of CPU used below it."""
    found = _tightest(root, "cpu", _cpu_quota)
    if found is None:
        return None
    quota, level = found
    microseconds = _entry(level / "cpu.stat", "usage_usec")
    if microseconds is not None:
        return CgroupLimit(quota, microseconds / 1e6, level)
    # In version 1 the accounting is a controller of its own, usually mounted together with the quotas.
    mounts = root / "sys/fs/cgroup"
    path = level.relative_to(mounts).parts[1:]
    nanoseconds = _number(level / "cpuacct.usage")
    if nanoseconds is None:
        nanoseconds = _number(mounts.joinpath("cpuacct", *path, "cpuacct.usage"))
    return CgroupLimit(quota, None if nanoseconds is None else nanoseconds / 1e9, level)


def _tightest(
    root: Path, controller: str, limit_of: Callable[[Path], float | None]
) -> tuple[float, Path] | None:
    limits = ((limit_of(level), level) for level in _ancestors(root, controller))
    return min(((limit, level) for limit, level in limits if limit is not None), default=None)


def _ancestors(root: Path, controller: str) -> Iterator[Path]:
    """Yield the group of this process and its ancestors, up to the mount point.

    Inside a container the path may be the host's and not exist; the mount point is then the group itself.
    """
    mounts = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    groups = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    mount = mounts / "unified" if (mounts / "unified").is_dir() else mounts
    path = groups.get("", "/")
    for names, version_1_path in groups.items():
        if controller in names.split(","):
            mount, path = mounts / controller, version_1_path
    parts = PurePosixPath(path).parts[1:]
    for depth in range(len(parts), -1, -1):
        level = mount.joinpath(*parts[:depth])
        if ".." not in parts[:depth] and level.is_dir():
            yield level


def _memory_limit_of(level: Path) -> float | None:
    limit = _number(level / "memory.max")
    return _number(level / "memory.limit_in_bytes") if limit is None else limit


def _cpu_quota(level: Path) -> float | None:
    words = _words(level / "cpu.max") or _words(level / "cpu.cfs_quota_us") + _words(
        level / "cpu.cfs_period_us"
    )
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])


def _number(file: Path) -> float | None:
    words = _words(file)
    return None if not words or words[0] == "max" else float(words[0])


def _entry(file: Path, name: str) -> float | None:
    words = _words(file)
    return float(words[words.index(name) + 1]) if name in words else None


def _words(file: Path) -> list[str]:
    """Read a small file; a controller that is not there has none."""
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []
