"""Micro-batching: what is predicted together, who gets which answer, and what a bad record costs."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import DeadlineExceeded, ModelError, Overloaded
from morosidad.workers.microbatch import BatchStats, MicroBatcher
from morosidad.workers.tasks import Task

LONG = 30.0
STRESS_THREADS = 16
STRESS_CALLS = 40


class Model:
    """Negates its records; can be held at the start of a call; remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.entered = threading.Semaphore(0)
        self.allowed = threading.Semaphore(0)
        self.held = False

    def __call__(self, records: list[Any]) -> Sequence[Any]:
        self.calls.append(records)
        self.entered.release()
        if self.held:
            assert self.allowed.acquire(timeout=LONG)
        return [-record for record in records]


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    yield model
    model.allowed.release(1000)


def hold(batcher: MicroBatcher[Any, Any], model: Model, record: Any = 0, **options: Any) -> Task[Any]:
    """Have the model hang on a record."""
    model.held = True
    task = batcher.submit(record, **options)
    assert model.entered.acquire(timeout=LONG)
    return task


class Wait:
    """A clock that tells when the batcher's thread looks how long it is to wait."""

    def __init__(self) -> None:
        self.looked = threading.Event()

    def __call__(self) -> float:
        if threading.current_thread().name.startswith("lote"):
            self.looked.set()
        return time.monotonic()


def total(stats: BatchStats) -> int:
    counts = msgspec.structs.asdict(stats)
    return sum(counts.values()) - stats.batches


# -- batches ---------------------------------------------------------------------------------------------


def test_a_record_alone_leaves_when_its_wait_is_over(model: Model):
    with MicroBatcher(model) as batcher:
        assert batcher.submit(3).result() == -3
    assert model.calls == [[3]]


def test_as_many_records_as_a_batch_holds_leave_without_waiting(model: Model):
    with MicroBatcher(model, LONG, 16) as batcher:
        tasks = [batcher.submit(number) for number in range(16)]
        assert [task.result(timeout=LONG / 2) for task in tasks] == [-number for number in range(16)]
    assert model.calls == [list(range(16))]


def test_a_batch_that_is_waiting_leaves_when_its_last_record_arrives(model: Model):
    wait = Wait()
    with MicroBatcher(model, LONG, 2, clock=wait) as batcher:
        first = batcher.submit(1)
        assert wait.looked.wait(LONG)
        second = batcher.submit(2)
        assert (first.result(timeout=LONG / 2), second.result(timeout=LONG / 2)) == (-1, -2)


def test_what_arrives_during_a_prediction_forms_the_next_batch(model: Model):
    with MicroBatcher(model, max_wait=0.0) as batcher:
        first = hold(batcher, model)
        others = [batcher.submit(number) for number in (1, 2, 3)]
        assert (batcher.stats().running, batcher.stats().queued) == (1, 3)
        model.allowed.release(2)
        assert [task.result() for task in (first, *others)] == [0, -1, -2, -3]
    assert model.calls == [[0], [1, 2, 3]]


def test_what_does_not_fit_in_one_batch_goes_into_more(model: Model):
    with MicroBatcher(model, max_wait=0.0, max_size=2) as batcher:
        hold(batcher, model)
        others = [batcher.submit(number) for number in range(1, 6)]
        model.allowed.release(4)
        assert [task.result() for task in others] == [-1, -2, -3, -4, -5]
    assert model.calls == [[0], [1, 2], [3, 4], [5]]
    assert batcher.stats().batches == 4


def test_coroutines_share_a_batch(model: Model):
    async def main() -> list[int]:
        return await asyncio.gather(*(batcher.submit(number, timeout=LONG) for number in range(8)))

    with MicroBatcher(model, LONG, 8) as batcher:
        assert asyncio.run(main()) == [-number for number in range(8)]
    assert len(model.calls) == 1


def test_results_may_be_an_array():
    with MicroBatcher(lambda records: np.array(records) / 2, LONG, 2) as batcher:
        tasks = [batcher.submit(1.0), batcher.submit(3.0)]
        assert [task.result() for task in tasks] == [0.5, 1.5]


@settings(deadline=None)
@given(records=st.lists(st.integers(), max_size=40), max_size=st.integers(1, 20))
def test_every_record_gets_its_own_answer_and_no_batch_is_too_long(records: list[int], max_size: int):
    model = Model()
    with MicroBatcher(model, 0.0, max_size) as batcher:
        tasks = [batcher.submit(record) for record in records]
        assert [task.result() for task in tasks] == [-record for record in records]
    assert all(1 <= len(call) <= max_size for call in model.calls)
    assert [record for call in model.calls for record in call] == records


@pytest.mark.parametrize("options", [{"max_wait": -0.1}, {"max_size": 0}, {"queue_size": 0}])
def test_senseless_sizes_are_refused(options: dict[str, Any]):
    with pytest.raises(ValueError, match="or more"):
        MicroBatcher(list, **options)


# -- errors ----------------------------------------------------------------------------------------------


def test_a_record_that_can_not_be_predicted_harms_no_other():
    def reciprocals(records: list[int]) -> list[float]:
        return [1 / record for record in records]

    with MicroBatcher(reciprocals, LONG, 3) as batcher:
        good, bad, better = (batcher.submit(number) for number in (1, 0, 2))
        assert (good.result(), better.result()) == (1.0, 0.5)
        with pytest.raises(ZeroDivisionError):
            bad.result()
    stats = batcher.stats()
    assert (stats.batches, stats.completed, stats.failed) == (4, 2, 1)


def test_an_exception_among_the_results_is_raised_to_its_caller():
    def some(records: list[int]) -> list[int | BaseException]:
        return [record if record else KeyError("zero") for record in records]

    with MicroBatcher(some, LONG, 2) as batcher:
        good, bad = batcher.submit(1), batcher.submit(0)
        assert good.result() == 1
        with pytest.raises(KeyError, match="zero"):
            bad.result()
    assert batcher.stats().batches == 1


def leave(records: list[Any]) -> list[Any]:
    raise SystemExit


@pytest.mark.parametrize(
    ("predict_many", "error"),
    [
        (lambda records: [1, 2, 3], ModelError),
        (iter, TypeError),
        (leave, SystemExit),
    ],
)
def test_a_model_that_does_not_answer_for_each_record_is_an_error(
    predict_many: Callable[[list[Any]], Any], error: type[BaseException]
):
    with MicroBatcher(predict_many, LONG, 2) as batcher:
        tasks = [batcher.submit(1), batcher.submit(2)]
        assert all(isinstance(task.exception(), error) for task in tasks)


# -- deadlines -------------------------------------------------------------------------------------------


def test_a_deadline_that_passes_in_the_queue_ends_the_wait_and_the_record_is_not_predicted(
    model: Model, clock: Any
):
    with MicroBatcher(model, 0.0, clock=clock) as batcher:
        first = hold(batcher, model)
        task = batcher.submit(1, timeout=5.0)
        clock.advance(5.0)
        with pytest.raises(DeadlineExceeded) as late:
            task.result()
        assert late.value.seconds == 5.0
        model.allowed.release()
        assert first.result() == 0
    assert model.calls == [[0]]


def test_a_record_whose_turn_comes_too_late_is_not_predicted_even_when_nobody_waits(model: Model, clock: Any):
    ended = threading.Event()
    with MicroBatcher(model, 0.0, clock=clock) as batcher:
        hold(batcher, model)
        task = batcher.submit(1, timeout=5.0)
        task.add_done_callback(lambda _: ended.set())
        clock.advance(5.0)
        model.allowed.release()
        assert ended.wait(LONG)
        assert isinstance(task.exception(), DeadlineExceeded)
    assert model.calls == [[0]]


def test_a_record_that_expired_while_its_batch_failed_is_not_tried_alone(clock: Any):
    calls: list[list[int]] = []

    def fails_slowly(records: list[int]) -> list[int]:
        calls.append(records)
        if len(records) > 1:
            clock.advance(5.0)
            raise KeyError("batch")
        return records

    with MicroBatcher(fails_slowly, LONG, 2, clock=clock) as batcher:
        patient, hurried = batcher.submit(1), batcher.submit(2, timeout=5.0)
        assert patient.result() == 1
        assert isinstance(hurried.exception(), DeadlineExceeded)
    assert calls == [[1, 2], [1]]


def test_a_prediction_that_hangs_past_its_deadlines_does_not_hold_up_the_next(model: Model, clock: Any):
    batcher = MicroBatcher(model, 0.0, clock=clock)
    hanging = hold(batcher, model, timeout=5.0)
    waiting = batcher.submit(1)
    clock.advance(5.0)
    model.held = False
    assert isinstance(hanging.exception(), DeadlineExceeded)
    assert waiting.result() == -1
    model.allowed.release()
    assert batcher.close()
    assert isinstance(hanging.exception(), DeadlineExceeded)
    assert (batcher.stats().expired, batcher.stats().completed) == (1, 1)


def test_a_prediction_without_deadlines_is_waited_for(model: Model, clock: Any):
    with MicroBatcher(model, LONG, 2, clock=clock) as batcher:
        model.held = True
        patient, hurried = batcher.submit(1), batcher.submit(2, timeout=5.0)
        assert model.entered.acquire(timeout=LONG)
        clock.advance(5.0)
        assert isinstance(hurried.exception(), DeadlineExceeded)
        model.allowed.release()
        assert patient.result() == -1


def test_cancelling_takes_a_record_out_of_the_queue(model: Model):
    with MicroBatcher(model, 0.0) as batcher:
        first = hold(batcher, model)
        assert batcher.submit(1).cancel()
        assert not first.cancel()
        model.allowed.release()
    assert model.calls == [[0]]
    assert batcher.stats().cancelled == 1


def test_a_batch_whose_records_were_all_cancelled_is_not_predicted(model: Model):
    with MicroBatcher(model, LONG, 2) as batcher:
        batcher.submit(1).cancel()
        tasks = [batcher.submit(2), batcher.submit(3)]
        assert [task.result() for task in tasks] == [-2, -3]
        batcher.submit(4).cancel()
    assert model.calls == [[2, 3]]


# -- the bound, and the end ------------------------------------------------------------------------------


def test_a_full_queue_refuses_at_once(model: Model):
    with MicroBatcher(model, 0.0, queue_size=2) as batcher:
        hold(batcher, model)
        batcher.submit(1)
        batcher.submit(2)
        with pytest.raises(Overloaded, match="full"):
            batcher.submit(3)
        model.allowed.release(3)
    assert batcher.stats().refused == 1


def test_a_system_without_threads_to_spare_is_an_overload(model: Model, monkeypatch: pytest.MonkeyPatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with MicroBatcher(model) as batcher:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Overloaded):
                batcher.submit(1)
        assert batcher.submit(2).result() == -2
    assert model.calls == [[2]]


def test_closing_predicts_what_waits_at_once(model: Model):
    wait = Wait()
    batcher = MicroBatcher(model, LONG, clock=wait)
    tasks = [batcher.submit(1), batcher.submit(2)]
    assert wait.looked.wait(LONG)
    assert batcher.close(timeout=LONG / 2)
    assert [task.result() for task in tasks] == [-1, -2]
    with pytest.raises(Overloaded, match="closed"):
        batcher.submit(3)
    assert batcher.close()


def test_closing_without_draining_refuses_what_waits(model: Model):
    batcher = MicroBatcher(model, 0.0)
    running = hold(batcher, model)
    waiting = batcher.submit(1)
    waiting.add_done_callback(lambda _: model.allowed.release())
    assert batcher.close(drain=False, timeout=LONG)
    assert running.result() == 0
    with pytest.raises(Overloaded, match="closed"):
        waiting.result()


def test_closing_waits_no_longer_than_it_may(model: Model):
    batcher = MicroBatcher(model, 0.0)
    running = hold(batcher, model)
    waiting = batcher.submit(1)
    assert not batcher.close(timeout=0.01)
    assert isinstance(waiting.exception(), Overloaded)
    model.allowed.release()
    assert running.result() == 0


def test_the_counts_go_out_under_spanish_names(model: Model):
    with MicroBatcher(model) as batcher:
        batcher.submit(1).result()
    assert msgspec.to_builtins(batcher.stats()) == {
        "lotes": 1,
        "en_curso": 0,
        "en_cola": 0,
        "completadas": 1,
        "fallidas": 0,
        "vencidas": 0,
        "canceladas": 0,
        "rechazadas": 0,
    }


def stress(threads: int, calls: int) -> tuple[BatchStats, int]:
    """Submit, cancel and expire from many threads, with records that fail."""
    inside = threading.Lock()
    wrong: list[Any] = []

    def predict_many(records: list[int]) -> list[int]:
        assert inside.acquire(blocking=False)
        try:
            if any(record % 11 == 0 for record in records):
                raise KeyError("record")
            return [-record for record in records]
        finally:
            inside.release()

    batcher = MicroBatcher(predict_many, 0.0005, 8, queue_size=threads)

    def caller(seed: int) -> None:
        rng = random.Random(seed)
        for number in range(seed * calls, seed * calls + calls):
            task = batcher.submit(number, timeout=rng.choice([None, LONG]))
            if rng.random() < 0.2 and task.cancel():
                continue
            error = task.exception()
            if number % 11 == 0:
                if not isinstance(error, KeyError):
                    wrong.append((number, error))
            elif error is not None or task.result() != -number:
                wrong.append((number, error))

    callers = [threading.Thread(target=caller, args=(seed,)) for seed in range(threads)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert batcher.close(timeout=LONG)
    assert wrong == []
    return batcher.stats(), threads * calls


def test_under_many_threads_every_caller_gets_its_own_answer_and_the_counts_add_up():
    stats, submitted = stress(STRESS_THREADS, STRESS_CALLS)
    assert total(stats) == submitted
    assert (stats.running, stats.queued) == (0, 0)
