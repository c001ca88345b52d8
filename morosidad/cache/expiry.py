"""A background thread that removes expired entries, for caches that are read more than written."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol, Self

from morosidad.processes.forking import renew_after_fork


class Expiring(Protocol):
    """A cache whose expired entries can be removed."""

    def expire(self) -> object:
        """Remove the expired entries."""
        ...


class ExpiryThread:
    """A daemon thread that calls ``expire()`` every so often, until stopped or until the cache is gone.

    Also a context manager.

    Parameters
    ----------
    cache : Expiring
        The cache; it is not kept alive.
    seconds : float
        The interval.

    Raises
    ------
    ValueError
        If the interval is not above 0.
    """

    def __init__(self, cache: Expiring, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"the interval must be more than 0 seconds, not {seconds!r}")
        self._cache = weakref.ref(cache)
        self._seconds = seconds
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=_expire_periodically,
            args=(self._cache, self._seconds, self._stopped),
            name="morosidad-expiry",
            daemon=True,
        )
        self._thread.start()

    def _after_fork(self) -> None:
        if not self._stopped.is_set():
            self._start()

    def stop(self) -> None:
        """Stop, and return when the thread has ended."""
        self._stopped.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _expire_periodically(cache: weakref.ref[Expiring], seconds: float, stopped: threading.Event) -> None:
    while not stopped.wait(seconds):
        alive = cache()
        if alive is None:
            return
        alive.expire()
        del alive
