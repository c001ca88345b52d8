"""Tasks of a WorkerPool: cancellation, deadlines and awaiting."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
import weakref
from typing import Any

import pytest

from helpers.workers import Gate, held, threads
from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.workers import WorkerPool
from morosidad.workers.tasks import Task
from support import LONG


def settled(task: Task[Any]) -> threading.Event:
    """Tell when a task ends, without waiting for it, which would apply its deadline."""
    event = threading.Event()
    task.add_done_callback(lambda _: event.set())
    return event


# -- cancelling ------------------------------------------------------------------------------------------


def test_a_task_that_waits_can_be_cancelled(gate: Gate):
    with WorkerPool(1) as pool:
        held(pool, gate)
        task = pool.submit(pytest.fail, "ran")
        assert task.cancel()
        assert task.cancel()
        assert task.cancelled()
        assert concurrent.futures.wait([task], timeout=LONG).done == {task}
        with pytest.raises(concurrent.futures.CancelledError):
            task.result()
        gate.opened.set()
    assert pool.stats().cancelled == 1


def test_a_cancelled_task_makes_room(gate: Gate):
    with WorkerPool(1, queue_size=1) as pool:
        held(pool, gate)
        pool.submit(abs, -1).cancel()
        waiting = pool.submit(abs, -1)
        gate.opened.set()
        assert waiting.result() == 1


def test_a_task_that_runs_or_has_ended_can_not_be_cancelled(gate: Gate):
    with WorkerPool(1) as pool:
        task = held(pool, gate)
        assert not task.cancel()
        gate.opened.set()
        task.result()
        assert not task.cancel()


# -- deadlines -------------------------------------------------------------------------------------------


def test_a_deadline_that_passes_in_the_queue_ends_the_wait_and_the_task_never_runs(gate: Gate, clock: Any):
    with WorkerPool(1, clock=clock) as pool:
        held(pool, gate)
        task = pool.submit(pytest.fail, "ran", timeout=5.0)
        assert task.remaining() == 5.0
        clock.advance(5.0)
        with pytest.raises(DeadlineExceeded, match="5 s") as late:
            task.result()
        assert late.value.seconds == 5.0
        assert isinstance(task.exception(), DeadlineExceeded)
        gate.opened.set()
    assert (pool.stats().expired, pool.stats().completed) == (1, 1)


def test_a_task_taken_up_after_its_deadline_is_not_run_even_when_nobody_waits(gate: Gate, clock: Any):
    with WorkerPool(1, clock=clock) as pool:
        held(pool, gate)
        task = pool.submit(pytest.fail, "ran", timeout=5.0)
        ended = settled(task)
        clock.advance(6.0)
        gate.opened.set()
        assert ended.wait(LONG)
        assert isinstance(task.exception(), DeadlineExceeded)
    assert (pool.stats().expired, pool.stats().stuck) == (1, 0)


def test_a_deadline_passes_in_real_time(gate: Gate):
    with WorkerPool(1) as pool:
        task = pool.submit(gate, timeout=0.01)
        with pytest.raises(DeadlineExceeded):
            task.result()
        gate.opened.set()


def test_a_task_that_overruns_is_written_off_and_its_late_answer_dropped(gate: Gate, clock: Any):
    pool = WorkerPool(1, clock=clock)
    task = held(pool, gate, timeout=5.0)
    clock.advance(5.0)
    assert isinstance(task.exception(), DeadlineExceeded)
    assert pool.stats().stuck == 1
    assert pool.submit(abs, -1, timeout=LONG).result() == 1
    gate.opened.set()
    assert pool.close(timeout=LONG)
    assert isinstance(task.exception(), DeadlineExceeded)
    stats = pool.stats()
    assert (stats.stuck, stats.expired, stats.completed) == (0, 1, 1)


def test_an_overrun_that_nobody_waits_for_is_found_when_every_thread_is_busy(gate: Gate, clock: Any):
    with WorkerPool(1, clock=clock) as pool:
        held(pool, gate, timeout=5.0)
        clock.advance(5.0)
        assert pool.submit(abs, -1).result() == 1
        gate.opened.set()


def test_no_more_threads_are_replaced_than_the_pool_has_places(clock: Any):
    gates = [Gate(), Gate(), Gate()]
    pool = WorkerPool(1, queue_size=1, name="bounded", clock=clock)
    for gate in gates[:2]:
        task = held(pool, gate, timeout=5.0)
        clock.advance(5.0)
        assert isinstance(task.exception(), DeadlineExceeded)
    assert pool.stats().stuck == 2
    assert len(threads(pool)) == 2
    waiting = pool.submit(abs, -1)
    with pytest.raises(Overloaded):
        pool.submit(abs, -1)
    gates[0].opened.set()
    assert waiting.result() == 1
    gates[1].opened.set()
    assert pool.close(timeout=LONG)


def test_surplus_threads_leave_when_what_was_stuck_comes_back(gate: Gate, clock: Any):
    pool = WorkerPool(1, name="surplus", clock=clock)
    held(pool, gate, timeout=5.0)
    [stuck] = threads(pool)
    clock.advance(5.0)
    pool.release_overdue()
    pool.submit(abs, -1).result()
    assert len(threads(pool)) == 2
    gate.opened.set()
    stuck.join(LONG)
    assert len(threads(pool)) == 1
    assert pool.submit(abs, -1).result() == 1
    pool.close()


def test_waiting_less_than_the_deadline_allows_leaves_the_task_alone(gate: Gate):
    with WorkerPool(1) as pool:
        held(pool, gate)
        task = pool.submit(abs, -1, timeout=LONG)
        with pytest.raises(TimeoutError) as impatient:
            task.result(timeout=0.001)
        assert not isinstance(impatient.value, DeadlineExceeded)
        with pytest.raises(TimeoutError):
            task.exception(timeout=0)
        gate.opened.set()
        assert task.result(timeout=2 * LONG) == 1


def test_a_timeout_error_of_the_call_itself_is_passed_on():
    def slow() -> None:
        raise TimeoutError("its own")

    with WorkerPool(1) as pool, pytest.raises(TimeoutError, match="its own"):
        pool.submit(slow, timeout=LONG).result()


def test_an_answer_that_comes_in_the_instant_of_the_deadline_is_given(clock: Any):
    class Owner:
        def _cancel_queued(self, task: Task[Any]) -> bool:
            raise AssertionError

        def _expire_task(self, task: Task[Any]) -> bool:
            task._settle(7)
            return False

    assert Task[int](Owner(), None, 0.0, clock).result() == 7


# -- coroutines ------------------------------------------------------------------------------------------


def test_a_coroutine_awaits_values_and_errors():
    async def main() -> list[Any]:
        tasks = (pool.submit(divmod, 7, 2), pool.submit(divmod, 7, 0, timeout=LONG))
        return await asyncio.gather(*tasks, return_exceptions=True)

    with WorkerPool(2) as pool:
        value, error = asyncio.run(main())
    assert value == (3, 1)
    assert isinstance(error, ZeroDivisionError)


def test_a_coroutine_waits_no_longer_than_the_deadline(gate: Gate):
    async def main() -> None:
        with pytest.raises(DeadlineExceeded):
            await pool.submit(gate, timeout=0.01)

    with WorkerPool(1) as pool:
        asyncio.run(main())
        gate.opened.set()


def test_a_coroutine_that_was_answered_leaves_no_timer_behind():
    async def main() -> None:
        task = pool.submit(abs, -1, timeout=1000 * LONG)
        watched = weakref.ref(task)
        assert await task == 1
        del task
        for _ in range(1000):
            gc.collect()
            if watched() is None:
                break
            await asyncio.sleep(0.001)
        assert watched() is None

    with WorkerPool(1) as pool:
        asyncio.run(main())


def test_cancelling_the_coroutine_takes_its_task_out_of_the_queue(gate: Gate):
    async def main() -> Task[Any]:
        task = pool.submit(pytest.fail, "ran", timeout=LONG)

        async def wait() -> None:
            await task

        waiter = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        return task

    with WorkerPool(1) as pool:
        held(pool, gate)
        assert asyncio.run(main()).cancelled()
        gate.opened.set()


def test_an_event_loop_can_use_the_pool_as_its_executor():
    async def main() -> int:
        return await asyncio.get_running_loop().run_in_executor(pool, abs, -1)  # type: ignore[arg-type]

    with WorkerPool(1) as pool:
        assert asyncio.run(main()) == 1
