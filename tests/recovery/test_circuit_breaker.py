"""The memory of a recovery policy against a simple model of it, time included."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from morosidad.recovery.circuit_breaker import CircuitBreaker, Follow, Lead, LevelRun, Refused, Retry

LIMITS = (1.0, 2.0, 5.0)
RESET_AFTER = 30.0


def make_breaker(**kwargs: float) -> CircuitBreaker:
    settings = {"decay": 60.0, "budget": 10**6, "budget_window": 60.0, "reset_after": RESET_AFTER, **kwargs}
    return CircuitBreaker(LIMITS, **settings)


class BreakerMachine(RuleBasedStateMachine):
    """The model keeps a history of runs and looks everything up in it."""

    @initialize()
    def start(self) -> None:
        self.breaker = make_breaker(decay=10**6)
        self.now = 1000.0
        self.run: LevelRun | None = None
        self.stale: list[LevelRun] = []
        self.failed_in_a_row = 0
        self.ended = 0
        self.last_proven = False
        self.open_until: float | None = None

    def _end(self, proven: bool) -> None:
        self.stale.append(self.run)
        self.run = None
        self.ended += 1
        self.last_proven = proven
        self.failed_in_a_row = 0 if proven else self.failed_in_a_row + 1
        if self.failed_in_a_row == len(LIMITS):
            self.open_until = self.now + RESET_AFTER

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 4.0, 29.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(behind=st.integers(0, 2), floor=st.integers(0, 3))
    def a_call_failed(self, behind: int, floor: int) -> None:
        seen = max(0, self.ended - behind)
        was_open = self.open_until is not None
        if self.run is not None and self.now >= self.run.expires:
            self._end(proven=False)
        move = self.breaker.next_action(seen, floor, self.now)
        if self.open_until is not None:
            assert isinstance(move, Refused)
            assert move.retry_after == max(0.0, self.open_until - self.now)
            assert move.opened is not was_open
        elif self.run is not None:
            assert move == Follow(self.run)
        elif seen != self.ended and self.last_proven:
            assert isinstance(move, Retry)
            assert move.after == self.ended
        elif max(floor, self.failed_in_a_row) == len(LIMITS):
            assert move == Refused(None, len(LIMITS) - 1)
        else:
            assert isinstance(move, Lead)
            assert (move.level, move.after) == (max(floor, self.failed_in_a_row), self.ended + 1)
            assert move.run.expires == self.now + LIMITS[move.level]
            self.run = move.run

    @precondition(lambda self: self.run is not None)
    @rule(proven=st.booleans())
    def the_leader_finishes(self, proven: bool) -> None:
        run = self.run
        self._end(proven)
        assert self.breaker.finish(run, proven, self.now) is (self.open_until is not None)
        assert run.done.done()

    @precondition(lambda self: self.run is not None)
    @rule()
    def the_leader_leaves(self) -> None:
        run, failed = self.run, self.failed_in_a_row
        self._end(proven=True)
        self.failed_in_a_row = failed
        self.breaker.release(run)
        assert run.done.done()

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), proven=st.booleans())
    def a_leader_whose_turn_is_over_changes_nothing(self, data: st.DataObject, proven: bool) -> None:
        run = data.draw(st.sampled_from(self.stale))
        assert not self.breaker.finish(run, proven, self.now)
        self.breaker.release(run)

    @rule(behind=st.integers(0, 1))
    def a_call_succeeded(self, behind: int) -> None:
        self.breaker.succeeded(self.ended - behind)
        if behind == 0 and self.open_until is None:
            self.failed_in_a_row = 0

    @rule(behind=st.integers(0, 1))
    def a_call_came_too_late(self, behind: int) -> None:
        counts = behind == 0 and self.run is None and self.open_until is None
        if counts:
            self.ended += 1
            self.failed_in_a_row += 1
            self.last_proven = False
            if self.failed_in_a_row == len(LIMITS):
                self.open_until = self.now + RESET_AFTER
        opened = self.breaker.count_overrun(self.ended - counts - behind, self.now)
        assert opened is (counts and self.open_until is not None)

    @rule(lease=st.sampled_from([0.5, 8.0]), verdict=st.sampled_from([True, False, None, "lost"]))
    def a_call_arrives(self, lease: float, verdict: object) -> None:
        admitted = self.breaker.admit(self.now, lease)
        if self.open_until is None:
            assert admitted is False
        elif self.now < self.open_until:
            assert admitted.retry_after == self.open_until - self.now
        else:
            assert admitted is True
            assert self.breaker.state(self.now)[0] == "probando"
            self._probe(lease, verdict)

    def _probe(self, lease: float, verdict: object) -> None:
        if verdict == "lost":
            self.open_until = self.now + lease
            return
        self.breaker.finish_probe(verdict, self.now)
        if verdict is True:
            self.open_until = None
            self.failed_in_a_row = 0
            self.ended += 1
            self.last_proven = True
        else:
            self.open_until = self.now if verdict is None else self.now + RESET_AFTER

    @invariant()
    def what_shows_agrees(self) -> None:
        state, attempts, _ = self.breaker.state(self.now)
        assert (state == "cerrada") is (self.open_until is None)
        assert attempts == self.failed_in_a_row
        assert self.breaker.generation == self.ended
        well = self.run is None and self.open_until is None and self.failed_in_a_row == 0
        assert self.breaker.last_remedy_worked() is (well and self.last_proven)
        assert self.breaker.healthy is (self.open_until is None and self.failed_in_a_row == 0)


BreakerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBreaker = BreakerMachine.TestCase


@given(
    budget=st.integers(1, 5),
    steps=st.lists(st.floats(0.001, 40.0, allow_nan=False), min_size=1, max_size=60),
)
def test_no_window_sees_more_turns_than_the_budget_allows(budget, steps):
    window, now = 60.0, 0.0
    breaker = make_breaker(budget=budget, budget_window=window, reset_after=1e-9)
    led: list[float] = []
    for step in steps:
        now += step
        if breaker.admit(now, 1.0) is True:
            breaker.finish_probe(True, now)
        move = breaker.next_action(breaker.generation, 0, now)
        if isinstance(move, Lead):
            led.append(now)
            breaker.finish(move.run, True, now)
        else:
            assert (move.opened, move.spent) == (True, True)
    for i, first in enumerate(led):
        for j, last in enumerate(led[i:], start=1):
            assert j <= budget + (last - first) * budget / window + 1e-6


@given(gaps=st.lists(st.integers(1, 200).map(lambda halves: halves / 2), min_size=1, max_size=8))
def test_attempts_decay_one_per_period_since_the_last_failure(gaps):
    breaker = CircuitBreaker((1.0,) * 100, decay=10.0, budget=1000, budget_window=60.0, reset_after=30.0)
    now, expected = 0.0, 0
    for gap in gaps:
        breaker.count_overrun(breaker.generation, now)
        expected += 1
        now += gap
        expected = max(0, expected - int(gap / 10.0))
        assert breaker.state(now)[1] == expected


def test_a_turn_is_waited_for_by_its_future_which_no_waiter_can_cancel():
    breaker = make_breaker()
    lead = breaker.next_action(0, 0, 0.0)
    follow = breaker.next_action(0, 0, 0.5)
    assert isinstance(lead, Lead)
    assert isinstance(follow, Follow)
    assert not follow.run.done.cancel()
    breaker.finish(lead.run, True, 0.6)
    assert follow.run.done.done()


def test_a_leader_that_is_stuck_is_replaced_at_the_next_level():
    breaker = make_breaker()
    levels = []
    for now in (0.0, 1.0, 3.0):
        move = breaker.next_action(0, 0, now)
        assert isinstance(move, Lead)
        levels.append(move.level)
    assert levels == [0, 1, 2]
    assert breaker.next_action(0, 0, 8.0) == Refused(RESET_AFTER, 2, opened=True)


@pytest.mark.parametrize("healthy", [True, False])
def test_a_verdict_after_somebody_else_closed_it_keeps_it_closed(healthy):
    breaker = make_breaker()
    for now in (0.0, 0.1, 0.2):
        breaker.count_overrun(breaker.generation, now)
    assert breaker.admit(31.0, 1.0) is True
    assert breaker.admit(32.5, 1.0) is True
    breaker.finish_probe(True, 32.6)
    breaker.finish_probe(healthy, 32.7)
    assert breaker.state(32.7)[0] == "cerrada"
    assert breaker.healthy


def test_generations_only_grow():
    breaker = make_breaker()
    seen = [breaker.generation]
    for proven in (True, False, True):
        move = breaker.next_action(breaker.generation, 0, 0.0)
        breaker.finish(move.run, proven, 0.0)
        seen.append(breaker.generation)
    assert all(b == a + 1 for a, b in pairwise(seen))
