"""Expiry of entries, trimming and the expiry thread."""

from __future__ import annotations

import copy
import gc
import math
import threading
import weakref
from collections.abc import Callable
from itertools import chain, repeat

import pytest

from helpers.mappings import tiers
from morosidad.cache import TieredCache
from support import LONG, FakeClock


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
            assert swept.wait(LONG)
        assert threading.active_count() == before

    def test_it_ends_with_its_cache(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        sweeper = cache.expire_every(0.001)
        del cache
        gc.collect()
        sweeper._thread.join(LONG)
        assert not sweeper._thread.is_alive()
        sweeper.stop()

    @pytest.mark.parametrize("seconds", [0, -1, math.nan])
    def test_an_interval_must_pass(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="interval"):
            TieredCache().expire_every(seconds)
