"""aget_or_compute from tasks: one computation per key."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helpers.cache import Gate
from morosidad.cache import TieredCache
from morosidad.errors import DeadlineExceeded
from support import LONG


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
