"""One computation per key, for threads and for tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from morosidad.cache import TieredCache
from morosidad.errors import DeadlineExceeded
from support import FakeClock

LONG = 20.0


class Gate:
    """A computation that says when it begins and waits until it may end."""

    def __init__(self, result: Any = "computed") -> None:
        self.result = result
        self.begun = threading.Event()
        self.open = threading.Event()
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.open.wait(LONG)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


def wait_for_waiters(cache: TieredCache[Any, Any], number: int) -> None:
    """Return when so many callers wait for another's computation."""
    never = threading.Event()
    for _ in range(int(LONG * 1000)):
        if cache.stats().waits == number:
            return
        never.wait(0.001)
    raise AssertionError(f"{cache.stats().waits} wait, not {number}")


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(16) as executor:
        yield executor


class TestOneThread:
    def test_a_value_is_computed_once(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        assert cache.get_or_compute("a", lambda: 1) == 1
        assert cache.get_or_compute("a", lambda: 2) == 1
        stats = cache.stats()
        assert (stats.misses, stats.l1_hits, stats.waits) == (1, 1, 0)

    def test_none_is_a_value(self) -> None:
        cache: TieredCache[str, None] = TieredCache()
        calls: list[int] = []
        for _ in range(2):
            assert cache.get_or_compute("a", lambda: calls.append(1)) is None
        assert calls == [1]

    def test_a_result_may_have_its_own_life(self, clock: FakeClock) -> None:
        cache: TieredCache[str, int] = TieredCache(clock=clock)
        cache.get_or_compute("a", lambda: 1, ttl=5)
        clock.advance(5)
        assert "a" not in cache

    def test_an_exception_is_not_stored(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        with pytest.raises(ZeroDivisionError):
            cache.get_or_compute("a", lambda: 1 // 0)
        assert "a" not in cache
        assert cache.get_or_compute("a", lambda: 1) == 1
        assert cache.stats().failures == 1

    def test_a_computation_that_asks_for_itself_is_refused(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        with pytest.raises(RuntimeError, match="same entry"):
            cache.get_or_compute("a", lambda: cache.get_or_compute("a", lambda: 1))
        assert cache.get_or_compute("a", lambda: 2) == 2

    def test_computations_may_ask_for_others(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        assert cache.get_or_compute("a", lambda: 1 + cache.get_or_compute("b", lambda: 1)) == 2
        assert dict(cache) == {"a": 2, "b": 1}

    @pytest.mark.parametrize(
        "meanwhile",
        [
            lambda cache: cache.invalidate(),
            lambda cache: cache.invalidate("a"),
            lambda cache: cache.clear(),
            lambda cache: cache.pop("a", None),
            lambda cache: cache.set("a", 7, ttl=0),
        ],
        ids=["invalidate all", "invalidate key", "clear", "pop", "set dead"],
    )
    def test_a_computation_begun_before_its_key_was_removed_is_not_stored(
        self, meanwhile: Callable[[TieredCache[str, int]], object]
    ) -> None:
        cache: TieredCache[str, int] = TieredCache()

        def compute() -> int:
            meanwhile(cache)
            return 1

        assert cache.get_or_compute("a", compute) == 1
        assert "a" not in cache
        assert cache.stats().insertions == 0

    def test_a_computation_does_not_overwrite_what_was_written_meanwhile(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        def compute() -> int:
            cache["a"] = 2
            return 1

        assert cache.get_or_compute("a", compute) == 1
        assert cache["a"] == 2

    def test_other_keys_may_be_invalidated_meanwhile(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        def compute() -> int:
            cache.invalidate("b")
            return 1

        cache.get_or_compute("a", compute)
        assert cache["a"] == 1


class TestManyThreads:
    def test_others_wait_for_the_one_who_computes(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        gate = Gate()
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)
        others = [pool.submit(cache.get_or_compute, "a", gate) for _ in range(10)]
        wait_for_waiters(cache, 10)
        gate.open.set()
        assert [f.result(LONG) for f in (first, *others)] == ["computed"] * 11
        stats = cache.stats()
        assert (gate.calls, stats.misses, stats.waits, stats.l1_hits) == (1, 11, 10, 0)

    def test_a_thousand_threads_on_one_missing_key_compute_once(self) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        number = 1000
        gate = Gate()
        answers: list[str] = []
        together = threading.Barrier(number)

        def ask() -> None:
            together.wait(LONG)
            answers.append(cache.get_or_compute("a", gate))

        threads = [threading.Thread(target=ask) for _ in range(number)]
        for thread in threads:
            thread.start()
        wait_for_waiters(cache, number - 1)
        gate.open.set()
        for thread in threads:
            thread.join(LONG)
        assert answers == ["computed"] * number
        assert gate.calls == 1
        assert cache.stats().misses == number

    def test_an_exception_reaches_all_who_wait(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        gate = Gate(TimeoutError("its own"))
        calls = [pool.submit(cache.get_or_compute, "a", gate)]
        assert gate.begun.wait(LONG)
        calls += [pool.submit(cache.get_or_compute, "a", gate) for _ in range(5)]
        wait_for_waiters(cache, 5)
        gate.open.set()
        assert [str(call.exception(LONG)) for call in calls] == ["its own"] * 6
        assert (gate.calls, cache.stats().failures, len(cache)) == (1, 1, 0)

    @pytest.mark.parametrize("timeout", [0, 0.01])
    def test_who_waits_has_a_deadline(self, pool: ThreadPoolExecutor, timeout: float) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        gate = Gate()
        first = pool.submit(cache.get_or_compute, "cedula", gate)
        assert gate.begun.wait(LONG)
        with pytest.raises(DeadlineExceeded) as caught:
            cache.get_or_compute("cedula", gate, timeout=timeout)
        assert caught.value.seconds == timeout
        assert "cedula" not in str(caught.value)
        gate.open.set()
        assert first.result(LONG) == "computed"

    def test_the_deadline_has_a_default(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=0.01)
        gate = Gate()
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)
        with pytest.raises(DeadlineExceeded):
            cache.get_or_compute("a", gate)
        gate.open.set()
        first.result(LONG)

    def test_who_asks_after_an_invalidation_does_not_join(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache()
        gate = Gate("old")
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)
        cache.invalidate()
        assert cache.get_or_compute("a", lambda: "new") == "new"
        gate.open.set()
        assert first.result(LONG) == "old"
        assert cache["a"] == "new"

    def test_a_computation_made_void_does_not_end_the_one_that_followed(
        self, pool: ThreadPoolExecutor
    ) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        old, new = Gate("old"), Gate("new")
        first = pool.submit(cache.get_or_compute, "a", old)
        assert old.begun.wait(LONG)
        cache.invalidate("a")
        second = pool.submit(cache.get_or_compute, "a", new)
        assert new.begun.wait(LONG)
        old.open.set()
        assert first.result(LONG) == "old"
        third = pool.submit(cache.get_or_compute, "a", new)
        wait_for_waiters(cache, 1)
        new.open.set()
        assert (second.result(LONG), third.result(LONG), new.calls) == ("new", "new", 1)

    def test_when_who_computes_is_interrupted_another_takes_over(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=float("inf"))
        gate = Gate(KeyboardInterrupt())
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)
        others = [pool.submit(cache.get_or_compute, "a", lambda: "taken over") for _ in range(3)]
        wait_for_waiters(cache, 3)
        gate.open.set()
        assert isinstance(first.exception(LONG), KeyboardInterrupt)
        assert [other.result(LONG) for other in others] == ["taken over"] * 3
        stats = cache.stats()
        assert (stats.failures, stats.lookups) == (0, 4)


class TestTasks:
    def test_one_task_computes_and_the_others_wait(self) -> None:
        cache: TieredCache[str, int] = TieredCache()
        calls: list[int] = []

        async def compute() -> int:
            calls.append(1)
            await asyncio.sleep(0)
            return 7

        async def main() -> list[int]:
            return await asyncio.gather(*(cache.aget_or_compute("a", compute) for _ in range(100)))

        assert asyncio.run(main()) == [7] * 100
        assert len(calls) == 1
        assert asyncio.run(cache.aget_or_compute("a", compute)) == 7
        stats = cache.stats()
        assert (stats.misses, stats.waits, stats.l1_hits) == (100, 99, 1)

    def test_an_exception_reaches_all_tasks(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def compute() -> int:
            await asyncio.sleep(0)
            raise TimeoutError("its own")

        async def main() -> list[Any]:
            calls = (cache.aget_or_compute("a", compute) for _ in range(5))
            return await asyncio.gather(*calls, return_exceptions=True)

        assert [str(error) for error in asyncio.run(main())] == ["its own"] * 5
        assert (len(cache), cache.stats().failures) == (0, 1)

    def test_a_waiting_task_has_a_deadline_and_takes_nothing_from_the_others(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def main() -> list[Any]:
            go = asyncio.Event()

            async def compute() -> int:
                await go.wait()
                return 7

            first = asyncio.create_task(cache.aget_or_compute("a", compute))
            await asyncio.sleep(0)
            patient = asyncio.create_task(cache.aget_or_compute("a", compute, timeout=float("inf")))
            with pytest.raises(DeadlineExceeded):
                await cache.aget_or_compute("a", compute, timeout=0.001)
            go.set()
            return [await first, await patient]

        assert asyncio.run(main()) == [7, 7]

    def test_when_who_computes_is_cancelled_another_takes_over(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def never() -> int:
            await asyncio.Event().wait()
            raise AssertionError

        async def seven() -> int:
            return 7

        async def main() -> int:
            first = asyncio.create_task(cache.aget_or_compute("a", never))
            await asyncio.sleep(0)
            second = asyncio.create_task(cache.aget_or_compute("a", seven))
            await asyncio.sleep(0)
            first.cancel()
            answer = await second
            assert first.cancelled()
            return answer

        assert asyncio.run(main()) == 7
        assert cache["a"] == 7

    def test_who_stops_waiting_does_not_stop_the_others(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def main() -> list[int]:
            go = asyncio.Event()

            async def compute() -> int:
                await go.wait()
                return 7

            first, second, third = (
                asyncio.create_task(cache.aget_or_compute("a", compute)) for _ in range(3)
            )
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.sleep(0)
            go.set()
            return [await first, await third]

        assert asyncio.run(main()) == [7, 7]

    def test_a_task_that_asks_for_itself_is_refused(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def compute() -> int:
            return await cache.aget_or_compute("a", compute)

        with pytest.raises(RuntimeError, match="same entry"):
            asyncio.run(cache.aget_or_compute("a", compute))

    def test_a_loop_that_would_wait_for_its_own_task_is_told(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def main() -> None:
            go = asyncio.Event()

            async def compute() -> int:
                await go.wait()
                return 7

            first = asyncio.create_task(cache.aget_or_compute("a", compute))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="same entry"):
                cache.get_or_compute("a", lambda: 8)
            go.set()
            assert await first == 7

        asyncio.run(main())

    def test_tasks_wait_for_threads(self, pool: ThreadPoolExecutor) -> None:
        cache: TieredCache[str, str] = TieredCache(max_wait=LONG)
        gate = Gate()
        first = pool.submit(cache.get_or_compute, "a", gate)
        assert gate.begun.wait(LONG)

        async def unused() -> str:
            raise AssertionError

        async def main() -> str:
            waiting = asyncio.create_task(cache.aget_or_compute("a", unused))
            await asyncio.sleep(0)
            gate.open.set()
            return await waiting

        assert asyncio.run(main()) == "computed"
        assert first.result(LONG) == "computed"

    def test_a_computation_begun_before_an_invalidation_is_not_stored(self) -> None:
        cache: TieredCache[str, int] = TieredCache()

        async def compute() -> int:
            cache.invalidate()
            return 7

        assert asyncio.run(cache.aget_or_compute("a", compute)) == 7
        assert "a" not in cache


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
