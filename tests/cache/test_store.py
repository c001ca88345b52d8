"""A store in the place of L2."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.cache import TieredCache
from support import LONG, FakeClock


class BareStore:
    """Three methods over a dict; `on_get` and `on_set` run where the network takes its time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.data: dict[Any, tuple[Any, float]] = {}
        self.calls: list[str] = []
        self.on_get: Callable[[], object] = lambda: None
        self.on_set: Callable[[], object] = lambda: None

    def get(self, key: Any) -> tuple[Any, float] | None:
        self.calls.append("get")
        found = self.data.get(key)
        self.on_get()
        if found is None or found[1] <= self.clock():
            return None
        return found[0], found[1] - self.clock()

    def set(self, key: Any, value: Any, ttl: float) -> None:
        self.calls.append("set")
        self.on_set()
        self.data[key] = value, self.clock() + ttl

    def delete(self, key: Any) -> None:
        self.calls.append("delete")
        self.data.pop(key, None)


class Store(BareStore):
    def clear(self) -> None:
        self.data.clear()


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(clock)


@pytest.fixture
def cache(store: Store, clock: FakeClock) -> TieredCache[Any, Any]:
    return TieredCache(2, store, ttl=10, clock=clock)


def test_writing_reaches_the_store_at_once(cache: TieredCache[Any, Any], store: Store) -> None:
    cache["a"] = 1
    cache.set("b", 2, ttl=3)
    assert store.data == {"a": (1, 1010.0), "b": (2, 1003.0)}
    assert cache.get("a") == 1
    assert store.calls == ["set", "set"]


def test_what_leaves_l1_is_found_below_and_moves_up_with_its_own_deadline(
    cache: TieredCache[Any, Any], store: Store, clock: FakeClock
) -> None:
    for key in "abc":
        cache[key] = key.upper()
    assert list(cache) == ["b", "c"]
    assert "a" in cache
    clock.advance(6)
    assert cache.get("a") == "A"
    assert list(cache) == ["c", "a"]
    store.data.clear()
    clock.advance(3.9)
    assert cache["a"] == "A"
    clock.advance(0.1)
    assert cache.get("a") is None
    stats = cache.stats()
    assert (stats.l2_hits, stats.l1_hits, stats.misses) == (1, 1, 1)
    assert (stats.promotions, stats.demotions) == (1, 2)
    assert stats.insertions == stats.entries + stats.evictions + stats.expiries + stats.removals


def test_an_entry_without_end_moves_up_without_end(cache: TieredCache[Any, Any], clock: FakeClock) -> None:
    cache.set("a", 1, ttl=math.inf)
    cache.trim(0)
    assert cache["a"] == 1
    clock.advance(1e9)
    assert cache["a"] == 1
    assert cache.stats().l1_hits == 1


def test_another_cache_over_the_same_store_sees_it(
    cache: TieredCache[Any, Any], store: Store, clock: FakeClock
) -> None:
    other: TieredCache[Any, Any] = TieredCache(2, store, clock=clock)
    cache["a"] = 1
    assert other["a"] == 1
    assert other.get_or_compute("a", lambda: 2) == 1


def test_removing_removes_below_too(cache: TieredCache[Any, Any], store: Store) -> None:
    for key in "abcd":
        cache[key] = key
    assert cache.pop("a") == "a"
    del cache["d"]
    cache.invalidate("b")
    assert store.data.keys() == {"c"}
    with pytest.raises(KeyError):
        del cache["a"]
    assert cache.popitem() == ("c", "c")
    assert store.data == {}
    with pytest.raises(KeyError):
        cache.popitem()


@pytest.mark.parametrize("empty", [TieredCache.clear, TieredCache.invalidate])
def test_clear_empties_the_store(
    cache: TieredCache[Any, Any], store: Store, empty: Callable[[TieredCache[Any, Any]], None]
) -> None:
    cache.update(a=1, b=2, c=3)
    empty(cache)
    assert (len(cache), store.data) == (0, {})


def test_a_store_that_cannot_be_cleared_says_so(clock: FakeClock) -> None:
    cache: TieredCache[Any, Any] = TieredCache(2, BareStore(clock), clock=clock)
    cache["a"] = 1
    with pytest.raises(TypeError, match="BareStore has no clear"):
        cache.clear()
    assert len(cache) == 0


def test_a_copy_shares_the_store(cache: TieredCache[Any, Any]) -> None:
    import copy

    cache["a"] = 1
    other = copy.copy(cache)
    other["b"] = 2
    assert cache["b"] == 2
    assert repr(other) == "TieredCache(l1=2, l2=Store, ttl=10)"


def test_a_value_too_large_for_l1_is_given_but_not_moved_up(store: Store, clock: FakeClock) -> None:
    cache: TieredCache[Any, bytes] = TieredCache(4, store, clock=clock, getsizeof=len)
    store.set("a", b"12345", 10)
    assert cache.get("a") == b"12345"
    assert list(cache) == []


def test_a_value_read_before_a_write_never_lands_above_it(cache: TieredCache[Any, Any], store: Store) -> None:
    cache["a"] = "old"
    cache.trim(0)
    reading = threading.Event()
    writer = threading.Thread(target=lambda: cache.set("a", "new"))

    def slow() -> None:
        if not reading.is_set():
            reading.set()
            writer.start()
            writer.join(0.05)

    store.on_get = slow
    assert cache.get("a") == "old"
    writer.join(LONG)
    assert cache["a"] == "new"
    assert store.data["a"][0] == "new"


def test_who_waited_for_a_key_finds_it_in_l1(cache: TieredCache[Any, Any], store: Store) -> None:
    cache["a"] = 1
    cache.trim(0)
    answers: list[Any] = []
    second = threading.Thread(target=lambda: answers.append(cache.get("a")))

    def slow() -> None:
        if not second.is_alive():
            second.start()
            second.join(0.05)

    store.on_get = slow
    assert cache.get("a") == 1
    second.join(LONG)
    assert answers == [1]
    assert store.calls.count("get") == 1
    stats = cache.stats()
    assert (stats.l2_hits, stats.l1_hits) == (1, 1)


def test_the_cache_goes_on_while_the_store_takes_its_time(cache: TieredCache[Any, Any], store: Store) -> None:
    cache["a"] = 1
    seen: list[Any] = []

    def slow() -> None:
        store.on_get = lambda: None
        other = threading.Thread(target=lambda: seen.append((cache.get("a"), len(cache))))
        other.start()
        other.join(LONG)

    store.on_get = slow
    assert cache.get("z") is None
    assert seen == [(1, 1)]


def test_a_computation_is_stored_below_unless_invalidated(cache: TieredCache[Any, Any], store: Store) -> None:
    assert cache.get_or_compute("a", lambda: 1, ttl=3) == 1
    assert store.data["a"] == (1, 1003.0)

    def compute() -> int:
        cache.invalidate()
        return 2

    assert cache.get_or_compute("b", compute) == 2
    assert store.data == {}
    stats = cache.stats()
    assert (stats.misses, stats.l2_hits) == (2, 0)


def test_a_computation_that_lands_while_all_is_cleared_leaves_nothing_below(
    cache: TieredCache[Any, Any], store: Store
) -> None:
    clearing = threading.Thread(target=cache.clear)

    def slow() -> None:
        clearing.start()
        clearing.join(0.05)

    store.on_set = slow
    assert cache.get_or_compute("a", lambda: 1) == 1
    clearing.join(LONG)
    assert store.data == {}
    assert "a" not in cache


def test_tasks_do_not_block_their_loop_on_the_store(cache: TieredCache[Any, Any], store: Store) -> None:
    threads: list[int] = []
    store.on_get = store.on_set = lambda: threads.append(threading.get_ident())

    async def seven() -> int:
        return 7

    async def main() -> int:
        answer: int = await cache.aget_or_compute("a", seven)
        return answer

    assert asyncio.run(main()) == 7
    cache.trim(0)
    assert asyncio.run(main()) == 7
    assert len(threads) == 3
    assert threading.get_ident() not in threads
    assert store.data["a"][0] == 7


def test_a_store_that_raises_reaches_the_caller_and_holds_nobody_up(
    cache: TieredCache[Any, Any], store: Store
) -> None:
    def broken() -> None:
        raise OSError("disk")

    store.on_set = broken
    with pytest.raises(OSError, match="disk"):
        cache.get_or_compute("a", lambda: 1)
    assert cache.get_or_compute("a", lambda: 2) == 1


KEYS = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, st.integers(0, 9), st.sampled_from([1, 5, 20])),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("pop"), KEYS),
    st.tuples(st.just("setdefault"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("compute"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("popitem")),
    st.tuples(st.just("trim"), st.integers(0, 5)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("advance"), st.integers(1, 6)),
)


@given(st.lists(STEPS, max_size=60))
def test_over_a_store_it_is_a_dict_with_deadlines(steps: list[tuple[Any, ...]]) -> None:
    now = [0.0]
    cache: TieredCache[int, int] = TieredCache(2, Store(lambda: now[0]), ttl=10, clock=lambda: now[0])
    model: dict[int, tuple[int, float]] = {}
    for name, *args in steps:
        model = {key: entry for key, entry in model.items() if now[0] < entry[1]}
        known = model.get(args[0], (None,))[0] if args else None
        if name == "set":
            key, value, ttl = args
            cache.set(key, value, ttl)
            model[key] = value, now[0] + ttl
        elif name == "get":
            assert cache.get(args[0]) == known
        elif name == "pop":
            assert cache.pop(args[0], None) == known
            model.pop(args[0], None)
        elif name in ("setdefault", "compute"):
            key, value = args
            model.setdefault(key, (value, now[0] + 10))
            got = (
                cache.setdefault(key, value)
                if name == "setdefault"
                else cache.get_or_compute(key, partial(int, value))
            )
            assert got == model[key][0]
        elif name == "popitem" and len(cache):
            key, value = cache.popitem()
            assert model.pop(key)[0] == value
        elif name == "trim":
            cache.trim(args[0])
        elif name == "clear":
            cache.clear()
            model.clear()
        elif name == "advance":
            now[0] += args[0]
        alive = {key for key, entry in model.items() if now[0] < entry[1]}
        assert {key for key in range(6) if key in cache} == alive
        assert dict(cache).items() <= {key: model[key][0] for key in alive}.items()
        assert len(cache) <= 2
