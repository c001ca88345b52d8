"""WorkerPool: tasks, threads and the bounded queue."""

from __future__ import annotations

import threading
import weakref

import pytest

from helpers.workers import Gate, held, threads
from morosidad.errors import Overloaded
from morosidad.workers import WorkerPool, Workers
from support import LONG

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
