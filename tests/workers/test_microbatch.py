"""MicroBatcher: batches and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.microbatch import Model, Wait, hold
from morosidad.errors import ModelError
from morosidad.workers.microbatch import MicroBatcher
from support import LONG

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
