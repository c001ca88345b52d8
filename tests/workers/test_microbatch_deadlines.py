"""MicroBatcher: deadlines, the bounded queue, closing and counting."""

from __future__ import annotations

import random
import threading
from typing import Any

import msgspec
import pytest

from helpers.microbatch import Model, Wait, hold
from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.workers.microbatch import BatchStats, MicroBatcher
from support import LONG

STRESS_THREADS = 16
STRESS_CALLS = 40


def total(stats: BatchStats) -> int:
    counts = msgspec.structs.asdict(stats)
    return sum(counts.values()) - stats.batches


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
    assert batcher.close(timeout=LONG)
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
    assert batcher.close(timeout=LONG)


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
