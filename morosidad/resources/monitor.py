"""Memory and CPU: how much there is, how much is in use, and what to give up when it runs short.

In a container the limits are those of its control group (cgroup v1 or v2), which the usual figures of the
host do not show. `hardware_limits` tells what may be used, `ResourceReader` what is used, and a
`ResourceMonitor` samples in the background and calls back when memory or CPU run high and when they are
normal again. `morosidad.resources.shedding.LoadShedder` holds the usual answers.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from morosidad.resources.cgroups import cpu_bound, memory_bound

_logger = logging.getLogger(__name__)


class _CpuTime(NamedTuple):
    source: object
    used: float
    available: float


class HardwareLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What this process may use.

    Attributes
    ----------
    cpus : float
        CPUs; a fraction where the container has a quota.
    memory : int
        Bytes.
    """

    cpus: float
    memory: int

    @property
    def workers(self) -> int:
        """Threads that the CPUs can feed: the CPUs rounded up, one at the least."""
        return max(1, math.ceil(self.cpus))


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


Callback = Callable[[ResourceSample], object]


def hardware_limits(root: str | os.PathLike[str] = "/") -> HardwareLimits:
    """Tell how many CPUs and how much memory this process may use.

    The lower of what the host has and what the control groups above the process allow.

    Parameters
    ----------
    root : path, default "/"
        The folder that holds ``proc`` and ``sys``.

    References
    ----------
    Linux kernel, "Control Group v2" (``cpu.max``, ``memory.max``) and "Control Groups version 1"
    (``cpu.cfs_quota_us``, ``memory.limit_in_bytes``).
    """
    import psutil

    cpus = float(len(_allowed_cpus()))
    memory = int(psutil.virtual_memory().total)
    quota, bound = cpu_bound(Path(root)), memory_bound(Path(root))
    return HardwareLimits(
        cpus=cpus if quota is None else min(cpus, quota.limit),
        memory=memory if bound is None else min(memory, int(bound.limit)),
    )


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
        self._root = Path(root)
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
        bound = memory_bound(self._root)
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

        cpus = _allowed_cpus()
        quota = cpu_bound(self._root)
        if quota is not None and quota.used is not None and quota.limit < len(cpus):
            return _CpuTime(quota[::2], quota.used, self._clock() * quota.limit)
        times = [each._asdict() for cpu, each in enumerate(psutil.cpu_times(percpu=True)) if cpu in cpus]
        # On Linux the time of guests is part of the user's.
        total = sum(
            sum(each.values()) - each.get("guest", 0.0) - each.get("guest_nice", 0.0) for each in times
        )
        idle = sum(each["idle"] + each.get("iowait", 0.0) for each in times)
        return _CpuTime(cpus, total - idle, total)


class ResourceMonitor:
    """Sample memory and CPU in the background, and call back when they run high and when they are normal.

    A level is high when it stays over its limit for `sustain` seconds, and normal again when it stays
    `margin` points below the limit as long. Callbacks get the sample and run in the monitor's thread; one
    that raises is logged, and the monitor goes on.

    Nothing runs before `start`. `stop` ends the thread and, where a level is high, calls back as if it were
    normal, so that what was given up is taken back. Both may be called again; the ``with`` statement calls
    them.

    Parameters
    ----------
    interval : float, default 1.0
        Seconds between samples.
    memory_limit_percent, cpu_limit_percent : float, default 85 and 80
        Levels over which memory and CPU are high.
    margin : float, default 10
        Points below the limit where a level is normal again.
    sustain : float, default 3.0
        Seconds that a level must stay on the other side before it counts.
    repeat : float, default 30.0
        Seconds after which the callback for a high level is made again, while the level is over its limit.
    cleanup_interval : float, default 300.0
        Seconds between calls of `on_cleanup`.
    on_sample, on_cleanup : callable, optional
        Called with each sample, and from time to time.
    on_memory_high, on_memory_normal, on_cpu_high, on_cpu_normal : callable, optional
        Called when the level changes.
    read : callable, optional
        Takes a sample; a `ResourceReader` unless given.
    clock : callable, default `time.monotonic`
        Time in seconds.

    Raises
    ------
    ValueError
        An interval that is not above zero, or a limit outside 0 to 100.
    """

    def __init__(
        self,
        *,
        interval: float = 1.0,
        memory_limit_percent: float = 85.0,
        cpu_limit_percent: float = 80.0,
        margin: float = 10.0,
        sustain: float = 3.0,
        repeat: float = 30.0,
        cleanup_interval: float = 300.0,
        on_sample: Callback | None = None,
        on_memory_high: Callback | None = None,
        on_memory_normal: Callback | None = None,
        on_cpu_high: Callback | None = None,
        on_cpu_normal: Callback | None = None,
        on_cleanup: Callback | None = None,
        read: Callable[[], ResourceSample] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not interval > 0:
            raise ValueError(f"interval: above 0, not {interval}")
        self.interval = interval
        self.cleanup_interval = cleanup_interval
        self._on_sample = on_sample
        self._on_cleanup = on_cleanup
        levels = (margin, sustain, repeat)
        self._memory = _Level("Memoria", memory_limit_percent, *levels, on_memory_high, on_memory_normal)
        self._cpu = _Level("CPU", cpu_limit_percent, *levels, on_cpu_high, on_cpu_normal)
        self._clock = clock
        self._read = ResourceReader(clock=clock) if read is None else read
        self._latest: ResourceSample | None = None
        self._cleaned = clock()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def latest(self) -> ResourceSample | None:
        """The last sample, without waiting; None before the first."""
        return self._latest

    @property
    def memory_high(self) -> bool:
        """Whether memory is high."""
        return self._memory.high

    @property
    def cpu_high(self) -> bool:
        """Whether CPU is high."""
        return self._cpu.high

    def poll(self) -> ResourceSample:
        """Take a sample now, and make the calls that it gives cause for."""
        with self._lock:
            sample, now = self._read(), self._clock()
            self._latest = sample
            due = [
                self._on_sample,
                self._memory.update(sample.memory_percent, now),
                self._cpu.update(sample.cpu_percent, now),
            ]
            if now - self._cleaned >= self.cleanup_interval:
                self._cleaned = now
                due.append(self._on_cleanup)
        for callback in due:
            _call(callback, sample)
        return sample

    def start(self) -> Self:
        """Start sampling, the first time one `interval` from now; without effect when it runs."""
        with self._lock:
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="recursos", daemon=True
                )
                self._thread.start()
        return self

    def stop(self, *, timeout: float = 5.0) -> None:
        """End the thread, waiting `timeout` seconds at most; without effect when it does not run."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        with self._lock:
            due = [self._memory.reset(), self._cpu.reset()]
        for callback in due:
            _call(callback, self._latest)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(self.interval):
            try:
                self.poll()
            except Exception:
                _logger.exception("No se pudieron medir los recursos")


class _Level:
    """One level with its hysteresis."""

    def __init__(
        self,
        name: str,
        limit: float,
        margin: float,
        sustain: float,
        repeat: float,
        on_high: Callback | None,
        on_normal: Callback | None,
    ) -> None:
        if not 0 <= margin < limit <= 100:
            raise ValueError(f"limit: at most 100 and above the margin, not {limit}")
        self.name = name
        self.limit = limit
        self.margin = margin
        self.sustain = sustain
        self.repeat = repeat
        self.on_high = on_high
        self.on_normal = on_normal
        self.high = False
        self._crossed: float | None = None
        self._called = 0.0

    def update(self, percent: float | None, now: float) -> Callback | None:
        """Take in a measurement; give the callback that is due."""
        if percent is None:
            return None
        crosses = percent < self.limit - self.margin if self.high else percent > self.limit
        if not crosses:
            self._crossed = None
            if self.high and percent > self.limit and now - self._called >= self.repeat:
                self._called = now
                return self.on_high
            return None
        if self._crossed is None:
            self._crossed = now
        if now - self._crossed < self.sustain:
            return None
        self.high, self._crossed, self._called = not self.high, None, now
        _logger.warning("%s %s: %.0f %%", self.name, "alta" if self.high else "normal", percent)
        return self.on_high if self.high else self.on_normal

    def reset(self) -> Callback | None:
        """Forget what was measured; give the callback that undoes the last one."""
        callback = self.on_normal if self.high else None
        self.high, self._crossed = False, None
        return callback


def _allowed_cpus() -> frozenset[int]:
    """Name the CPUs that the scheduler lets this process use."""
    import psutil

    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(psutil.cpu_count() or 1))


def _percent(part: float, whole: float) -> float:
    return min(100.0, max(0.0, 100.0 * part / whole))


def _call(callback: Callback | None, sample: ResourceSample | None) -> None:
    if callback is None or sample is None:
        return
    try:
        callback(sample)
    except Exception:
        _logger.exception("Falló la respuesta a una medida de recursos")
