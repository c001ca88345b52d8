"""The worker pool: bounds, deadlines, batches, resizing, closing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import random
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.workers import PoolStats, WorkerPool, Workers
from morosidad.workers.tasks import Task

LONG = 30.0  # seconds after which a test that hangs gives up
STRESS_THREADS = 8
STRESS_CALLS = 150


class Gate:
    """A call that says when it has begun, and ends when it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, value: Any = None) -> Any:
        self.entered.set()
        assert self.opened.wait(LONG)
        return value


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def held(pool: WorkerPool, gate: Gate, **options: Any) -> Task[Any]:
    """Submit the gate and wait until it runs."""
    task = pool.submit(gate, **options)
    assert gate.entered.wait(LONG)
    return task


def settled(task: Task[Any]) -> threading.Event:
    """Tell when a task ends, without waiting for it, which would apply its deadline."""
    event = threading.Event()
    task.add_done_callback(lambda _: event.set())
    return event


def threads(pool: WorkerPool) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"{pool.name}-")]


def total(stats: PoolStats) -> int:
    return sum(
        value for name, value in msgspec.structs.asdict(stats).items() if name not in ("size", "stuck")
    )


# -- running ---------------------------------------------------------------------------------------------


def test_a_task_gives_the_value_of_its_call():
    with WorkerPool(2) as pool:
        assert pool.submit(divmod, 7, 2, timeout=LONG).result() == (3, 1)
        assert pool.submit(divmod, 7, 2).result() == (3, 1)


def test_a_task_raises_what_its_call_raised():
    with WorkerPool(2) as pool:
        task = pool.submit(divmod, 7, 0)
        with pytest.raises(ZeroDivisionError):
            task.result()
        assert isinstance(task.exception(), ZeroDivisionError)


def test_a_task_that_exits_harms_no_thread():
    def leave() -> None:
        raise SystemExit(3)

    with WorkerPool(1) as pool:
        assert isinstance(pool.submit(leave).exception(), SystemExit)
        assert pool.submit(abs, -1).result() == 1


def test_a_new_pool_has_no_thread_and_starts_no_more_than_the_work_needs():
    with WorkerPool(4, name="none-yet") as pool:
        assert threads(pool) == []
        for _ in range(5):
            pool.submit(abs, -1).result()
        assert len(threads(pool)) == 1


def test_threads_carry_the_name_of_their_pool():
    def name() -> str:
        return threading.current_thread().name

    with Workers() as workers:
        assert workers.prediction.submit(name).result().startswith("prediccion")
        assert workers.io.submit(name).result().startswith("io")


def test_as_many_tasks_run_at_once_as_the_pool_has_places_and_no_more():
    together = threading.Barrier(3)
    lock = threading.Lock()
    now = most = 0

    def enter() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(LONG)
        with lock:
            now -= 1

    with WorkerPool(3) as pool:
        for task in [pool.submit(enter) for _ in range(12)]:
            task.result()
    assert most == 3


def test_tasks_start_in_the_order_in_which_they_came(gate: Gate):
    seen: list[int] = []
    with WorkerPool(1) as pool:
        held(pool, gate)
        tasks = [pool.submit(seen.append, number) for number in range(20)]
        gate.opened.set()
        for task in tasks:
            task.result()
    assert seen == list(range(20))


class Record:
    """Something whose end can be seen."""


def test_a_finished_task_keeps_no_record_alive_and_neither_does_its_thread():
    record = Record()
    watched = weakref.ref(record)
    with WorkerPool(1) as pool:
        task = pool.submit(id, record)
        task.result()
        del record
        for _ in range(round(LONG / 0.001)):
            if watched() is None:
                break
            threads(pool)[0].join(0.001)
        assert watched() is None
    assert task.done()


def test_a_cancelled_task_keeps_no_record_alive(gate: Gate):
    record = Record()
    watched = weakref.ref(record)
    with WorkerPool(1) as pool:
        held(pool, gate)
        task = pool.submit(id, record)
        task.cancel()
        del record
        assert watched() is None
        gate.opened.set()


@pytest.mark.parametrize("options", [{"size": 0}, {"size": -1}, {"queue_size": -1}])
def test_senseless_sizes_are_refused(options: dict[str, int]):
    with pytest.raises(ValueError, match="or more"):
        WorkerPool(**options)


# -- the bound -------------------------------------------------------------------------------------------


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(gate: Gate):
    with WorkerPool(1, queue_size=2) as pool:
        held(pool, gate)
        waiting = [pool.submit(abs, -1), pool.submit(abs, -2)]
        with pytest.raises(Overloaded, match="full") as refusal:
            pool.submit(abs, -3)
        assert refusal.value.retry_after == 1.0
        gate.opened.set()
        assert [task.result() for task in waiting] == [1, 2]
        assert pool.submit(abs, -3).result() == 3
    assert pool.stats().refused == 1


def test_without_a_queue_only_free_threads_take_work(gate: Gate):
    with WorkerPool(2, queue_size=0) as pool:
        held(pool, gate)
        assert pool.submit(abs, -1).result() == 1
        second = Gate()
        held(pool, second)
        with pytest.raises(Overloaded):
            pool.submit(abs, -1)
        gate.opened.set()
        second.opened.set()


def test_a_system_without_threads_to_spare_is_an_overload(monkeypatch: pytest.MonkeyPatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with WorkerPool(2) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Overloaded):
                pool.submit(abs, -1)
        assert pool.stats().queued == 0
        assert pool.submit(abs, -1).result() == 1


def test_a_pool_that_can_not_grow_goes_on_with_the_threads_it_has(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with WorkerPool(2) as pool:
        held(pool, gate)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        task = pool.submit(abs, -1)
        gate.opened.set()
        assert task.result() == 1


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
    assert pool.submit(abs, -1, timeout=5.0).result() == 1
    gate.opened.set()
    assert pool.close()
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
    assert pool.close()


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


# -- closing ---------------------------------------------------------------------------------------------


def test_closing_finishes_what_waits_and_refuses_what_comes(gate: Gate):
    pool = WorkerPool(1)
    held(pool, gate)
    waiting = [pool.submit(abs, -number) for number in range(5)]
    closed: list[bool] = []
    closer = threading.Thread(target=lambda: closed.append(pool.close(timeout=LONG)))
    closer.start()
    gate.opened.set()
    closer.join(LONG)
    assert closed == [True]
    assert [task.result() for task in waiting] == list(range(5))
    with pytest.raises(Overloaded, match="closed"):
        pool.submit(abs, -1)
    assert pool.close()
    assert total(pool.stats()) == 7


def test_closing_at_once_refuses_what_waits(gate: Gate):
    pool = WorkerPool(1)
    running = held(pool, gate)
    waiting = pool.submit(pytest.fail, "ran")
    gate_opener = threading.Timer(0.0, gate.opened.set)
    waiting.add_done_callback(lambda _: gate_opener.start())
    assert pool.close(drain=False, timeout=LONG)
    gate_opener.join()
    with pytest.raises(Overloaded, match="closed"):
        waiting.result()
    assert running.exception() is None


def test_closing_waits_no_longer_than_it_may(gate: Gate):
    pool = WorkerPool(1)
    running = held(pool, gate)
    waiting = pool.submit(pytest.fail, "ran")
    assert not pool.close(timeout=0.01)
    assert isinstance(waiting.exception(), Overloaded)
    gate.opened.set()
    assert running.result() is None
    assert pool.close()


@pytest.mark.parametrize("end", [Task.cancel, Task._expire])
def test_closing_goes_on_when_the_last_task_is_called_off(end: Callable[[Task[Any]], Any], clock: Any):
    first, second = Gate(), Gate()
    pool = WorkerPool(1, clock=clock)
    task = held(pool, first)
    waiting = pool.submit(second, timeout=1.0)
    closer = threading.Thread(target=pool.close, kwargs={"timeout": LONG})
    closer.start()
    first.opened.set()
    task.result()
    clock.advance(1.0)
    end(waiting)
    second.opened.set()
    closer.join(LONG)
    assert not closer.is_alive()


def test_a_task_that_closes_its_own_pool_does_not_wait_for_itself_for_ever():
    pool = WorkerPool(1)
    assert pool.submit(lambda: pool.close(timeout=0.01)).result()
    with pytest.raises(Overloaded):
        pool.submit(abs, -1)


def test_the_with_statement_closes():
    with WorkerPool(2) as pool:
        task = pool.submit(abs, -1)
    assert task.done()
    with pytest.raises(Overloaded):
        pool.submit(abs, -1)


def test_predictions_may_still_write_while_both_pools_close(gate: Gate):
    written: list[int] = []

    def predict() -> None:
        gate()
        workers.io.submit(written.append, 1)

    workers = Workers(1, 1, queue_size=1)
    workers.prediction.submit(predict)
    assert gate.entered.wait(LONG)
    gate.opened.set()
    assert workers.close(timeout=LONG)
    assert written == [1]


# -- counting --------------------------------------------------------------------------------------------


def test_the_counts_go_out_under_spanish_names():
    with WorkerPool(2) as pool:
        pool.submit(abs, -1).result()
    assert msgspec.to_builtins(pool.stats()) == {
        "trabajadores": 2,
        "en_curso": 0,
        "en_cola": 0,
        "atascados": 0,
        "completadas": 1,
        "fallidas": 0,
        "vencidas": 0,
        "canceladas": 0,
        "rechazadas": 0,
    }


def stress(threads: int, calls: int) -> tuple[PoolStats, int]:
    """Submit, cancel, expire, resize and fail from many threads at once."""
    pool = WorkerPool(3, queue_size=20)
    wrong: list[Any] = []

    def work(value: int) -> int:
        if value % 7 == 0:
            raise KeyError(value)
        return -value

    def one(rng: random.Random, value: int) -> None:
        try:
            task = pool.submit(work, value, timeout=rng.choice([None, 0.0, 0.0005, LONG]))
        except Overloaded:
            return
        if rng.random() < 0.2:
            task.cancel()
        if rng.random() < 0.05:
            pool.resize(rng.randint(1, 6))
        try:
            if task.result() != -value:
                wrong.append((value, task))
        except KeyError as error:
            if error.args != (value,):
                wrong.append((value, task))
        except (DeadlineExceeded, concurrent.futures.CancelledError):
            pass

    def caller(seed: int) -> None:
        rng = random.Random(seed)
        for number in range(calls):
            one(rng, seed * calls + number)

    callers = [threading.Thread(target=caller, args=(seed,)) for seed in range(threads)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert pool.close(timeout=LONG)
    assert wrong == []
    return pool.stats(), threads * calls


def test_under_many_threads_every_caller_gets_its_own_answer_and_the_counts_add_up():
    stats, submitted = stress(STRESS_THREADS, STRESS_CALLS)
    assert total(stats) == submitted
    assert (stats.running, stats.queued, stats.stuck) == (0, 0, 0)
