"""The fallback of a RecoveryPolicy and its degraded answers."""

from __future__ import annotations

import pytest

from helpers.recovery import Answer, Model
from morosidad.errors import Escalated, FieldError
from morosidad.recovery import (
    RecoveryPolicy,
)

# Degrading ----------------------------------------------------------------------------------------


def refer(x: float) -> Answer:
    return Answer("revisar")


def test_the_fallback_answers_when_recovery_gives_up_and_says_that_it_is_degraded(clock):
    policy = RecoveryPolicy(fallback=refer, clock=clock)
    model = Model(float("inf"))
    assert policy.call(model.predict, 4) == Answer("revisar", degraded=True)
    assert policy.call(model.predict, 4) == Answer("revisar", degraded=True)
    assert model.calls == 4  # the second time the policy was open
    stats = policy.stats()
    assert (stats.gave_up, stats.degraded) == (2, 2)


def test_the_fallback_answers_when_the_deadline_passed(clock):
    policy = RecoveryPolicy(fallback=lambda: Answer("revisar"), deadline=10.0, clock=clock)

    def slow() -> Answer:
        clock.advance(11.0)
        raise RuntimeError

    assert policy.call(slow).degraded


def test_an_answer_that_says_so_itself_is_left_as_it_is(clock):
    class Own:
        degraded = True

    own = Own()
    policy = RecoveryPolicy(fallback=lambda x: own, clock=clock)
    assert policy.call(Model(float("inf")).predict, 4) is own


@pytest.mark.parametrize("answer", [0.5, None, {"degraded": True}, FieldError("a", "b", "c")])
def test_an_answer_that_cannot_say_so_never_passes_for_a_score(clock, answer):
    policy = RecoveryPolicy(fallback=lambda x: answer, clock=clock)
    with pytest.raises(Escalated) as caught:
        policy.call(Model(float("inf")).predict, 4)
    assert caught.value.__notes__ == ["the fallback failed too: TypeError"]
    assert policy.stats().degraded == 0


def test_a_fallback_that_fails_leaves_the_first_error_standing(clock):
    def broken(x: float) -> Answer:
        raise KeyError("nombre del solicitante")

    policy = RecoveryPolicy(fallback=broken, clock=clock)
    with pytest.raises(Escalated) as caught:
        policy.call(Model(float("inf")).predict, 4)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.__notes__ == ["the fallback failed too: KeyError"]
