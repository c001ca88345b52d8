"""WorkerPool and Workers: closing and counting."""

from __future__ import annotations

import concurrent.futures
import random
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from helpers.workers import Gate, held
from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.workers import PoolStats, WorkerPool, Workers
from morosidad.workers.tasks import Task
from support import LONG

STRESS_THREADS = 8
STRESS_CALLS = 150


def total(stats: PoolStats) -> int:
    return sum(
        value for name, value in msgspec.structs.asdict(stats).items() if name not in ("size", "stuck")
    )


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
    assert pool.close(timeout=LONG)
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
    assert pool.close(timeout=LONG)


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
