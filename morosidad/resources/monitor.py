"""A background monitor of memory and CPU, with callbacks when they run high and normal again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from morosidad.processes.forking import renew_after_fork
from morosidad.resources.reader import ResourceReader, ResourceSample
from morosidad.resources.watermark import ResourceCallback, Watermark

_logger = logging.getLogger(__name__)


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
        on_sample: ResourceCallback | None = None,
        on_memory_high: ResourceCallback | None = None,
        on_memory_normal: ResourceCallback | None = None,
        on_cpu_high: ResourceCallback | None = None,
        on_cpu_normal: ResourceCallback | None = None,
        on_cleanup: ResourceCallback | None = None,
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
        self._memory = Watermark("memory", memory_limit_percent, *levels, on_memory_high, on_memory_normal)
        self._cpu = Watermark("CPU", cpu_limit_percent, *levels, on_cpu_high, on_cpu_normal)
        self._clock = clock
        self._read = ResourceReader(clock=clock) if read is None else read
        self._latest: ResourceSample | None = None
        self._cleaned = clock()
        self._thread: threading.Thread | None = None
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Go on in a thread of this process, where one was running."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        if self._thread is not None:
            self._thread = None
            self.start()

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
        """End the thread, waiting `timeout` seconds at most; without effect when it does not run.

        Parameters
        ----------
        timeout : float, default=5.0
            Seconds.

        Returns
        -------
        None
        """
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
                _logger.exception("the resources could not be measured")


def _call(callback: ResourceCallback | None, sample: ResourceSample | None) -> None:
    if callback is None or sample is None:
        return
    try:
        callback(sample)
    except Exception:
        _logger.exception("the answer to a measurement of resources failed")
