"""The mapping interface of the cache: two tiers in memory, perhaps a store below, one lock."""

from __future__ import annotations

from collections.abc import Callable, Hashable, ItemsView, Iterator, MutableMapping, ValuesView
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any, Final, TypeVar, cast, overload

from morosidad.cache.single_flight import Flight
from morosidad.cache.store import Store, StripedLocks, check_store
from morosidad.cache.tiers import Entry, Tiers
from morosidad.processes.forking import renew_after_fork, was_held

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

MISSING: Final[Any] = object()
# A key holds the values of a record, so no message names it.
NOT_FOUND: Final = "no such entry in the cache"


class CacheMapping(MutableMapping[K, V]):
    """The `MutableMapping` of `TieredCache`, which describes the parameters."""

    def __init__(
        self,
        l1: int,
        l2: int | Store[K, V],
        ttl: float,
        *,
        getsizeof: Callable[[V], int] | None,
        stale: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = None if isinstance(l2, int) else check_store(l2)
        l2_limit = l2 if isinstance(l2, int) else 0
        if not (l1 > 0 and l2_limit >= 0 and ttl > 0 and stale >= 0):
            raise ValueError("l1 and ttl must be above 0, l2 and stale not below 0")
        self._ttl, self._stale, self._clock = ttl, stale, clock
        self._getsizeof = getsizeof
        self._sized = getsizeof is not None or type(self).getsizeof is not CacheMapping.getsizeof
        self._init_state(Tiers(l1, l2_limit, sized=self._sized))

    def _init_state(self, tiers: Tiers[K, V]) -> None:
        self._tiers = tiers
        self._l1 = tiers.l1
        self._lock = RLock()
        self._locks_by_key = StripedLocks()
        # The computations whose results may be stored: to write a key, or to remove it, takes it out of here.
        self._flights: dict[K, Flight[V]] = {}
        self._l1_hits = self._l2_hits = self._misses = 0
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Keep the entries in a forked child, unless a thread was changing them; none is being computed."""
        torn, self._lock = was_held(self._lock), RLock()
        for flight in self._flights.values():
            flight.forget_waiters()
        self._flights = {}
        if torn:
            self._tiers = Tiers(self._tiers.l1_limit, self._tiers.l2_limit, sized=self._sized)
            self._l1 = self._tiers.l1

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V | T) -> V | T: ...
    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, or `default` where there is none.

        Parameters
        ----------
        key : hashable
            The key.
        default : object, optional
            What to return where there is no entry.

        Returns
        -------
        object
        """
        with self._lock:
            entry = self._tiers[key]
            if entry is not None and (now := self._clock()) < entry.deadline:
                if entry.queue is self._l1:
                    entry.used = True
                    self._l1_hits += 1
                    return entry.value
                return self._hit(entry, now)
            if self._store is None:
                self._misses += 1
                return default
        value = self._load_from_store(key)
        return default if value is MISSING else value

    def __getitem__(self, key: K) -> V:
        value = self.get(key, MISSING)
        return self.__missing__(key) if value is MISSING else cast("V", value)

    def __missing__(self, key: K) -> V:
        """Answer ``cache[key]`` where there is none; a subclass may return a value."""
        raise KeyError(NOT_FOUND)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            entry = self._tiers[cast("K", key)]
            if entry is not None and self._clock() < entry.deadline:
                return True
        return self._store is not None and self._store.get(cast("K", key)) is not None

    def __len__(self) -> int:
        with self._lock:
            self._tiers.expire(self._clock())
            return len(self._pairs()) if self._stale else len(self._tiers)

    def __iter__(self) -> Iterator[K]:
        return iter([key for key, _ in self._pairs()])

    def items(self) -> ItemsView[K, V]:
        """Return a view of keys and values that iterates over a copy."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """Return a view of the values that iterates over a copy."""
        return _Values(self)

    def __setitem__(self, key: K, value: V) -> None:
        self.set(key, value)

    def set(self, key: K, value: V, ttl: float | None = None) -> None:
        """Store `value` under `key`.

        Parameters
        ----------
        key, value : object
            What to store; the key must be hashable.
        ttl : float, optional
            Seconds it lives, by default the cache's own. With none left the entry is removed.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            If the value measures more than L1 holds; what was there before stays.
        """
        size = self._measure(value)
        if size > self._tiers.l1_limit:
            raise ValueError("value too large")
        life = self._ttl if ttl is None else ttl
        if not life > 0:
            self.pop(key, None)
            return
        if self._store is None:
            self._write(key, value, size, life)
            return
        with self._locks_by_key.of(key):
            self._write(key, value, size, life)
            self._store.set(key, value, life)

    def setdefault(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, having stored `default` where there was none.

        Parameters
        ----------
        key : hashable
            The key.
        default : object, optional
            What to store where there is no entry.

        Returns
        -------
        object
        """
        with self._lock_for(key):
            value = self.get(key, MISSING)
            if value is MISSING:
                self.set(key, default)
                return default
            return value

    def __delitem__(self, key: K) -> None:
        self.pop(key)

    @overload
    def pop(self, key: K) -> V: ...
    @overload
    def pop(self, key: K, default: V | T) -> V | T: ...
    def pop(self, key: K, default: Any = MISSING) -> Any:
        """Remove `key` and return its value, or `default` where there is none.

        Parameters
        ----------
        key : hashable
            The key.
        default : object, optional
            What to return where there is no entry; without it a `KeyError` is raised.

        Returns
        -------
        object
        """
        value = self._remove(key)
        if value is not MISSING:
            return value
        if default is MISSING:
            raise KeyError(NOT_FOUND)
        return default

    def popitem(self) -> tuple[K, V]:
        """Remove and return the entry that would leave memory next."""
        while True:
            with self._lock:
                now = self._clock()
                key = next((e.key for e in self._tiers.entries() if now < e.deadline), MISSING)
            if key is MISSING:
                raise KeyError("the cache is empty") from None
            # Not under the lock, because of the store; if another caller is faster, the next entry goes.
            value = self._remove(key)
            if value is not MISSING:
                return key, value

    def clear(self) -> None:
        """Remove everything, in the store too.

        Raises
        ------
        TypeError
            If the store has no ``clear()``; memory is emptied all the same.
        """
        with self._locks_by_key.all() if self._store is not None else self._lock:
            with self._lock:
                self._flights.clear()
                self._tiers.clear()
            if self._store is not None:
                if (clear := getattr(self._store, "clear", None)) is None:
                    raise TypeError(f"{type(self._store).__name__} has no clear(); L1 alone was emptied")
                clear()

    def getsizeof(self, value: V) -> int:
        """Return what a value measures.

        Parameters
        ----------
        value : object
            The value.

        Returns
        -------
        int
            1 unless the cache was given a measure.
        """
        return 1 if self._getsizeof is None else self._getsizeof(value)

    @property
    def maxsize(self) -> int:
        """What memory holds at most, both tiers together."""
        return self._tiers.l1_limit + self._tiers.l2_limit

    @property
    def currsize(self) -> int:
        """What the entries in memory measure."""
        with self._lock:
            self._tiers.expire(self._clock())
            return self._tiers.l1.size + self._tiers.l2_size

    @property
    def ttl(self) -> float:
        """Seconds that an entry lives unless it is given its own."""
        return self._ttl

    def __repr__(self) -> str:
        # Neither keys nor values: they are personal data.
        tiers = self._tiers
        l2 = tiers.l2_limit if self._store is None else type(self._store).__name__
        return f"{type(self).__name__}(l1={tiers.l1_limit}, l2={l2}, ttl={self._ttl:g})"

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = self.__dict__.copy()
            state["_tiers"] = (self._tiers.l1_limit, self._tiers.l2_limit, self._tiers.dump(self._clock()))
        for name in ("_l1", "_lock", "_locks_by_key", "_flights"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        l1, l2, queues = state.pop("_tiers")
        self.__dict__.update(state)
        self._init_state(Tiers(l1, l2, sized=self._sized))
        self._tiers.load(queues, self._clock())

    def _lock_for(self, key: K) -> AbstractContextManager[object]:
        """Return the lock under which `key` is written; with a store, other keys are not blocked."""
        return self._lock if self._store is None else self._locks_by_key.of(key)

    def _hit(self, entry: Entry[K, V], now: float) -> V:
        if entry.queue is self._l1:
            entry.used = True
            self._l1_hits += 1
        else:
            self._l2_hits += 1
            self._tiers.promote(entry, now)
        return entry.value

    def _load_from_store(self, key: K) -> Any:
        """Look up in the store what memory lacks, and put it into L1."""
        store = cast("Store[K, V]", self._store)
        with self._locks_by_key.of(key):
            with self._lock:
                entry = self._tiers[key]
                if entry is not None and (now := self._clock()) < entry.deadline:
                    # Another caller loaded it while this one waited for the key.
                    return self._hit(entry, now)
            found = store.get(key)
            with self._lock:
                if found is None or found[1] <= 0:
                    self._misses += 1
                    return MISSING
                value, left = found
                self._l2_hits += 1
                size = self._measure(value)
                if size <= self._tiers.l1_limit:
                    self._tiers.promotions += 1
                    self._put(key, value, size, left)
                return value

    def _write(self, key: K, value: V, size: int, life: float) -> None:
        with self._lock:
            if self._flights:
                self._flights.pop(key, None)
            self._put(key, value, size, life)

    def _put(self, key: K, value: V, size: int, life: float) -> None:
        now = self._clock()
        deadline = now + life
        self._tiers.put(Entry(key, value, size, now, deadline, deadline + self._stale))

    def _remove(self, key: K) -> Any:
        """Remove `key` everywhere and return its value, if it was still alive."""
        with self._lock_for(key):
            value = self._remove_from_memory(key)
            if self._store is not None:
                if value is MISSING and (found := self._store.get(key)) is not None:
                    value = found[0]
                self._store.delete(key)
            return value

    def _remove_from_memory(self, key: K) -> Any:
        """Remove `key` from memory and return its value, if it was still alive."""
        with self._lock:
            self._flights.pop(key, None)
            now = self._clock()
            self._tiers.expire(now)
            entry = self._tiers[key]
            if entry is None:
                return MISSING
            alive = now < entry.deadline
            value = self._tiers.remove(entry)[1]
            return value if alive else MISSING

    def _measure(self, value: V) -> int:
        size = self.getsizeof(value) if self._sized else 1
        if size < 0:
            raise ValueError("value size must be non-negative")
        return size

    def _pairs(self) -> list[tuple[K, V]]:
        with self._lock:
            now = self._clock()
            return [(entry.key, entry.value) for entry in self._tiers.entries() if now < entry.deadline]


class _Items(ItemsView[K, V]):
    _mapping: CacheMapping[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return iter(self._mapping._pairs())


class _Values(ValuesView[V]):
    _mapping: CacheMapping[Any, V]

    def __iter__(self) -> Iterator[V]:
        return iter([value for _, value in self._mapping._pairs()])

    def __contains__(self, value: object) -> bool:
        return any(v is value or v == value for v in self)
