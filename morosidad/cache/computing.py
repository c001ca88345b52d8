"""A cache that computes what it lacks: one computation per key (single flight), stale values meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from morosidad.cache.mapping import MISSING, CacheMapping
from morosidad.cache.single_flight import Abandoned, Flight, WaitLimit
from morosidad.cache.store import Store
from morosidad.cache.tiers import Tiers

if TYPE_CHECKING:
    from concurrent.futures import Future

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ComputingCache(CacheMapping[K, V]):
    """The single-flight computation of `TieredCache`, which describes the parameters."""

    def __init__(
        self,
        l1: int,
        l2: int | Store[K, V],
        ttl: float,
        *,
        getsizeof: Callable[[V], int] | None,
        stale: float,
        spawn: Callable[[Callable[[], object]], object] | None,
        max_wait: float,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(l1, l2, ttl, getsizeof=getsizeof, stale=stale, clock=clock)
        if not max_wait >= 0:
            raise ValueError("max_wait must not be below 0")
        self._spawn, self._max_wait = spawn, max_wait

    def _init_state(self, tiers: Tiers[K, V]) -> None:
        super()._init_state(tiers)
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

        Returns
        -------
        object
            The value.

        Raises
        ------
        DeadlineExceeded
            If another caller's computation took longer than that.
        RuntimeError
            If the computation asks for its own key.
        """
        limit: WaitLimit | None = None
        while True:
            value, flight, future = self._lookup_or_join(key, renew=self._spawn is not None)
            if future is not None:
                limit = limit or WaitLimit(self._max_wait if timeout is None else timeout)
                try:
                    return limit.wait(future)
                except Abandoned:
                    self._uncount_wait()
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

        Parameters
        ----------
        key
            As for `get_or_compute`.
        ttl, timeout : optional
            As for `get_or_compute`.
        compute : callable
            The coroutine function that returns the value.

        Returns
        -------
        object
            The value.

        Raises
        ------
        DeadlineExceeded
            If another caller's computation took longer than `timeout`.
        RuntimeError
            If the computation asks for its own key.
        """
        import asyncio

        task = asyncio.current_task()
        limit: WaitLimit | None = None
        while True:
            value, flight, future = self._lookup_or_join(key, renew=True, task=task)
            if future is not None:
                limit = limit or WaitLimit(self._max_wait if timeout is None else timeout)
                try:
                    return await limit.wait_async(future)
                except Abandoned:
                    self._uncount_wait()
            elif flight is None:
                return cast("V", value)
            elif value is MISSING:
                return await self._compute_async(key, flight, compute, ttl)
            else:
                renewal = asyncio.create_task(self._renew_async(key, flight, compute, ttl))
                self._renewals.add(renewal)
                renewal.add_done_callback(self._renewals.discard)
                return cast("V", value)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        del state["_renewals"]
        return state

    def _lookup_or_join(
        self, key: K, *, renew: bool, task: object = None
    ) -> tuple[Any, Flight[V] | None, Future[V] | None]:
        """Look a key up, or join or begin its computation: value, computation to do, future to wait for.

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

    def _uncount_wait(self) -> None:
        """Uncount a wait whose computation was abandoned: the caller asks again."""
        with self._lock:
            self._misses -= 1
            self._waits -= 1

    def _compute(self, key: K, flight: Flight[V], compute: Callable[[], V], ttl: float | None) -> V:
        try:
            value = MISSING if self._store is None else self._load_from_store(key)
            if value is MISSING:
                value = compute()
                self._store_result(key, flight, value, ttl)
            else:
                self._finish_flight(key, flight, value)
        except BaseException as error:
            self._fail_flight(key, flight, error)
            raise
        return cast("V", value)

    async def _compute_async(
        self, key: K, flight: Flight[V], compute: Callable[[], Awaitable[V]], ttl: float | None
    ) -> V:
        import asyncio

        try:
            value = MISSING if self._store is None else await asyncio.to_thread(self._load_from_store, key)
            if value is not MISSING:
                self._finish_flight(key, flight, value)
            else:
                value = await compute()
                if self._store is None:
                    self._store_result(key, flight, value, ttl)
                else:
                    await asyncio.to_thread(self._store_result, key, flight, value, ttl)
        except BaseException as error:
            self._fail_flight(key, flight, error)
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
            self._fail_flight(key, flight, error)
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

    def _store_result(self, key: K, flight: Flight[V], value: V, ttl: float | None) -> None:
        """Resolve the flight; store the result unless its key was written or invalidated meanwhile."""
        size = self._measure(value)
        life = self._ttl if ttl is None else ttl
        with self._lock_for(key):
            with self._lock:
                keep = self._flights.get(key) is flight and size <= self._tiers.l1_limit and life > 0
                if keep:
                    self._put(key, value, size, life)
                self._finish_flight(key, flight, value)
            if keep and self._store is not None:
                self._store.set(key, value, life)

    def _finish_flight(self, key: K, flight: Flight[V], value: V) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.resolve(value)

    def _fail_flight(self, key: K, flight: Flight[V], error: BaseException) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if isinstance(error, Exception):
                self._failures += 1
                flight.fail(error)
            else:
                flight.fail(Abandoned())
