"""TieredCache: statistics, privacy, arguments and use with cachetools."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import cachetools
import pytest

from morosidad.cache import CacheStats, TieredCache


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
