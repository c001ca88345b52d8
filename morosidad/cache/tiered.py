"""TieredCache: a two-tier cache in memory, perhaps over a remote store, with a time to live."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from morosidad.cache.computing import ComputingCache
from morosidad.cache.expiry import ExpiryThread
from morosidad.cache.mapping import MISSING
from morosidad.cache.stats import CacheStats
from morosidad.cache.store import Store

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TieredCache(ComputingCache[K, V]):
    """A small tier (L1) over a larger one (L2), with a time to live.

    What is written goes into L1. What leaves L1 moves down to L2, what is hit in L2 moves up, and what
    leaves L2 is gone; no move prolongs a life. Keys that are asked for again outlast any number of keys
    that are asked for once. Keys are compared by value, never by hash alone.

    It is a `MutableMapping` in full, and every method may be called from any thread. ``[]`` and `get` count
    as look-ups and as use; ``in``, `len` and iteration don't. Iteration goes over a copy, so the cache may
    change meanwhile.

    Parameters
    ----------
    l1 : int, default=100
        Limit of the first tier: a number of entries, or of whatever `getsizeof` measures.
    l2 : int or Store, default=500
        Limit of the second tier, or a store in its place, such as `RedisTier`. A store is written together
        with L1: others who share it see the entry at once, and a move down costs nothing. `len`, iteration,
        `popitem` and `trim` then know the entries in L1 only.
    ttl : float, default=300.0
        Seconds that an entry lives unless it is given its own; ``math.inf`` is for ever.
    getsizeof : callable, optional
        Size of a value in whole numbers, for example bytes. Without it every entry measures 1.
    stale : float, default=0.0
        Seconds past its deadline during which an entry may still answer `get_or_compute` while one caller
        renews it. To everything else it is gone.
    spawn : callable, optional
        Runs a renewal elsewhere, like the ``submit`` of an executor. Without it, the first caller of
        `get_or_compute` who finds an entry stale renews it; the others don't wait for it.
    max_wait : float, default=5.0
        Seconds that `get_or_compute` waits for a computation another caller has begun.
    clock : callable, optional
        Time in seconds.

    Raises
    ------
    ValueError
        If a limit or a time is out of range.
    TypeError
        If `l2` is neither a whole number nor a store.

    Examples
    --------
    >>> cache = TieredCache(l1=100, l2=500, ttl=300)
    >>> cache["modelo@1", (35, 1200.0)] = 0.08
    >>> cache.get(("modelo@1", (35, 1200.0)))
    0.08
    >>> cache.stats().l1_hits
    1
    """

    def __init__(
        self,
        l1: int = 100,
        l2: int | Store[K, V] = 500,
        ttl: float = 300.0,
        *,
        getsizeof: Callable[[V], int] | None = None,
        stale: float = 0.0,
        spawn: Callable[[Callable[[], object]], object] | None = None,
        max_wait: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            l1, l2, ttl, getsizeof=getsizeof, stale=stale, spawn=spawn, max_wait=max_wait, clock=clock
        )

    @property
    def store(self) -> Store[K, V] | None:
        """The store in the place of the second tier; None where that is memory."""
        return self._store

    def invalidate(self, key: Any = MISSING) -> None:
        """Remove `key`, or everything; what is being computed for it at this moment will not be stored.

        Parameters
        ----------
        key : hashable, optional
            The key; everything without it.

        Returns
        -------
        None

        Raises
        ------
        TypeError
            If everything is to go from a store that has no ``clear()``; memory is emptied all the same.
        """
        if key is MISSING:
            self.clear()
            return
        with self._lock_for(key):
            self._remove_from_memory(key)
            if self._store is not None:
                self._store.delete(key)

    def expire(self, time: float | None = None) -> list[tuple[K, V]]:
        """Remove the entries whose time is over and return them; writing and `len` do so too.

        Parameters
        ----------
        time : float, optional
            The time by the cache's clock, by default now.

        Returns
        -------
        list of (key, value)
            What was removed.
        """
        with self._lock:
            return self._tiers.expire(self._clock() if time is None else time)

    def expire_every(self, seconds: float) -> ExpiryThread:
        """Start a thread that calls `expire` every so many seconds, and return what stops it.

        Only a cache that is read for long and seldom written needs it, to give memory back sooner.

        Parameters
        ----------
        seconds : float
            The interval, above 0.

        Returns
        -------
        ExpiryThread
            Its ``stop()`` ends the thread; it is a context manager too.
        """
        return ExpiryThread(self, seconds)

    def trim(self, max_age: float) -> int:
        """Remove from memory what was stored `max_age` seconds ago or earlier, to make room in an emergency.

        Parameters
        ----------
        max_age : float
            Age in seconds.

        Returns
        -------
        int
            How many entries went.
        """
        with self._lock:
            limit = self._clock() - max_age
            old = [entry for entry in self._tiers.entries() if entry.stored <= limit]
            for entry in old:
                self._tiers.remove(entry)
            return len(old)

    def stats(self) -> CacheStats:
        """Return the counts of this moment."""
        with self._lock:
            tiers = self._tiers
            tiers.expire(self._clock())
            return CacheStats(
                l1_hits=self._l1_hits,
                l2_hits=self._l2_hits,
                stale_hits=self._stale_hits,
                misses=self._misses,
                waits=self._waits,
                failures=self._failures,
                promotions=tiers.promotions,
                # What leaves L1 over a store lies there already.
                demotions=tiers.demotions if self._store is None else tiers.evictions,
                insertions=tiers.insertions,
                evictions=tiers.evictions,
                expiries=tiers.expiries,
                removals=tiers.removals,
                entries=len(tiers),
                l1_size=tiers.l1.size,
                l2_size=tiers.l2_size,
            )
