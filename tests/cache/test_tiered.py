"""TieredCache as a mapping: what holds for a dict and for cachetools holds for it."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
import time
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from itertools import chain, repeat
from typing import Any

import cachetools
import pytest

from morosidad.cache import CacheStats, TieredCache
from support import FakeClock


class DictStore:
    """The plainest store: a dict and a clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.data: dict[Any, tuple[Any, float]] = {}

    def get(self, key: Any) -> tuple[Any, float] | None:
        value, end = self.data.get(key, (None, -math.inf))
        return (value, end - self.clock()) if self.clock() < end else None

    def set(self, key: Any, value: Any, ttl: float) -> None:
        self.data[key] = value, self.clock() + ttl

    def delete(self, key: Any) -> None:
        self.data.pop(key, None)

    def clear(self) -> None:
        self.data.clear()


MAPPINGS: dict[str, Callable[[], MutableMapping[Any, Any]]] = {
    "dict": dict,
    "LRUCache": lambda: cachetools.LRUCache(8),
    "TTLCache": lambda: cachetools.TTLCache(8, 300),
    "TieredCache": lambda: TieredCache(3, 5),
    "TieredCache in bytes": lambda: TieredCache(300, 500, getsizeof=lambda value: 100),
    "TieredCache of one tier": lambda: TieredCache(8, 0),
    "TieredCache over a store": lambda: TieredCache(8, DictStore()),
}


@pytest.fixture(params=list(MAPPINGS.values()), ids=list(MAPPINGS))
def mapping(request: pytest.FixtureRequest) -> MutableMapping[Any, Any]:
    made: MutableMapping[Any, Any] = request.param()
    return made


class TestEveryMapping:
    """One contract, run over the dict, cachetools and ourselves."""

    def test_what_is_stored_is_read(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["a"] = 1
        mapping["b"] = None
        assert mapping["a"] == 1
        assert mapping["b"] is None
        assert mapping.get("a") == 1
        assert mapping.get("b", 7) is None
        assert "b" in mapping
        assert len(mapping) == 2

    def test_what_is_not_there_is_told(self, mapping: MutableMapping[Any, Any]) -> None:
        with pytest.raises(KeyError):
            mapping["a"]
        with pytest.raises(KeyError):
            del mapping["a"]
        with pytest.raises(KeyError):
            mapping.pop("a")
        with pytest.raises(KeyError):
            mapping.popitem()
        assert mapping.get("a") is None
        assert mapping.get("a", 7) == 7
        assert mapping.pop("a", 7) == 7
        assert mapping.pop("a", None) is None
        assert "a" not in mapping
        assert not mapping

    def test_writing_again_replaces(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["a"] = 1
        mapping["a"] = 2
        assert dict(mapping) == {"a": 2}

    def test_what_is_removed_is_gone(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2, c=3)
        del mapping["a"]
        assert mapping.pop("b") == 2
        assert dict(mapping) == {"c": 3}
        assert mapping.popitem() == ("c", 3)
        assert len(mapping) == 0
        with pytest.raises(KeyError):
            del mapping["a"]

    def test_setdefault_keeps_what_is_there(self, mapping: MutableMapping[Any, Any]) -> None:
        assert mapping.setdefault("a", 1) == 1
        assert mapping.setdefault("a", 2) == 1
        assert mapping.setdefault("b") is None
        assert mapping.setdefault("b", 2) is None
        assert dict(mapping) == {"a": 1, "b": None}

    def test_clear_removes_everything(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2)
        mapping.clear()
        assert dict(mapping) == {}
        mapping["a"] = 3
        assert mapping["a"] == 3

    def test_views_show_keys_values_and_items(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2)
        assert set(mapping) == {"a", "b"} == mapping.keys()
        assert sorted(mapping.values()) == [1, 2]
        assert mapping.items() == {("a", 1), ("b", 2)}
        assert ("a", 1) in mapping.items()
        assert ("a", 2) not in mapping.items()
        assert ("c", 1) not in mapping.items()
        assert 2 in mapping.values()
        assert 3 not in mapping.values()
        assert (len(mapping.keys()), len(mapping.values()), len(mapping.items())) == (2, 2, 2)

    def test_mappings_compare_by_content(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1)
        assert mapping == {"a": 1}
        assert mapping != {"a": 2}
        assert mapping != {}

    def test_keys_compare_by_value(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["m", (1, 2.5, "x")] = "first"
        assert mapping["m", (1.0, 2.5, "".join("x"))] == "first"
        assert mapping.get(("m", (1, 2.5, "y"))) is None

    def test_equal_hashes_never_mean_equal_keys(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping[SameHash("ana")] = 0.1
        mapping[SameHash("eva")] = 0.9
        assert mapping[SameHash("ana")] == 0.1
        assert mapping[SameHash("eva")] == 0.9
        assert mapping.get(SameHash("luz")) is None
        del mapping[SameHash("ana")]
        assert mapping[SameHash("eva")] == 0.9

    def test_a_key_without_a_hash_is_refused(self, mapping: MutableMapping[Any, Any]) -> None:
        with pytest.raises(TypeError):
            mapping[[]] = 1
        with pytest.raises(TypeError):
            mapping[[]]
        assert len(mapping) == 0

    def test_missing_answers_for_subscripts_only(self, mapping: MutableMapping[Any, Any]) -> None:
        kind = type("Answering", (type(mapping),), {"__missing__": lambda self, key: f"no {key}"})
        if isinstance(mapping, dict):
            answering = kind()
        else:
            answering, mapping.__class__ = mapping, kind
        assert answering["a"] == "no a"
        assert answering.get("a") is None
        assert answering.pop("a", 7) == 7
        assert "a" not in answering


class SameHash:
    """A key whose hash says nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        return 42

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameHash) and other.name == self.name


class TestCopies:
    @pytest.mark.parametrize("name", [name for name in MAPPINGS if name.startswith(("dict", "Tiered"))])
    def test_a_copy_is_equal_and_apart(self, name: str) -> None:
        mapping = MAPPINGS[name]()
        mapping.update(a=1, b=2)
        other = copy.copy(mapping)
        assert other == mapping
        mapping["c"] = 3
        assert "c" not in list(other)

    def test_a_pickled_one_comes_back_equal(self) -> None:
        cache: TieredCache[str, int] = TieredCache(3, 5)
        cache.update(a=1, b=2, c=3, d=4)
        back = pickle.loads(pickle.dumps(cache))
        assert back == cache
        assert list(back) == list(cache)
        back["e"] = 5
        assert "e" not in cache


def counts(cache: TieredCache[Any, Any], *names: str) -> tuple[int, ...]:
    stats = cache.stats()
    return tuple(getattr(stats, name) for name in names)


def tiers(cache: TieredCache[Any, Any]) -> tuple[list[Any], list[Any]]:
    """The keys in L1 and in L2."""
    inside = cache._tiers
    return [e.key for e in inside.l1], [e.key for e in (*inside.unproven, *inside.proven)]


class TestTiers:
    def test_what_leaves_l1_moves_down_and_what_leaves_l2_is_gone(self) -> None:
        cache: TieredCache[int, int] = TieredCache(2, 3)
        for key in range(5):
            cache[key] = key
        assert tiers(cache) == ([3, 4], [0, 1, 2])
        cache[5] = 5
        assert tiers(cache) == ([4, 5], [1, 2, 3])
        assert 0 not in cache
        assert counts(cache, "demotions", "evictions", "l1_size", "l2_size") == (4, 1, 2, 3)

    def test_a_hit_in_l2_moves_up(self) -> None:
        cache: TieredCache[int, int] = TieredCache(2, 3)
        for key in range(4):
            cache[key] = key
        assert cache.get(0) == 0
        assert tiers(cache) == ([3, 0], [1, 2])
        assert cache.get(0) == 0
        assert counts(cache, "l1_hits", "l2_hits", "misses", "promotions") == (1, 1, 0, 1)

    def test_a_move_never_prolongs_a_life(self, clock: FakeClock) -> None:
        cache: TieredCache[int, int] = TieredCache(1, 3, ttl=10, clock=clock)
        cache[0] = 0
        clock.advance(6)
        cache[1] = 1
        assert cache.get(0) == 0
        clock.advance(3.9)
        assert cache.get(0) == 0
        clock.advance(0.1)
        assert cache.get(0) is None
        assert cache.get(1) == 1

    def test_keys_asked_for_once_do_not_drive_out_keys_asked_for_again(self) -> None:
        cache: TieredCache[Any, int] = TieredCache(10, 50)
        for _ in range(2):
            for key in range(20):
                cache.get_or_compute(key, lambda: 0)
        for key in range(1000, 3000):
            cache.get_or_compute(key, lambda: 0)
        assert all(key in cache for key in range(10, 20))

    def test_a_key_that_comes_back_soon_has_proven_itself(self) -> None:
        cache: TieredCache[int, int] = TieredCache(1, 2)
        for key in range(4):
            cache[key] = key
        assert 0 not in cache
        cache[0] = 0
        for key in range(10, 14):
            cache[key] = key
        assert 0 in cache

    def test_new_keys_still_come_in_when_everything_is_full(self) -> None:
        # The document's caches stopped inserting when full and so froze on the first applicants.
        cache: TieredCache[int, int] = TieredCache(2, 3)
        for key in range(50):
            cache[key] = key
        assert sorted(cache) == [45, 46, 47, 48, 49]

    def test_with_nothing_below_l1_gives_used_entries_a_second_round(self) -> None:
        cache: TieredCache[int, int] = TieredCache(3, 0)
        for key in range(3):
            cache[key] = key
        assert cache.get(0) == 0
        cache[3] = 3
        assert sorted(cache) == [0, 2, 3]
        assert counts(cache, "demotions", "evictions") == (0, 1)

    def test_dead_entries_make_room_before_live_ones_move(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(2, 2, ttl=100, clock=clock)
        cache["below"] = 1
        cache.set("short", 2, ttl=5)
        cache["beside"] = 3
        assert tiers(cache) == (["short", "beside"], ["below"])
        clock.advance(5)
        assert cache.get("below") == 1
        assert tiers(cache) == (["beside", "below"], [])
        assert counts(cache, "demotions", "expiries") == (1, 1)


class TestSizes:
    def test_a_cache_may_be_measured_in_bytes(self) -> None:
        cache: TieredCache[str, bytes] = TieredCache(10, 20, getsizeof=len)
        cache["a"] = b"1234"
        cache["b"] = b"123456"
        assert (cache.currsize, cache.maxsize, cache.getsizeof(b"12")) == (10, 30, 2)
        cache["c"] = b"12"
        assert tiers(cache) == (["b", "c"], ["a"])
        assert counts(cache, "l1_size", "l2_size") == (8, 4)

    def test_a_value_larger_than_l1_is_refused_and_the_old_one_stays(self) -> None:
        cache: TieredCache[str, bytes] = TieredCache(4, 20, getsizeof=len)
        cache["a"] = b"1234"
        with pytest.raises(ValueError, match="too large"):
            cache["a"] = b"12345"
        assert cache["a"] == b"1234"
        assert cache.get_or_compute("b", lambda: b"12345") == b"12345"
        assert "b" not in cache

    def test_a_value_larger_than_l2_leaves_without_driving_others_out(self) -> None:
        cache: TieredCache[str, bytes] = TieredCache(4, 2, getsizeof=len)
        cache["a"] = b"12"
        cache["b"] = b"1234"
        cache["c"] = b"1234"
        assert tiers(cache) == (["c"], ["a"])

    def test_a_negative_size_is_refused(self) -> None:
        cache: TieredCache[str, int] = TieredCache(getsizeof=lambda value: value)
        with pytest.raises(ValueError, match="non-negative"):
            cache["a"] = -1
        with pytest.raises(ValueError, match="non-negative"):
            cache.get_or_compute("a", lambda: -1)
        assert cache.stats().failures == 1

    def test_a_subclass_may_measure(self) -> None:
        class Measured(TieredCache[str, bytes]):
            def getsizeof(self, value: bytes) -> int:
                return len(value)

        cache = Measured(4, 4)
        cache["a"] = b"123"
        assert cache.currsize == 3

    def test_without_a_measure_each_entry_is_one(self) -> None:
        cache: TieredCache[str, bytes] = TieredCache(4, 4)
        cache["a"] = b"123"
        assert (cache.currsize, cache.getsizeof(b"123")) == (1, 1)


class TestLives:
    def test_an_entry_dies_at_its_deadline(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(ttl=10, clock=clock)
        cache["a"] = 1
        clock.advance(9.9)
        assert (cache.get("a"), "a" in cache, len(cache)) == (1, True, 1)
        clock.advance(0.1)
        assert (cache.get("a"), "a" in cache, list(iter(cache))) == (None, False, [])
        with pytest.raises(KeyError):
            cache.pop("a")
        assert len(cache) == 0

    def test_an_entry_may_have_its_own_life(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(ttl=10, clock=clock)
        cache.set("short", 1, ttl=2)
        cache.set("long", 2, ttl=50)
        cache.set("ever", 3, ttl=math.inf)
        clock.advance(2)
        assert set(cache) == {"long", "ever"}
        clock.advance(1e9)
        assert set(cache) == {"ever"}

    def test_writing_again_begins_a_new_life(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(ttl=10, clock=clock)
        cache["a"] = 1
        clock.advance(9)
        cache["a"] = 2
        clock.advance(9)
        assert cache["a"] == 2

    @pytest.mark.parametrize("ttl", [0, -1, math.nan])
    def test_an_entry_without_life_is_removed(self, ttl: float) -> None:
        cache: TieredCache[str, int] = TieredCache()
        cache["a"] = 1
        cache.set("a", 2, ttl=ttl)
        assert "a" not in cache
        assert cache.get_or_compute("a", lambda: 3, ttl=ttl) == 3
        assert "a" not in cache

    def test_expire_returns_what_died(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(ttl=10, clock=clock)
        cache["a"] = 1
        clock.advance(5)
        cache["b"] = 2
        assert cache.expire() == []
        clock.advance(5)
        assert cache.expire() == [("a", 1)]
        assert cache.expire(clock() + 5) == [("b", 2)]
        assert cache.stats().expiries == 2

    def test_dead_entries_are_let_go_of_however_often_a_key_is_rewritten(self, clock: FakeClock) -> None:
        cache: TieredCache[str, object] = TieredCache(2, 2, ttl=10, clock=clock)
        for number in range(10_000):
            cache["a"] = number
        assert len(cache._tiers._expiry_heap) < 100

    @pytest.mark.parametrize("ask", [TieredCache.get, lambda cache, key: cache.get_or_compute(key, int)])
    def test_what_was_alive_when_asked_for_is_given(self, ask: Callable[..., int]) -> None:
        readings = chain([0.0, 0.0, 9.9], repeat(10.0))
        cache: TieredCache[str, int] = TieredCache(1, 1, ttl=10, clock=lambda: next(readings))
        cache["below"] = 1
        cache["above"] = 2
        assert ask(cache, "below") == 1

    def test_popitem_passes_over_what_dies_while_it_looks(self) -> None:
        readings = iter([0.0, 0.0, 9.9, 10.0, 10.0, 10.0])
        cache: TieredCache[str, int] = TieredCache(clock=lambda: next(readings))
        cache.set("dies", 1, ttl=10)
        cache.set("lives", 2, ttl=20)
        assert cache.popitem() == ("lives", 2)

    def test_what_has_left_is_let_go_of_before_its_time_is_over(self) -> None:
        class Value:
            pass

        cache: TieredCache[int, Value] = TieredCache(1, 1)
        value = Value()
        there = weakref.ref(value)
        cache[0] = value
        del value
        cache[1] = cache[2] = Value()
        gc.collect()
        assert there() is None

    def test_trim_removes_by_age(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(1, 5, ttl=100, clock=clock)
        cache["old"] = 1
        clock.advance(30)
        cache["new"] = 2
        assert cache.get("old") == 1
        assert cache.trim(60) == 0
        assert cache.trim(30) == 1
        assert list(cache) == ["new"]
        assert cache.trim(0) == 1
        assert cache.stats().removals == 2

    def test_ages_and_lives_go_into_a_copy(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(1, 5, ttl=10, stale=5, clock=clock)
        cache["a"] = 1
        clock.advance(4)
        cache["b"] = 2
        other = copy.copy(cache)
        assert (other.trim(4), list(other), tiers(other)) == (1, ["b"], (["b"], []))
        clock.advance(10)
        assert list(other) == []
        assert (len(other), other.stats().entries) == (0, 1)

    def test_the_life_is_told(self) -> None:
        assert TieredCache(ttl=7).ttl == 7


class TestSweeper:
    def test_a_thread_lets_go_of_dead_entries_when_asked_to(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(ttl=1, clock=clock)
        swept = threading.Event()
        expire = cache.expire

        def notice(time: float | None = None) -> list[tuple[str, int]]:
            gone = expire(time)
            if gone:
                swept.set()
            return gone

        cache.expire = notice  # type: ignore[method-assign]
        cache["a"] = 1
        clock.advance(1)
        before = threading.active_count()
        with cache.expire_every(0.001):
            assert threading.active_count() == before + 1
            assert swept.wait(10)
        assert threading.active_count() == before

    def test_it_ends_with_its_cache(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        sweeper = cache.expire_every(0.001)
        del cache
        gc.collect()
        sweeper._thread.join(10)
        assert not sweeper._thread.is_alive()
        sweeper.stop()

    @pytest.mark.parametrize("seconds", [0, -1, math.nan])
    def test_an_interval_must_pass(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="interval"):
            TieredCache().expire_every(seconds)


class TestStats:
    def test_every_look_up_is_counted_once(self) -> None:
        cache: TieredCache[int, int] = TieredCache(1, 1)
        cache[0] = 0
        cache[1] = 1
        cache.get(1)
        cache[0]
        cache.get(7)
        with pytest.raises(KeyError):
            cache[8]
        stats = cache.stats()
        assert (stats.l1_hits, stats.l2_hits, stats.misses, stats.lookups) == (1, 1, 2, 4)
        assert stats.hit_ratio == 0.5

    def test_looking_without_taking_is_not_counted(self) -> None:
        cache: TieredCache[int, int] = TieredCache()
        cache[0] = 0
        assert 0 in cache
        assert 1 not in cache
        assert len(cache) == 1
        assert list(cache.items()) == [(0, 0)]
        assert list(cache.values()) == [0]
        assert cache.stats().lookups == 0

    def test_there_is_no_ratio_before_the_first_look_up(self) -> None:
        assert TieredCache().stats().hit_ratio is None

    def test_a_copy_begins_its_own(self) -> None:
        cache: TieredCache[int, int] = TieredCache()
        cache[0] = 0
        cache.get(0)
        stats = copy.copy(cache).stats()
        assert (stats.lookups, stats.insertions, stats.entries) == (0, 1, 1)

    def test_they_do_not_change_afterwards(self) -> None:
        stats = TieredCache().stats()
        assert isinstance(stats, CacheStats)
        with pytest.raises(AttributeError):
            stats.misses = 1  # type: ignore[misc]


class TestPrivacy:
    def test_neither_repr_nor_errors_show_what_is_stored(self) -> None:
        cache: TieredCache[str, str] = TieredCache(1, 2, 3)
        cache["cedula-1712345678"] = "secreto"
        assert repr(cache) == "TieredCache(l1=1, l2=2, ttl=3)"
        for attempt in (lambda: cache["cedula-x"], lambda: cache.pop("cedula-x")):
            with pytest.raises(KeyError) as caught:
                attempt()
            assert "cedula" not in str(caught.value)


class TestArguments:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"l1": 0},
            {"l1": -1},
            {"l2": -1},
            {"ttl": 0},
            {"ttl": math.nan},
            {"stale": -1},
            {"max_wait": -1},
        ],
    )
    def test_limits_out_of_range_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"below|above"):
            TieredCache(**wrong)

    def test_l2_must_be_a_number_or_a_store(self) -> None:
        with pytest.raises(TypeError, match="lacks get, set, delete"):
            TieredCache(l2="redis://")  # type: ignore[arg-type]


class TestWithCachetools:
    def test_it_serves_the_decorator_of_cachetools(self) -> None:
        cache: TieredCache[Any, int] = TieredCache()
        calls: list[int] = []

        @cachetools.cached(cache)
        def double(x: int) -> int:
            calls.append(x)
            return 2 * x

        assert [double(2), double(2), double(3)] == [4, 4, 6]
        assert calls == [2, 3]


class TestChangeDuringIteration:
    @pytest.mark.parametrize("view", ["keys", "values", "items"])
    def test_iteration_goes_over_a_copy(self, view: str) -> None:
        cache: TieredCache[int, int] = TieredCache(3, 5)
        cache.update({1: 1, 2: 2})
        seen: Iterator[Any] = iter(getattr(cache, view)())
        first = next(seen)
        cache.clear()
        assert first is not None
        assert len(list(seen)) == 1
