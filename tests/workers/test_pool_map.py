"""WorkerPool: resizing, and batches in order with map."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.workers import Gate, held, threads
from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.workers import WorkerPool
from support import LONG

# -- resizing --------------------------------------------------------------------------------------------


def test_a_pool_that_grows_starts_on_what_waits(gate: Gate):
    with WorkerPool(1) as pool:
        held(pool, gate)
        waiting = pool.submit(abs, -1)
        pool.resize(2)
        assert waiting.result() == 1
        assert pool.size == 2
        gate.opened.set()


def test_a_pool_that_shrinks_disturbs_nothing_and_then_runs_fewer():
    gates = [Gate() for _ in range(4)]
    with WorkerPool(4, name="shrinking") as pool:
        running = [held(pool, gate) for gate in gates]
        pool.resize(1)
        for gate in gates:
            gate.opened.set()
        for task in running:
            task.result()
        lock = threading.Lock()

        def alone() -> bool:
            if not lock.acquire(blocking=False):
                return False
            lock.release()
            return True

        assert all(pool.map(lambda _: alone(), range(50)))
        assert pool.stats().completed == 54
    assert threads(pool) == []


def test_idle_threads_leave_when_the_pool_shrinks():
    pool = WorkerPool(3, name="idle")
    together = threading.Barrier(3)
    for task in [pool.submit(together.wait, LONG) for _ in range(3)]:
        task.result()
    workers = threads(pool)
    assert len(workers) == 3
    pool.resize(1)
    for _ in range(round(LONG / 0.001)):
        if len(threads(pool)) == 1:
            break
        workers[0].join(0.001)
    assert len(threads(pool)) == 1
    assert pool.submit(abs, -1).result() == 1
    pool.close()


def test_a_pool_can_not_shrink_to_nothing():
    pool = WorkerPool(2)
    with pytest.raises(ValueError, match="1 or more"):
        pool.resize(0)
    assert pool.size == 2


# -- batches ---------------------------------------------------------------------------------------------


def test_a_batch_comes_back_in_its_own_order_however_its_items_end():
    turns = [threading.Event() for _ in range(4)]
    turns[-1].set()

    def last_first(number: int) -> int:
        assert turns[number].wait(LONG)
        if number:
            turns[number - 1].set()
        return number

    with WorkerPool(4) as pool:
        assert pool.map(last_first, range(4), timeout=LONG) == [0, 1, 2, 3]


@settings(deadline=None)
@given(items=st.lists(st.integers(-3, 3), max_size=40), size=st.integers(1, 5))
def test_a_batch_is_what_a_plain_loop_would_give(items: list[int], size: int):
    def reciprocal(number: int) -> float:
        return 1 / number

    with WorkerPool(size) as pool:
        results = pool.map(reciprocal, iter(items), timeout=LONG)
    assert len(results) == len(items)
    for number, result in zip(items, results, strict=True):
        if number:
            assert result == 1 / number
        else:
            assert isinstance(result, ZeroDivisionError)


def test_the_deadline_of_a_batch_stands_in_the_place_of_what_is_not_done(gate: Gate, clock: Any):
    def items() -> Iterator[int]:
        yield from range(4)
        assert gate.entered.wait(LONG)
        clock.advance(5.0)
        yield from range(4, 8)

    def work(number: int) -> int:
        return number if number < 2 else gate(number)

    with WorkerPool(1, clock=clock) as pool:
        results = pool.map(work, items(), timeout=5.0)
        gate.opened.set()
    assert results[:2] == [0, 1]
    late = results[2:]
    assert [one.seconds for one in late if isinstance(one, DeadlineExceeded)] == [5.0] * 6


def test_an_item_that_finds_no_room_says_so_in_its_place(gate: Gate):
    with WorkerPool(1, queue_size=1) as pool:
        held(pool, gate)
        waiting = pool.submit(abs, -1)
        results = pool.map(abs, range(3))
        gate.opened.set()
        assert waiting.result() == 1
    assert all(isinstance(result, Overloaded) for result in results)


def test_a_long_batch_leaves_the_queue_to_others(gate: Gate):
    third_asked_for = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        yield 1
        third_asked_for.set()
        yield from range(2, 50)

    with WorkerPool(1) as pool:
        held(pool, gate)
        results: list[Any] = []
        caller = threading.Thread(target=lambda: results.extend(pool.map(abs, items())))
        caller.start()
        assert third_asked_for.wait(LONG)
        assert pool.stats().queued == 2
        other = pool.submit(abs, -1)
        gate.opened.set()
        assert other.result() == 1
        caller.join(LONG)
    assert results == list(range(50))


def test_a_batch_that_breaks_off_cancels_what_still_waits(gate: Gate):
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise KeyError("items")

    with WorkerPool(1) as pool:
        held(pool, gate)
        with pytest.raises(KeyError, match="items"):
            pool.map(pytest.fail, items())  # type: ignore[arg-type]
        assert pool.stats().cancelled == 2
        gate.opened.set()
