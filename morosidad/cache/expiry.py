"""A background thread that removes expired entries, for caches that are read more than written."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol, Self


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
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=_expire_periodically,
            args=(weakref.ref(cache), seconds, self._stopped),
            name="morosidad-expiry",
            daemon=True,
        )
        self._thread.start()

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
