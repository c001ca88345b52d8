"""Readings of memory and CPU in use, as shares of what this process may use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from morosidad.processes.paths import absolute
from morosidad.resources.cgroups import cpu_limit, memory_limit
from morosidad.resources.hardware import allowed_cpus


class ResourceSample(msgspec.Struct, frozen=True, kw_only=True):
    """Memory and CPU at one moment, as shares of what this process may use.

    Attributes
    ----------
    memory_used, memory_limit : int
        Bytes. Pages of files that the kernel can drop at once don't count as used.
    memory_percent : float
        0 to 100.
    cpu_percent : float or None
        0 to 100 over the time since the sample before; None while there is no such time.
    """

    memory_used: int = msgspec.field(name="memoria_usada")
    memory_limit: int = msgspec.field(name="memoria_limite")
    memory_percent: float = msgspec.field(name="uso_memoria")
    cpu_percent: float | None = msgspec.field(name="uso_cpu")


class _CpuTime(NamedTuple):
    source: object
    used: float
    available: float


class ResourceReader:
    """Read how much memory and CPU are in use.

    CPU is measured between one call and the next, so each reader has its own figures.

    Parameters
    ----------
    root : path, default "/"
        The folder that holds ``proc`` and ``sys``.
    clock : callable, default `time.monotonic`
        Time in seconds.
    """

    def __init__(
        self, root: str | os.PathLike[str] = "/", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = absolute(root)
        self._clock = clock
        self._cpu_before = self._cpu_time()
        self._cpu_percent: float | None = None

    def __call__(self) -> ResourceSample:
        """Take a sample."""
        used, limit = self._memory()
        return ResourceSample(
            memory_used=used,
            memory_limit=limit,
            memory_percent=_percent(used, limit),
            cpu_percent=self._cpu(),
        )

    def _memory(self) -> tuple[int, int]:
        import psutil

        host = psutil.virtual_memory()
        bound = memory_limit(self._root)
        if bound is None or bound.used is None or bound.limit >= host.total:
            return host.total - host.available, host.total
        return int(bound.used), int(bound.limit)

    def _cpu(self) -> float | None:
        before, now = self._cpu_before, self._cpu_time()
        if now.source != before.source:
            self._cpu_percent = None
        elif now.available <= before.available:
            return self._cpu_percent
        else:
            self._cpu_percent = _percent(now.used - before.used, now.available - before.available)
        self._cpu_before = now
        return self._cpu_percent

    def _cpu_time(self) -> _CpuTime:
        """Seconds of CPU used, and seconds that could have been used, since some fixed moment."""
        import psutil

        cpus = allowed_cpus()
        quota = cpu_limit(self._root)
        if quota is not None and quota.used is not None and quota.limit < len(cpus):
            return _CpuTime(quota[::2], quota.used, self._clock() * quota.limit)
        times = [each._asdict() for cpu, each in enumerate(psutil.cpu_times(percpu=True)) if cpu in cpus]
        # On Linux the time of guests is part of the user's.
        total = sum(
            sum(each.values()) - each.get("guest", 0.0) - each.get("guest_nice", 0.0) for each in times
        )
        idle = sum(each["idle"] + each.get("iowait", 0.0) for each in times)
        return _CpuTime(cpus, total - idle, total)


def _percent(part: float, whole: float) -> float:
    return min(100.0, max(0.0, 100.0 * part / whole))
