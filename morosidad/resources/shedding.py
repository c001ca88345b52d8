"""Load shedding: caches trimmed and thread pools shrunk while memory or CPU are short."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from typing import Protocol


class Resizable(Protocol):
    """A pool that a `LoadShedder` can shrink, as `WorkerPool`."""

    @property
    def size(self) -> int:
        """Tasks that may run at once."""
        ...

    def resize(self, size: int) -> None:
        """Let more or fewer tasks run at once."""


class LoadShedder:
    """Sheds load while memory or CPU are short: callbacks for a `ResourceMonitor`.

    Parameters
    ----------
    trim : iterable of callables, optional
        Called without arguments when memory is high, to drop old entries from caches.
    pools : iterable of Resizable, optional
        Halved each time that CPU is found high, down to one thread.

    Examples
    --------
    >>> from morosidad.resources import ResourceMonitor
    >>> from morosidad.workers import WorkerPool
    >>> pool = WorkerPool(4)
    >>> shedder = LoadShedder(pools=[pool])
    >>> monitor = ResourceMonitor(
    ...     on_memory_high=shedder.free_memory, on_cpu_high=shedder.shrink, on_cpu_normal=shedder.restore
    ... )
    """

    def __init__(self, *, trim: Iterable[Callable[[], object]] = (), pools: Iterable[Resizable] = ()) -> None:
        self._trim = list(trim)
        self._pools = list(pools)
        self._sizes: list[int] | None = None

    def free_memory(self, _sample: object = None) -> None:
        """Trim the caches and collect garbage."""
        for trim in self._trim:
            trim()
        gc.collect()

    def shrink(self, _sample: object = None) -> None:
        """Halve the pools."""
        if self._sizes is None:
            self._sizes = [pool.size for pool in self._pools]
        for pool in self._pools:
            pool.resize(max(1, pool.size // 2))

    def restore(self, _sample: object = None) -> None:
        """Restore the sizes of the pools."""
        for pool, size in zip(self._pools, self._sizes or (), strict=False):
            pool.resize(size)
        self._sizes = None
