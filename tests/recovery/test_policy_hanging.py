"""RecoveryPolicy with calls and remedies that hang."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from helpers.recovery import CALLERS, PATIENCE, Model, Workshop, late_call, opened, told
from morosidad.errors import DeadlineExceeded, Escalated
from morosidad.recovery import (
    RecoveryLevel,
    RecoveryPolicy,
    default_levels,
)
from support import LONG

# Hanging ------------------------------------------------------------------------------------------


def hanging_policy(
    clock: Callable[[], float], levels: list[RecoveryLevel] | None = None, **kwargs: Any
) -> RecoveryPolicy:
    """Wait in real time, in small doses, while the clock stands still."""
    levels = levels or [RecoveryLevel("rapida", (), PATIENCE), RecoveryLevel("media", (), PATIENCE)]
    return RecoveryPolicy(levels, **{"attempt_timeout": PATIENCE, "max_threads": 4, "clock": clock, **kwargs})


def test_a_model_that_hangs_is_left_behind_and_escalates(clock, stuck, events):
    policy = hanging_policy(clock, hooks=[events.append])
    with pytest.raises(Escalated) as caught:
        policy.call(stuck.wait)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert told(events) == [("LEADER", "rapida", "OVERRUN"), ("LEADER", "media", "OVERRUN")]
    stats = policy.stats()
    assert (stats.abandoned, stats.abandoned_ever, stats.threads) == (3, 3, 3)


def test_a_model_that_hangs_until_it_is_reloaded_is_recovered(clock, stuck, events):
    healthy = threading.Event()

    def predict() -> str:
        healthy.is_set() or stuck.wait()
        return "listo"

    levels = default_levels(reload_model=healthy.set)
    policy = RecoveryPolicy(
        [
            msgspec.structs.replace(level, timeout=PATIENCE) if level.name == "rapida" else level
            for level in levels
        ],
        attempt_timeout=PATIENCE,
        hooks=[events.append],
        clock=clock,
    )
    assert policy.call(predict) == "listo"
    assert told(events) == [("LEADER", "rapida", "OVERRUN"), ("LEADER", "media", "RECOVERED")]


def test_a_remedy_that_hangs_costs_its_level_and_no_more(clock, stuck, events):
    levels = [RecoveryLevel("cuelga", (lambda _: stuck.wait(),), PATIENCE), RecoveryLevel("buena", (), LONG)]
    policy = RecoveryPolicy(levels, hooks=[events.append], clock=clock)
    assert policy.call(Model(1).predict, 4) == 2
    assert told(events) == [("LEADER", "cuelga", "OVERRUN"), ("LEADER", "buena", "RECOVERED")]
    assert policy.stats().abandoned == 1


def test_the_deadline_of_the_call_caps_the_level(stuck, events):
    policy = RecoveryPolicy(
        [RecoveryLevel("larga", (), 3600.0), RecoveryLevel("otra")],
        deadline=4 * PATIENCE,
        attempt_timeout=PATIENCE,
        hooks=[events.append],
    )
    with pytest.raises(DeadlineExceeded) as caught:
        policy.call(stuck.wait)
    assert caught.value.seconds == 4 * PATIENCE
    assert told(events) == [("LEADER", "larga", "OVERRUN")]


def test_a_deadline_that_passes_in_the_first_attempt_leaves_no_time_for_a_remedy(clock, events):
    policy = RecoveryPolicy(Workshop().levels(), deadline=10.0, hooks=[events.append], clock=clock)
    late_call(policy, clock)
    assert events == []


def test_what_was_left_behind_is_no_longer_counted_when_it_returns(clock, stuck):
    policy = hanging_policy(clock)
    with pytest.raises(Escalated):
        policy.call(stuck.wait)
    workers = [t for t in threading.enumerate() if t.name.startswith("modelo-")]
    stuck.set()
    for worker in workers:
        worker.join()
    stats = policy.stats()
    assert (stats.threads, stats.abandoned, stats.abandoned_ever) == (0, 0, 3)


def test_many_callers_of_a_model_that_hangs_leave_no_more_threads_than_the_bound(clock, stuck):
    policy = hanging_policy(clock, max_threads=4)
    before = threading.active_count()

    def caller(_: int) -> str:
        try:
            return str(policy.call(stuck.wait))
        except (Escalated, DeadlineExceeded) as error:
            return type(error).__name__

    with ThreadPoolExecutor(CALLERS) as pool:
        ends = set(pool.map(caller, range(CALLERS)))
    assert ends == {"Escalated"}
    stats = policy.stats()
    assert stats.threads == stats.abandoned <= 8
    assert threading.active_count() - before <= 8
    with pytest.raises(Escalated):
        policy.call(stuck.wait)


def test_many_callers_of_a_model_that_hangs_until_it_is_reloaded_all_get_their_answer(clock, stuck):
    healthy, reloads = threading.Event(), []

    def predict(x: int) -> int:
        healthy.is_set() or stuck.wait()
        return x

    levels = [
        RecoveryLevel("rapida", (), PATIENCE),
        RecoveryLevel("media", (lambda _: (reloads.append(1), healthy.set()),), 30.0),
    ]
    policy = hanging_policy(clock, levels, deadline=60.0)
    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(lambda i: policy.call(predict, i), range(CALLERS))) == list(range(CALLERS))
    assert len(reloads) == 1
    assert policy.stats().abandoned <= 8


def test_once_mended_it_serves_though_the_threads_of_first_attempts_are_lost(clock, stuck, events):
    healthy = threading.Event()

    def predict(x: int) -> int:
        healthy.is_set() or stuck.wait()
        return x

    levels = [RecoveryLevel("media", (lambda _: healthy.set(),), 30.0)]
    policy = hanging_policy(clock, levels, deadline=60.0, max_threads=1, hooks=[events.append])
    assert [policy.call(predict, i) for i in range(30)] == list(range(30))
    assert told(events) == [("LEADER", "media", "RECOVERED")]
    assert policy.stats().abandoned == 1


def test_until_it_is_mended_first_attempts_keep_off_the_threads_that_repairs_need(clock, stuck):
    healthy = threading.Event()

    def predict() -> str:
        if not healthy.is_set():
            clock.advance(100.0)
            stuck.wait()
        return "listo"

    levels = [RecoveryLevel("nada"), RecoveryLevel("media", (lambda _: healthy.set(),), 30.0)]
    policy = hanging_policy(clock, levels, max_threads=1, deadline=60.0, attempt_timeout=0.5)
    with pytest.raises(DeadlineExceeded):
        policy.call(predict)
    assert policy.call(predict) == "listo"


def test_a_probe_that_hangs_is_left_behind_too(clock, stuck, events):
    policy = RecoveryPolicy([RecoveryLevel("una")], deadline=PATIENCE, hooks=[events.append], clock=clock)
    opened(policy)
    clock.advance(30.0)
    with pytest.raises(Escalated):
        policy.call(stuck.wait)
    assert told(events)[-1] == ("PROBE", "", "OVERRUN")
    assert policy.stats().abandoned == 1


def test_an_attempt_on_a_thread_of_its_own_answers_as_any_other():
    policy = RecoveryPolicy(attempt_timeout=LONG, deadline=LONG)
    tenant = contextvars.ContextVar[str]("tenant")
    tenant.set("coop")
    assert policy.call(lambda x: (x, tenant.get()), 1) == (1, "coop")
    assert policy.call(Model(1).predict, 4) == 2
