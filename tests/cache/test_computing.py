"""get_or_compute from threads: one computation per key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helpers.cache import Gate
from morosidad.cache import TieredCache
from morosidad.errors import DeadlineExceeded
from support import LONG, FakeClock


def wait_for_waiters(cache: TieredCache[Any, Any], number: int) -> None:
    """Return when so many callers wait for another's computation."""
    never = threading.Event()
    for _ in range(int(LONG * 1000)):
        if cache.stats().waits == number:
            return
        never.wait(0.001)
    raise AssertionError(f"{cache.stats().waits} wait, not {number}")


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
