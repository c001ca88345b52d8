"""The two tiers of the cache: promotion, demotion, eviction and sizes."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.mappings import tiers
from morosidad.cache import TieredCache
from support import FakeClock


def counts(cache: TieredCache[Any, Any], *names: str) -> tuple[int, ...]:
    stats = cache.stats()
    return tuple(getattr(stats, name) for name in names)


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
