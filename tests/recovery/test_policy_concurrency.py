"""RecoveryPolicy with many calls at once: one leader, followers and deadlines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helpers.recovery import CALLERS, PATIENCE, Model, Workshop, told
from morosidad.errors import DeadlineExceeded, Escalated
from morosidad.recovery import (
    RecoveryLevel,
    RecoveryPolicy,
    Role,
)
from support import LONG

# Many at once -------------------------------------------------------------------------------------


def together(policy: RecoveryPolicy, fn: Callable[[float], Any]) -> list[Any]:
    """Call from many threads whose first attempts all fail before any is told."""
    gate = threading.Barrier(CALLERS)
    local = threading.local()

    def first_wait(x: float) -> Any:
        if not getattr(local, "waited", False) and threading.current_thread().name.startswith("caller"):
            local.waited = True
            try:
                return fn(x)
            finally:
                gate.wait()
        return fn(x)

    def caller(i: int) -> Any:
        try:
            return policy.call(first_wait, i)
        except (Escalated, DeadlineExceeded) as error:
            return type(error).__name__

    with ThreadPoolExecutor(CALLERS, thread_name_prefix="caller") as pool:
        return list(pool.map(caller, range(CALLERS)))


@pytest.mark.parametrize(
    ("mended_by", "remedies", "leaders"),
    [
        ("clear_related", ["clear_related"], [("rapida", "RECOVERED")]),
        (
            "reload_model",
            ["clear_related", "reload_model", "clear_caches"],
            [("rapida", "FAILED"), ("media", "RECOVERED")],
        ),
        (
            "rebuild",
            ["clear_related", "reload_model", "clear_caches", "rebuild"],
            [("rapida", "FAILED"), ("media", "FAILED"), ("completa", "RECOVERED")],
        ),
    ],
)
def test_many_that_fail_together_get_one_leader_per_generation(events, mended_by, remedies, leaders):
    model = Model(float("inf"))
    workshop = Workshop(model, mended_by)
    policy = RecoveryPolicy(workshop.levels(), deadline=60.0, hooks=[events.append])
    assert together(policy, model.predict) == [i / 2 for i in range(CALLERS)]
    assert workshop.done == remedies
    led = [e for e in events if e.role is Role.LEADER]
    assert [(e.level, e.outcome.name) for e in led] == leaders
    assert [e.generation for e in led] == list(range(len(leaders)))
    followed = [e for e in events if e.role is Role.FOLLOWER]
    assert len(followed) == CALLERS - 1
    assert {(e.level, e.outcome.name) for e in followed} == {leaders[-1]}
    assert model.calls == CALLERS + len(leaders) + CALLERS - 1
    assert policy.stats().attempts == 0


def test_many_on_a_model_that_fails_for_ever_run_each_level_once_and_all_escalate(events):
    model, workshop = Model(float("inf")), Workshop()
    policy = RecoveryPolicy(workshop.levels(), deadline=60.0, hooks=[events.append])
    assert together(policy, model.predict) == ["Escalated"] * CALLERS
    assert workshop.done == ["clear_related", "reload_model", "clear_caches", "rebuild"]
    assert [e.role.name for e in events] == ["LEADER"] * 3
    assert model.calls == CALLERS + 3
    assert policy.stats().gave_up == CALLERS


def test_neither_leader_nor_follower_waits_past_the_deadline(stuck):
    began, follower_in = threading.Event(), threading.Event()
    levels = [RecoveryLevel("larga", (lambda _: (began.set(), stuck.wait()),), 3600.0)]
    policy = RecoveryPolicy(levels, deadline=4 * PATIENCE)

    def follower() -> None:
        follower_in.set()
        began.wait()
        raise RuntimeError

    def leader() -> None:
        follower_in.wait()
        raise RuntimeError

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(policy.call, fn) for fn in (follower, leader)]
        assert [type(call.exception()) for call in calls] == [DeadlineExceeded, DeadlineExceeded]
    assert not stuck.is_set()


def test_a_follower_leaves_when_its_own_deadline_passes_though_the_leader_goes_on(clock, stuck):
    began, follower_in, failed = threading.Event(), threading.Event(), threading.Event()
    levels = [RecoveryLevel("larga", (lambda _: (began.set(), stuck.wait()),), 3600.0)]
    policy = RecoveryPolicy(levels, deadline=3600.0, clock=clock)

    def follower() -> None:
        follower_in.set()
        began.wait()
        failed.set()
        raise RuntimeError

    with ThreadPoolExecutor(2) as pool:
        following = pool.submit(policy.call, follower)
        follower_in.wait()
        clock.advance(3599.95)
        leading = pool.submit(policy.call, Model(1).predict, 4)
        failed.wait()
        threading.Event().wait(0.02)  # so that it waits for the leader, most likely
        clock.advance(1.0)
        try:
            assert isinstance(following.exception(timeout=LONG), DeadlineExceeded)
            assert not leading.done()
        finally:
            stuck.set()
        assert leading.result() == 2


def test_a_followers_retry_that_hangs_is_left_behind(clock, stuck, events):
    levels = [RecoveryLevel("rapida", (), PATIENCE), RecoveryLevel("media")]
    policy = RecoveryPolicy(levels, hooks=[events.append], clock=clock)
    calls: list[int] = []

    def overtaken() -> str:
        calls.append(1)
        if len(calls) == 1:
            policy.call(Model(1).predict, 4)
            raise RuntimeError
        if len(calls) == 2:
            stuck.wait()
        return "listo"

    assert policy.call(overtaken) == "listo"
    assert told(events) == [
        ("LEADER", "rapida", "RECOVERED"),
        ("FOLLOWER", "rapida", "OVERRUN"),
        ("LEADER", "media", "RECOVERED"),
    ]


def test_a_follower_whose_retry_fails_goes_one_level_higher(events):
    model = Model(float("inf"))
    workshop = Workshop(model, "clear_related")
    policy = RecoveryPolicy(workshop.levels(), deadline=60.0, hooks=[events.append])
    poisoned = [Model(2)]

    def mixed(x: float) -> float:
        if x == 7:
            return poisoned[0].predict(x) if workshop.done else model.predict(x)
        return model.predict(x)

    assert together(policy, mixed) == [i / 2 for i in range(CALLERS)]
    assert "reload_model" in workshop.done
