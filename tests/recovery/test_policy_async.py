"""RecoveryPolicy on the event loop: the same story, with cancellation that really stops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from helpers.recovery import PATIENCE, Answer, told
from morosidad.errors import DeadlineExceeded, Escalated, InvalidRecord
from morosidad.recovery import (
    RecoveryLevel,
    RecoveryOutcome,
    RecoveryPolicy,
    Role,
    default_levels,
)
from support import LONG

TASKS = 50


class Model:
    """Fails a number of times, or until it is repaired."""

    def __init__(self, failures: float = 0) -> None:
        self.failures = failures
        self.calls = 0

    async def predict(self, x: float) -> float:
        self.calls += 1
        broken = self.failures > 0
        self.failures -= broken
        await asyncio.sleep(0)
        if broken:
            raise RuntimeError("roto")
        return x / 2

    def mend(self) -> None:
        self.failures = 0


async def hang() -> None:
    await asyncio.Event().wait()


def test_a_coroutine_that_succeeds_returns_its_value(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    assert asyncio.run(policy.acall(Model().predict, 4)) == 2
    assert events == []


def test_a_decorated_coroutine_function_stays_one(clock):
    policy = RecoveryPolicy(clock=clock)
    model = Model(1)

    @policy
    async def predict(x: float) -> float:
        return await model.predict(x)

    assert asyncio.iscoroutinefunction(predict)
    assert predict.__name__ == "predict"
    assert asyncio.run(predict(4)) == 2


@pytest.mark.parametrize(
    ("failures", "levels"), [(1, ["rapida"]), (2, ["rapida", "media"]), (3, ["rapida", "media", "completa"])]
)
def test_each_failure_leads_one_level_up(clock, events, failures, levels):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    assert asyncio.run(policy.acall(Model(failures).predict, 4)) == 2
    assert [e.level for e in events] == levels
    assert [e.outcome.name for e in events] == ["FAILED"] * (failures - 1) + ["RECOVERED"]


def test_a_model_that_fails_for_ever_escalates_and_is_probed_later(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)

    async def story() -> None:
        with pytest.raises(Escalated):
            await policy.acall(Model(float("inf")).predict, 4)
        with pytest.raises(Escalated):
            await policy.acall(Model().predict, 4)
        clock.advance(30.0)
        assert await policy.acall(Model().predict, 4) == 2

    asyncio.run(story())
    assert told(events)[-1] == ("PROBE", "", "RECOVERED")


def test_an_invalid_record_is_passed_on(clock, events):
    async def refuse() -> None:
        raise InvalidRecord([])

    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    with pytest.raises(InvalidRecord):
        asyncio.run(policy.acall(refuse))
    assert events == []


def test_a_time_out_of_the_functions_own_is_a_failure_like_any_other(clock, events):
    first = iter([True])

    async def own_timeout() -> str:
        if next(first, False):
            async with asyncio.timeout(0):
                await hang()
        return "listo"

    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    assert asyncio.run(policy.acall(own_timeout)) == "listo"
    assert [e.error for e in events] == ["TimeoutError"]


def test_what_hangs_is_cancelled_and_leaves_no_thread(events):
    cancelled: list[bool] = []

    async def hang_and_tell() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    levels = [RecoveryLevel("rapida", (), 0.05), RecoveryLevel("media", (), 0.05)]
    policy = RecoveryPolicy(levels, attempt_timeout=0.05, hooks=[events.append])
    with pytest.raises(Escalated):
        asyncio.run(policy.acall(hang_and_tell))
    assert cancelled == [True] * 3
    assert told(events) == [("LEADER", "rapida", "OVERRUN"), ("LEADER", "media", "OVERRUN")]
    assert policy.stats().abandoned_ever == 0


def test_a_first_attempt_without_a_limit_of_its_own_has_the_whole_deadline(events):
    policy = RecoveryPolicy([RecoveryLevel("una")], deadline=0.05, hooks=[events.append])
    with pytest.raises(DeadlineExceeded):
        asyncio.run(policy.acall(hang))
    assert [(e.outcome, e.opened) for e in events] == [(RecoveryOutcome.OVERRUN, True)]


def test_the_loop_runs_on_while_a_remedy_works_on_its_thread(stuck, events):
    model = Model(1)
    loop_thread = threading.get_ident()
    remedy_threads: list[int] = []

    def remedy(_: object) -> None:
        remedy_threads.append(threading.get_ident())
        stuck.wait()

    policy = RecoveryPolicy([RecoveryLevel("una", (remedy,), 30.0)], deadline=60.0, hooks=[events.append])

    async def story() -> float:
        call = asyncio.create_task(policy.acall(model.predict, 4))
        while not remedy_threads:
            await asyncio.sleep(0)
        stuck.set()
        return await call

    assert asyncio.run(story()) == 2
    assert remedy_threads[0] != loop_thread


def test_a_remedy_that_hangs_is_left_behind(stuck, events):
    levels = [RecoveryLevel("cuelga", (lambda _: stuck.wait(),), PATIENCE), RecoveryLevel("buena", (), LONG)]
    policy = RecoveryPolicy(levels, hooks=[events.append])
    assert asyncio.run(policy.acall(Model(1).predict, 4)) == 2
    assert told(events) == [("LEADER", "cuelga", "OVERRUN"), ("LEADER", "buena", "RECOVERED")]
    assert policy.stats().abandoned == 1


def test_many_tasks_that_fail_together_get_one_reload(events):
    model = Model(float("inf"))
    reloads: list[int] = []

    def reload_model() -> None:
        reloads.append(1)
        model.mend()

    policy = RecoveryPolicy(default_levels(reload_model=reload_model), deadline=60.0, hooks=[events.append])

    async def story() -> list[float]:
        return await asyncio.gather(*(policy.acall(model.predict, i) for i in range(TASKS)))

    assert asyncio.run(story()) == [i / 2 for i in range(TASKS)]
    assert len(reloads) == 1
    assert told(events)[:2] == [("LEADER", "rapida", "FAILED"), ("LEADER", "media", "RECOVERED")]
    assert told(events)[2:] == [("FOLLOWER", "media", "RECOVERED")] * (TASKS - 1)


def test_a_task_waits_for_a_leader_that_is_a_thread(stuck, events):
    model = Model(1)
    led = threading.Event()
    policy = RecoveryPolicy(
        [RecoveryLevel("una", (lambda _: (led.set(), stuck.wait()),), 30.0)],
        deadline=60.0,
        hooks=[events.append],
    )
    first = iter([True])

    def predict() -> str:
        if next(first, False):
            raise RuntimeError
        return "hilo"

    leader = threading.Thread(target=policy.call, args=(predict,))

    async def story() -> float:
        leader.start()
        while not led.is_set():
            await asyncio.sleep(0)
        call = asyncio.create_task(policy.acall(model.predict, 4))
        while model.calls < 1:
            await asyncio.sleep(0)
        stuck.set()
        return await call

    assert asyncio.run(story()) == 2
    leader.join()
    assert sorted(e.role for e in events) == [Role.LEADER, Role.FOLLOWER]


def test_cancelling_the_caller_cancels_the_retry_and_hands_the_turn_on(events):
    policy = RecoveryPolicy(deadline=60.0, hooks=[events.append])
    retrying = asyncio.Event()
    calls: list[int] = []

    async def fail_then_hang() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError
        retrying.set()
        await hang()

    async def story() -> float:
        call = asyncio.create_task(policy.acall(fail_then_hang))
        await retrying.wait()
        follower = asyncio.create_task(policy.acall(Model(1).predict, 4))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await follower

    assert asyncio.run(story()) == 2
    assert told(events) == [("LEADER", "rapida", "UNDECIDED"), ("FOLLOWER", "rapida", "RECOVERED")]
    assert policy.stats().attempts == 0


def test_a_caller_cancelled_under_a_remedy_leaves_it_to_the_others(stuck, events):
    began = threading.Event()
    remedies: list[int] = []

    def remedy(_: object) -> None:
        remedies.append(1)
        began.set()
        stuck.wait()

    policy = RecoveryPolicy([RecoveryLevel("una", (remedy,), 30.0)], deadline=60.0, hooks=[events.append])

    async def story() -> float:
        call = asyncio.create_task(policy.acall(Model(1).predict, 4))
        while not began.is_set():
            await asyncio.sleep(0)
        model = Model(1)
        follower = asyncio.create_task(policy.acall(model.predict, 6))
        while model.calls < 1:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert policy.stats().abandoned == 1
        stuck.set()
        return await follower

    assert asyncio.run(story()) == 3
    assert remedies == [1]
    assert policy.stats().abandoned == 0
    assert told(events) == [("LEADER", "una", "UNDECIDED"), ("FOLLOWER", "una", "RECOVERED")]


def test_a_cancelled_probe_lets_the_next_call_probe(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)

    async def story() -> float:
        with pytest.raises(Escalated):
            await policy.acall(Model(float("inf")).predict, 4)
        clock.advance(30.0)
        probe = asyncio.create_task(policy.acall(hang))
        await asyncio.sleep(0)
        assert policy.stats().state == "probando"
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        return await policy.acall(Model().predict, 4)

    assert asyncio.run(story()) == 2
    assert told(events)[-2:] == [("PROBE", "", "UNDECIDED"), ("PROBE", "", "RECOVERED")]


def test_a_loop_that_closed_while_it_waited_disturbs_nobody(stuck, caplog):
    began = threading.Event()
    policy = RecoveryPolicy(
        [RecoveryLevel("una", (lambda _: (began.set(), stuck.wait()),), 30.0)], deadline=60.0
    )

    async def story() -> None:
        call = asyncio.create_task(policy.acall(Model(1).predict, 4))
        while not began.is_set():
            await asyncio.sleep(0)
        call.cancel()

    asyncio.run(story())
    workers = [t for t in threading.enumerate() if t.name.startswith("modelo-recovery")]
    stuck.set()
    for worker in workers:
        worker.join()
    assert [r for r in caplog.records if r.name == "concurrent.futures"] == []


@pytest.mark.parametrize("failing", [False, True])
def test_the_fallback_may_be_a_coroutine_function(clock, failing):
    async def refer(x: float) -> Answer:
        if failing:
            raise KeyError("x")
        return Answer("revisar")

    policy = RecoveryPolicy(fallback=refer, clock=clock)
    call = policy.acall(Model(float("inf")).predict, 4)
    if failing:
        with pytest.raises(Escalated):
            asyncio.run(call)
    else:
        assert asyncio.run(call) == Answer("revisar", degraded=True)


def test_the_fallback_may_be_a_plain_function(clock):
    policy = RecoveryPolicy(fallback=lambda x: Answer("revisar"), clock=clock)
    assert asyncio.run(policy.acall(Model(float("inf")).predict, 4)) == Answer("revisar", degraded=True)
