"""RecoveryPolicy: the state between calls, the open breaker, the probe and the budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.recovery import Model, late_call, opened, told
from morosidad.errors import Escalated, InvalidRecord
from morosidad.recovery import (
    RecoveryEvent,
    RecoveryOutcome,
    RecoveryPolicy,
)


def test_attempts_add_up_across_calls_so_that_higher_levels_are_reached(clock, events):
    policy = RecoveryPolicy(deadline=10.0, hooks=[events.append], clock=clock)
    late_call(policy, clock)
    assert policy.stats().attempts == 1
    assert policy.call(Model(1).predict, 4) == 2
    assert told(events)[-1] == ("LEADER", "media", "RECOVERED")


def test_a_success_starts_over_at_the_first_level(clock, events):
    policy = RecoveryPolicy(deadline=10.0, hooks=[events.append], clock=clock)
    late_call(policy, clock)
    assert policy.call(Model().predict, 4) == 2
    assert policy.stats().attempts == 0
    policy.call(Model(1).predict, 4)
    assert told(events)[-1] == ("LEADER", "rapida", "RECOVERED")


def test_a_success_that_began_before_the_last_remedy_proves_nothing(clock):
    policy = RecoveryPolicy(deadline=10.0, clock=clock)
    late_call(policy, clock)

    def meanwhile() -> str:
        late_call(policy, clock)
        return "listo"

    assert policy.call(meanwhile) == "listo"
    assert policy.stats().attempts == 2


def test_attempts_decay(clock):
    policy = RecoveryPolicy(deadline=10.0, decay=60.0, clock=clock)
    late_call(policy, clock)
    late_call(policy, clock)
    clock.advance(59.0)
    assert policy.stats().attempts == 2
    clock.advance(1.0)
    assert policy.stats().attempts == 1
    clock.advance(60.0)
    assert policy.stats().attempts == 0


def test_calls_that_never_leave_time_to_recover_open_the_policy_too(clock, events):
    policy = RecoveryPolicy(deadline=10.0, hooks=[events.append], clock=clock)
    for _ in range(3):
        late_call(policy, clock)
    assert policy.stats().state == "abierta"
    assert [e.opened for e in events] == [True]
    with pytest.raises(Escalated):
        policy.call(Model().predict, 4)


def test_one_record_that_always_fails_does_not_open_the_policy_for_the_others(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    model = Model()

    def poisoned() -> None:
        if policy.stats().generation:
            policy.call(model.predict, 4)  # somebody else's call, which is fine
        raise RuntimeError

    with pytest.raises(Escalated) as caught:
        policy.call(poisoned)
    assert told(events) == [
        ("LEADER", "rapida", "FAILED"),
        ("LEADER", "media", "FAILED"),
        ("LEADER", "completa", "FAILED"),
    ]
    assert caught.value.retry_after is None
    assert policy.stats().state == "cerrada"


def simulate(outcomes: list[bool]) -> tuple[list[tuple[int, bool]], list[str]]:
    """Three levels, no time passing, one caller at a time: (level, cured) of each turn, and each end."""
    rest, turns, ends = list(outcomes), [], []
    attempts = 0
    while rest and attempts < 3:
        if rest.pop(0):
            attempts = 0
            ends.append("ok")
            continue
        while attempts < 3:
            cured = rest.pop(0) if rest else True
            turns.append((attempts, cured))
            attempts = 0 if cured else attempts + 1
            if cured:
                break
        ends.append("ok" if attempts == 0 else "escalated")
    return turns, ends


@settings(deadline=None)
@given(outcomes=st.lists(st.booleans(), max_size=30))
def test_one_caller_at_a_time_meets_the_levels_of_a_simple_simulation(outcomes):
    rest = list(outcomes)
    events: list[RecoveryEvent] = []
    ends: list[str] = []

    def step() -> None:
        if rest and not rest.pop(0):
            raise RuntimeError

    policy = RecoveryPolicy(hooks=[events.append], retry_budget=1000, clock=lambda: 0.0)
    while rest and "escalated" not in ends:
        try:
            policy.call(step)
            ends.append("ok")
        except Escalated:
            ends.append("escalated")
    names = [level.name for level in policy.levels]
    turns = [(names.index(e.level), e.outcome is RecoveryOutcome.RECOVERED) for e in events]
    assert (turns, ends) == simulate(outcomes)


def test_an_open_policy_answers_at_once_without_calling(clock):
    policy, model = RecoveryPolicy(clock=clock), Model()
    opened(policy)
    clock.advance(29.0)
    with pytest.raises(Escalated) as caught:
        policy.call(model.predict, 4)
    assert caught.value.retry_after == 1.0
    assert caught.value.__cause__ is None
    assert model.calls == 0


def test_after_a_while_one_probe_closes_it(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], reset_after=30.0, clock=clock)
    opened(policy)
    clock.advance(30.0)
    assert policy.call(Model().predict, 4) == 2
    assert told(events)[-1] == ("PROBE", "", "RECOVERED")
    stats = policy.stats()
    assert (stats.state, stats.attempts) == ("cerrada", 0)


def test_a_probe_that_fails_keeps_it_open_without_remedies(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    opened(policy)
    clock.advance(30.0)
    with pytest.raises(Escalated) as caught:
        policy.call(Model(1).predict, 4)
    assert caught.value.retry_after == 30.0
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert told(events)[-1] == ("PROBE", "", "FAILED")
    assert events[-1].error == "RuntimeError"
    clock.advance(29.0)
    with pytest.raises(Escalated):
        policy.call(Model().predict, 4)


def test_a_probe_that_meets_an_invalid_record_decides_nothing(clock):
    policy = RecoveryPolicy(clock=clock)
    opened(policy)
    clock.advance(30.0)
    with pytest.raises(InvalidRecord):
        policy.call(Model(1, lambda: InvalidRecord([])).predict, 4)
    assert policy.stats().state == "abierta"
    assert policy.call(Model().predict, 4) == 2
    assert policy.stats().state == "cerrada"


def test_while_the_probe_is_out_the_others_are_refused(clock):
    policy = RecoveryPolicy(clock=clock)
    opened(policy)
    clock.advance(30.0)

    def probe() -> str:
        assert policy.stats().state == "probando"
        with pytest.raises(Escalated):
            policy.call(lambda: "otra")
        return "sonda"

    assert policy.call(probe) == "sonda"


def test_a_call_that_failed_before_the_probe_closed_it_tries_again_without_a_remedy(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    model = Model()
    first = iter([True])

    def overtaken() -> float:
        if next(first, False):
            opened(policy)
            clock.advance(30.0)
            policy.call(model.predict, 4)
            clock.now -= 30.0  # within this call's own deadline
            raise RuntimeError
        return model.predict(6)

    assert policy.call(overtaken) == 3
    assert told(events)[-1] == ("FOLLOWER", "", "RECOVERED")


def test_past_the_budget_it_opens_even_though_every_remedy_helps(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], retry_budget=3, budget_window=60.0, clock=clock)
    for _ in range(3):
        policy.call(Model(1).predict, 4)
    with pytest.raises(Escalated) as caught:
        policy.call(Model(1).predict, 4)
    assert caught.value.retry_after == 30.0
    assert told(events)[-1] == ("LEADER", "rapida", "OVER_BUDGET")
    assert events[-1].opened
    assert policy.stats().state == "abierta"


def test_the_budget_refills(clock):
    policy = RecoveryPolicy(retry_budget=3, budget_window=60.0, clock=clock)
    for _ in range(20):
        policy.call(Model(1).predict, 4)
        clock.advance(20.0)
    assert policy.stats().budget == 3.0
