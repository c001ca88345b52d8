"""Stale entries: answers past their deadline while one caller renews them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helpers.cache import Gate
from morosidad.cache import TieredCache
from support import LONG, FakeClock


class TestStale:
    def make(self, clock: FakeClock, **options: Any) -> TieredCache[str, str]:
        cache: TieredCache[str, str] = TieredCache(ttl=10, stale=5, clock=clock, max_wait=LONG, **options)
        cache["a"] = "old"
        clock.advance(10)
        return cache

    def test_to_everything_else_a_stale_entry_is_gone(self, clock: FakeClock) -> None:
        cache = self.make(clock)
        assert cache.get("a") is None
        assert "a" not in cache
        assert (len(cache), list(cache.items())) == (0, [])
        assert cache.pop("a", None) is None
        assert cache.stats().entries == 0

    def test_one_caller_renews_and_the_others_do_not_wait(
        self, clock: FakeClock, pool: ThreadPoolExecutor
    ) -> None:
        cache = self.make(clock)
        gate = Gate("new")
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)
        assert cache.get_or_compute("a", gate) == "old"
        gate.open.set()
        assert first.result(LONG) == "new"
        assert cache.get_or_compute("a", gate) == "new"
        stats = cache.stats()
        assert (stats.misses, stats.stale_hits, stats.l1_hits, stats.hit_ratio) == (1, 1, 1, 2 / 3)

    def test_nobody_waits_when_renewals_run_elsewhere(
        self, clock: FakeClock, pool: ThreadPoolExecutor
    ) -> None:
        jobs: list[Any] = []
        cache = self.make(clock, spawn=lambda job: jobs.append(pool.submit(job)))
        gate = Gate("new")
        assert cache.get_or_compute("a", gate) == "old"
        assert gate.begun.wait(LONG)
        assert cache.get_or_compute("a", gate) == "old"
        gate.open.set()
        jobs[0].result(LONG)
        assert (len(jobs), cache["a"]) == (1, "new")

    def test_a_renewal_that_never_ran_is_taken_over(self, clock: FakeClock) -> None:
        jobs: list[Callable[[], object]] = []
        cache = self.make(clock, spawn=jobs.append)
        late = Gate("late")
        late.open.set()
        assert cache.get_or_compute("a", late) == "old"
        clock.advance(5)
        assert cache.get_or_compute("a", lambda: "new") == "new"
        jobs[0]()
        assert (cache["a"], late.calls) == ("new", 0)

    def test_a_renewal_that_fails_is_counted_and_tried_again(self, clock: FakeClock) -> None:
        cache = self.make(clock, spawn=lambda job: job())
        assert cache.get_or_compute("a", lambda: str(1 // 0)) == "old"
        assert cache.stats().failures == 1
        assert cache.get_or_compute("a", lambda: "new") == "old"
        assert cache["a"] == "new"

    def test_a_renewal_that_cannot_be_started_is_told(self, clock: FakeClock) -> None:
        def closed(job: Callable[[], object]) -> None:
            raise RuntimeError("no more jobs")

        cache = self.make(clock, spawn=closed)
        with pytest.raises(RuntimeError, match="no more jobs"):
            cache.get_or_compute("a", lambda: "new")
        clock.advance(5)
        assert cache.get_or_compute("a", lambda: "new") == "new"

    def test_past_its_end_everyone_waits(self, clock: FakeClock) -> None:
        cache = self.make(clock)
        clock.advance(5)
        assert cache.get_or_compute("a", lambda: "new") == "new"
        assert cache.stats().stale_hits == 0

    def test_what_was_removed_does_not_come_back_as_stale(self, clock: FakeClock) -> None:
        cache = self.make(clock)
        cache.invalidate("a")
        assert cache.get_or_compute("a", lambda: "new") == "new"

    def test_a_task_of_its_own_renews_for_tasks(self, clock: FakeClock) -> None:
        cache = self.make(clock)
        results = iter([ZeroDivisionError(), "new"])

        async def compute() -> str:
            result = next(results)
            if isinstance(result, Exception):
                raise result
            return str(result)

        async def main() -> list[str]:
            answers = []
            for _ in range(3):
                answers.append(await cache.aget_or_compute("a", compute))
                while cache._renewals:
                    await asyncio.sleep(0)
            return answers

        assert asyncio.run(main()) == ["old", "old", "new"]
        assert cache.stats().failures == 1

    def test_a_task_leaves_a_renewal_to_who_took_it_over(self, clock: FakeClock) -> None:
        cache = self.make(clock)

        async def unused() -> str:
            raise AssertionError

        async def main() -> str:
            answer = await cache.aget_or_compute("a", unused)
            clock.advance(5)
            # The renewal has not run yet, and the entry is past its end.
            cache.get_or_compute("a", lambda: "new")
            while cache._renewals:
                await asyncio.sleep(0)
            return answer

        assert asyncio.run(main()) == "old"
        assert cache["a"] == "new"
