"""TieredCache: a small, fast tier over a larger one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from morosidad.cache.flights import Abandoned, Flight, Patience
from morosidad.cache.mapping import MISSING, CacheMapping
from morosidad.cache.stats import CacheStats
from morosidad.cache.store import Store
from morosidad.cache.sweeper import Sweeper
from morosidad.cache.tiers import Tiers

if TYPE_CHECKING:
    from concurrent.futures import Future

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TieredCache(CacheMapping[K, V]):
    """A small tier (L1) over a larger one (L2), with a time to live.

    What is written goes into L1. What leaves L1 moves down to L2, what is hit in L2 moves up, and what
    leaves L2 is gone; no move prolongs a life. Keys that are asked for again outlast any number of keys
    that are asked for once. Keys are compared by value, never by hash alone.

    It is a `MutableMapping` in full, and every method may be called from any thread. ``[]`` and `get` count
    as look-ups and as use; ``in``, `len` and iteration don't. Iteration goes over a copy, so the cache may
    change meanwhile.

    Parameters
    ----------
    l1 : int
        Limit of the first tier: a number of entries, or of whatever `getsizeof` measures.
    l2 : int or Store
        Limit of the second tier, or a store in its place, such as `RedisTier`. A store is written together
        with L1: others who share it see the entry at once, and a move down costs nothing. `len`, iteration,
        `popitem` and `trim` then know the entries in L1 only.
    ttl : float
        Seconds that an entry lives unless it is given its own; ``math.inf`` is for ever.
    getsizeof : callable, optional
        Size of a value in whole numbers, for example bytes. Without it every entry measures 1.
    stale : float
        Seconds past its deadline during which an entry may still answer `get_or_compute` while one caller
        renews it. To everything else it is gone.
    spawn : callable, optional
        Runs a renewal elsewhere, like the ``submit`` of an executor. Without it, the first caller of
        `get_or_compute` who finds an entry stale renews it; the others don't wait for it.
    max_wait : float
        Seconds that `get_or_compute` waits for a computation another caller has begun.
    clock : callable
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
        super().__init__(l1, l2, ttl, getsizeof=getsizeof, stale=stale, clock=clock)
        if not max_wait >= 0:
            raise ValueError("max_wait must not be below 0")
        self._spawn, self._max_wait = spawn, max_wait

    def _begin(self, tiers: Tiers[K, V]) -> None:
        super()._begin(tiers)
        self._stale_hits = self._waits = self._failures = 0
        self._renewals: set[object] = set()

    def get_or_compute(
        self, key: K, compute: Callable[[], V], *, ttl: float | None = None, timeout: float | None = None
    ) -> V:
        """Return the value of `key`; where there is none, compute and store it.

        However many callers ask for a key, one computes and the others wait. An exception reaches all of
        them and nothing is stored. If the key is written or invalidated meanwhile, those who wait get the
        result but it is not stored. Whoever is cancelled or interrupted while computing hands over to one
        of those who wait.

        Parameters
        ----------
        key : hashable
            The key.
        compute : callable
            Returns the value.
        ttl : float, optional
            Seconds the result lives, by default the cache's own.
        timeout : float, optional
            Seconds to wait for another caller's computation, by default the cache's `max_wait`; the
            caller's own computation takes the time it takes.

        Raises
        ------
        DeadlineExceeded
            If another caller's computation took longer than that.
        RuntimeError
            If the computation asks for its own key.
        """
        patience: Patience | None = None
        while True:
            value, flight, future = self._enter(key, renew=self._spawn is not None)
            if future is not None:
                patience = patience or Patience(self._max_wait if timeout is None else timeout)
                try:
                    return patience.wait(future)
                except Abandoned:
                    self._take_back_wait()
            elif flight is None:
                return cast("V", value)
            elif value is MISSING:
                return self._compute(key, flight, compute, ttl)
            else:
                self._renew(key, flight, compute, ttl)
                return cast("V", value)

    async def aget_or_compute(
        self,
        key: K,
        compute: Callable[[], Awaitable[V]],
        *,
        ttl: float | None = None,
        timeout: float | None = None,
    ) -> V:
        """Like `get_or_compute` for a coroutine function; tasks and threads share one computation.

        A stale entry is renewed by a task of its own, so that nobody waits.
        """
        import asyncio

        task = asyncio.current_task()
        patience: Patience | None = None
        while True:
            value, flight, future = self._enter(key, renew=True, task=task)
            if future is not None:
                patience = patience or Patience(self._max_wait if timeout is None else timeout)
                try:
                    return await patience.wait_async(future)
                except Abandoned:
                    self._take_back_wait()
            elif flight is None:
                return cast("V", value)
            elif value is MISSING:
                return await self._compute_async(key, flight, compute, ttl)
            else:
                renewal = asyncio.create_task(self._renew_async(key, flight, compute, ttl))
                self._renewals.add(renewal)
                renewal.add_done_callback(self._renewals.discard)
                return cast("V", value)

    def invalidate(self, key: Any = MISSING) -> None:
        """Remove `key`, or everything; what is being computed for it at this moment will not be stored.

        Raises
        ------
        TypeError
            If everything is to go from a store that has no ``clear()``; memory is emptied all the same.
        """
        if key is MISSING:
            self.clear()
            return
        with self._holding(key):
            self._forget(key)
            if self._store is not None:
                self._store.delete(key)

    def expire(self, time: float | None = None) -> list[tuple[K, V]]:
        """Remove the entries whose time is over and return them; writing and `len` do so too.

        Parameters
        ----------
        time : float, optional
            The time by the cache's clock, by default now.
        """
        with self._lock:
            return self._tiers.expire(self._clock() if time is None else time)

    def expire_every(self, seconds: float) -> Sweeper:
        """Start a thread that calls `expire` every so many seconds, and return what stops it.

        Only a cache that is read for long and seldom written needs it, to give memory back sooner.
        """
        return Sweeper(self, seconds)

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

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        del state["_renewals"]
        return state

    def _enter(
        self, key: K, *, renew: bool, task: object = None
    ) -> tuple[Any, Flight[V] | None, Future[V] | None]:
        """Answer a key, join its computation or begin it: value, computation to do, future to wait for.

        Value and computation together mean that a stale value answers while the computation is done
        elsewhere.
        """
        with self._lock:
            entry, now = self._tiers[key], self._clock()
            if entry is not None and now < entry.deadline:
                return self._hit(entry, now), None, None
            stale = entry.value if entry is not None and now < entry.end else MISSING
            flight = self._flights.get(key)
            if stale is not MISSING and (flight is not None or renew):
                self._stale_hits += 1
                if flight is not None:
                    return stale, None, None
                flight = self._flights[key] = Flight()
                return stale, flight, None
            if flight is None:
                flight = self._flights[key] = Flight()
            if flight.claim(task):
                self._misses += self._store is None
                return MISSING, flight, None
            future = flight.join(task)
            self._misses += 1
            self._waits += 1
            return MISSING, None, future

    def _take_back_wait(self) -> None:
        """Uncount a wait that came to nothing: the caller asks anew."""
        with self._lock:
            self._misses -= 1
            self._waits -= 1

    def _compute(self, key: K, flight: Flight[V], compute: Callable[[], V], ttl: float | None) -> V:
        try:
            value = MISSING if self._store is None else self._fetch(key)
            if value is MISSING:
                value = compute()
                self._land(key, flight, value, ttl)
            else:
                self._end(key, flight, value)
        except BaseException as error:
            self._fail(key, flight, error)
            raise
        return cast("V", value)

    async def _compute_async(
        self, key: K, flight: Flight[V], compute: Callable[[], Awaitable[V]], ttl: float | None
    ) -> V:
        import asyncio

        try:
            value = MISSING if self._store is None else await asyncio.to_thread(self._fetch, key)
            if value is not MISSING:
                self._end(key, flight, value)
            else:
                value = await compute()
                if self._store is None:
                    self._land(key, flight, value, ttl)
                else:
                    await asyncio.to_thread(self._land, key, flight, value, ttl)
        except BaseException as error:
            self._fail(key, flight, error)
            raise
        return cast("V", value)

    def _renew(self, key: K, flight: Flight[V], compute: Callable[[], V], ttl: float | None) -> None:
        def run() -> None:
            with self._lock:
                mine = flight.claim()
            if mine:
                # Who waits gets the exception, and `failures` counts it.
                with suppress(Exception):
                    self._compute(key, flight, compute, ttl)

        try:
            cast("Callable[[Callable[[], object]], object]", self._spawn)(run)
        except BaseException as error:
            self._fail(key, flight, error)
            raise

    async def _renew_async(
        self, key: K, flight: Flight[V], compute: Callable[[], Awaitable[V]], ttl: float | None
    ) -> None:
        import asyncio

        with self._lock:
            mine = flight.claim(asyncio.current_task())
        if mine:
            with suppress(Exception):
                await self._compute_async(key, flight, compute, ttl)

    def _land(self, key: K, flight: Flight[V], value: V, ttl: float | None) -> None:
        """Tell who waits; store the result unless its key was written or invalidated meanwhile."""
        size = self._measure(value)
        life = self._ttl if ttl is None else ttl
        with self._holding(key):
            with self._lock:
                keep = self._flights.get(key) is flight and size <= self._tiers.l1_limit and life > 0
                if keep:
                    self._put(key, value, size, life)
                self._end(key, flight, value)
            if keep and self._store is not None:
                self._store.set(key, value, life)

    def _end(self, key: K, flight: Flight[V], value: V) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.resolve(value)

    def _fail(self, key: K, flight: Flight[V], error: BaseException) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if isinstance(error, Exception):
                self._failures += 1
                flight.fail(error)
            else:
                flight.fail(Abandoned())
