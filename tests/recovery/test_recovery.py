"""RecoveryPolicy from threads: levels, leaders, deadlines, the budget, and giving up."""

from __future__ import annotations

import contextvars
import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import DeadlineExceeded, Escalated, FieldError, InvalidFrame, InvalidRecord, Overloaded
from morosidad.recovery import (
    Failure,
    RecoveryEvent,
    RecoveryLevel,
    RecoveryOutcome,
    RecoveryPolicy,
    Role,
    default_levels,
    log_event,
    model_at_fault,
)

CALLERS = 50
PATIENCE = 0.1  # real seconds for what hangs: long enough for a busy machine to start a thread


class Model:
    """Fails a number of times, or until it is repaired; every call is counted."""

    def __init__(
        self, failures: float = 0, error: Callable[[], Exception] = lambda: RuntimeError("roto")
    ) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0
        self._lock = threading.Lock()

    def predict(self, x: float) -> float:
        with self._lock:
            self.calls += 1
            broken = self.failures > 0
            self.failures -= broken
        if broken:
            raise self.error()
        return x / 2

    def mend(self) -> None:
        self.failures = 0


class Workshop:
    """The four things that the default levels call, each of which notes that it was called."""

    def __init__(self, model: Model | None = None, mended_by: str = "") -> None:
        self.done: list[str] = []
        self.model = model
        self.mended_by = mended_by

    def _note(self, name: str) -> None:
        self.done.append(name)
        if self.model is not None and name == self.mended_by:
            self.model.mend()

    def hooks(self) -> dict[str, Any]:
        return {
            "clear_related": lambda _: self._note("clear_related"),
            "reload_model": lambda: self._note("reload_model"),
            "clear_caches": lambda: self._note("clear_caches"),
            "rebuild": lambda: self._note("rebuild"),
        }

    def levels(self) -> tuple[RecoveryLevel, ...]:
        return default_levels(**self.hooks())


class Answer(msgspec.Struct, frozen=True):
    outcome: str
    degraded: bool = False


@pytest.fixture
def events() -> list[RecoveryEvent]:
    return []


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Hangs whoever waits for it until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def told(events: list[RecoveryEvent]) -> list[tuple[str, str, str]]:
    return [(e.role.name, e.level, e.outcome.name) for e in events]


# All is well --------------------------------------------------------------------------------------


def test_a_call_that_succeeds_returns_what_the_function_returns_and_leaves_no_trace(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    assert policy.call(lambda a, *, b: (a, b), 1, b=2) == (1, 2)
    assert events == []
    stats = policy.stats()
    assert (stats.state, stats.attempts, stats.generation, stats.threads) == ("cerrada", 0, 0, 0)


def test_a_decorated_function_keeps_its_name_and_binds_as_a_method():
    policy = RecoveryPolicy()

    class Cooperative:
        rate = 0.5

        @policy
        def predict(self, x: float) -> float:
            """Halve."""
            return x * self.rate

    assert Cooperative().predict(3) == 1.5
    assert Cooperative.predict.__name__ == "predict"
    assert Cooperative.predict.__doc__ == "Halve."


def test_the_function_may_take_an_argument_called_fn():
    assert RecoveryPolicy().call(lambda **kwargs: kwargs, fn=1, self=2) == {"fn": 1, "self": 2}


# The levels ---------------------------------------------------------------------------------------

LADDER = [
    (1, ["clear_related"], [("LEADER", "rapida", "RECOVERED")]),
    (
        2,
        ["clear_related", "reload_model", "clear_caches"],
        [("LEADER", "rapida", "FAILED"), ("LEADER", "media", "RECOVERED")],
    ),
    (
        3,
        ["clear_related", "reload_model", "clear_caches", "rebuild"],
        [("LEADER", "rapida", "FAILED"), ("LEADER", "media", "FAILED"), ("LEADER", "completa", "RECOVERED")],
    ),
]


@pytest.mark.parametrize(("failures", "remedies", "story"), LADDER)
def test_each_failure_leads_one_level_up(clock, events, failures, remedies, story):
    model, workshop = Model(failures), Workshop()
    policy = RecoveryPolicy(workshop.levels(), hooks=[events.append], clock=clock)
    assert policy.call(model.predict, 4) == 2
    assert workshop.done == remedies
    assert told(events) == story
    assert policy.stats().attempts == 0


def test_after_the_last_level_it_escalates_with_the_cause_and_opens(clock, events):
    model, workshop = Model(failures=float("inf")), Workshop()
    policy = RecoveryPolicy(workshop.levels(), component="riesgo", hooks=[events.append], clock=clock)
    with pytest.raises(Escalated) as caught:
        policy.call(model.predict, 4)
    assert (caught.value.component, caught.value.level, caught.value.retry_after) == (
        "riesgo",
        "completa",
        30.0,
    )
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert [e.opened for e in events] == [False, False, True]
    assert model.calls == 4
    assert policy.stats().state == "abierta"


def test_levels_are_data_that_users_make(clock, events):
    seen: list[Failure] = []
    levels = [RecoveryLevel("una", (seen.append, seen.append), 0.5), RecoveryLevel("otra")]
    policy = RecoveryPolicy(levels, component="reglas", hooks=[events.append], clock=clock)
    assert policy.call(Model(2).predict, x=3) == 1.5
    assert policy.levels == tuple(levels)
    assert [(f.component, f.args, f.kwargs) for f in seen] == [("reglas", (), {"x": 3})] * 2
    assert isinstance(seen[0].error, RuntimeError)
    assert told(events) == [("LEADER", "una", "FAILED"), ("LEADER", "otra", "RECOVERED")]


def test_the_default_levels_without_remedies_just_try_again(clock):
    model = Model(3)
    policy = RecoveryPolicy(clock=clock)
    assert [(level.name, level.timeout, level.remedies) for level in policy.levels] == [
        ("rapida", 1.0, ()),
        ("media", 2.0, ()),
        ("completa", 5.0, ()),
    ]
    assert policy.call(model.predict, 4) == 2
    assert model.calls == 4


def test_attaching_gives_the_default_levels_their_remedies(clock):
    workshop = Workshop()
    policy = RecoveryPolicy(clock=clock)
    policy.attach(**workshop.hooks())
    policy.call(Model(3).predict, 4)
    assert workshop.done == ["clear_related", "reload_model", "clear_caches", "rebuild"]


def test_attaching_leaves_levels_of_ones_own_alone():
    own = (RecoveryLevel("propio"),)
    policy = RecoveryPolicy(own, component="reglas")
    policy.attach(**Workshop().hooks())
    assert policy.levels == own
    assert policy.component == "reglas"


@pytest.mark.parametrize(
    ("error", "at_fault"),
    [
        (RuntimeError(), True),
        (ValueError(), True),
        (DeadlineExceeded("", seconds=1.0), True),
        (ConnectionError(), False),
        (TimeoutError(), False),
        (MemoryError(), False),
    ],
)
def test_the_model_is_reloaded_only_when_it_is_at_fault(clock, error, at_fault):
    workshop = Workshop()
    policy = RecoveryPolicy(workshop.levels(), clock=clock)
    policy.call(Model(2, lambda: error).predict, 4)
    assert model_at_fault(error) is at_fault
    assert ("reload_model" in workshop.done) is at_fault
    assert "clear_caches" in workshop.done


def test_who_is_at_fault_is_for_the_caller_to_say(clock):
    workshop = Workshop()
    levels = default_levels(**workshop.hooks(), model_at_fault=lambda error: "modelo" in str(error))
    RecoveryPolicy(levels, clock=clock).call(Model(2, lambda: OSError("el modelo no carga")).predict, 4)
    assert "reload_model" in workshop.done


def test_a_remedy_that_raises_ends_its_level_without_a_retry(clock, events):
    model = Model(1)
    after: list[Failure] = []

    def explode(_: Failure) -> None:
        raise OSError("no hay archivo")

    levels = [RecoveryLevel("rota", (explode, after.append)), RecoveryLevel("buena")]
    policy = RecoveryPolicy(levels, hooks=[events.append], clock=clock)
    assert policy.call(model.predict, 4) == 2
    assert told(events) == [("LEADER", "rota", "REMEDY_FAILED"), ("LEADER", "buena", "RECOVERED")]
    assert after == []
    assert model.calls == 2


def test_the_later_error_is_what_the_next_level_sees(clock):
    errors: Iterator[Exception] = iter([KeyError("a"), OSError("b")])
    seen: list[str] = []
    note = lambda failure: seen.append(type(failure.error).__name__)  # noqa: E731
    policy = RecoveryPolicy([RecoveryLevel("1", (note,)), RecoveryLevel("2", (note,))], clock=clock)
    policy.call(Model(2, lambda: next(errors)).predict, 4)
    assert seen == ["KeyError", "OSError"]


# What is never retried ----------------------------------------------------------------------------

NEVER = [
    InvalidRecord([FieldError("edad", "Debe ser un número", "tipo")]),
    InvalidFrame("faltan columnas", ["edad"]),
    Overloaded("llena"),
    Escalated("otra", component="otra", level="media"),
    CancelledError(),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("error", NEVER, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("attempt_timeout", [None, 1.0])
def test_some_errors_are_passed_on_at_once(clock, events, error, attempt_timeout):
    model, workshop = Model(1, lambda: error), Workshop()
    policy = RecoveryPolicy(
        workshop.levels(),
        never=(ZeroDivisionError,),
        fallback=lambda x: Answer("revisar"),
        attempt_timeout=attempt_timeout,
        hooks=[events.append],
        clock=clock,
    )
    with pytest.raises(type(error)) as caught:
        policy.call(model.predict, 4)
    assert caught.value is error
    assert (model.calls, workshop.done, events) == (1, [], [])


def test_an_error_of_that_kind_in_a_retry_is_passed_on_and_is_no_verdict(clock, events):
    errors: Iterator[Exception] = iter([RuntimeError(), InvalidRecord([])])
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    with pytest.raises(InvalidRecord):
        policy.call(Model(2, lambda: next(errors)).predict, 4)
    assert told(events) == [("LEADER", "rapida", "UNDECIDED")]
    assert policy.stats().attempts == 0


@pytest.mark.parametrize("attempt_timeout", [None, 1.0])
def test_leaving_the_interpreter_is_not_a_failure(clock, events, attempt_timeout):
    def leave() -> None:
        raise SystemExit(3)

    policy = RecoveryPolicy(hooks=[events.append], attempt_timeout=attempt_timeout, clock=clock)
    with pytest.raises(SystemExit):
        policy.call(leave)
    assert events == []


def test_leaving_the_interpreter_in_a_retry_releases_the_turn(clock, events):
    errors: Iterator[BaseException] = iter([RuntimeError(), SystemExit()])

    def leave() -> None:
        raise next(errors)

    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    with pytest.raises(SystemExit):
        policy.call(leave)
    assert told(events) == [("LEADER", "rapida", "UNDECIDED")]
    assert policy.call(Model(1).predict, 4) == 2
    assert told(events)[1:] == [("LEADER", "rapida", "RECOVERED")]


# Memory between calls -----------------------------------------------------------------------------


def late_call(policy: RecoveryPolicy, clock: Any) -> None:
    """Fail one level, with the deadline passing meanwhile."""

    def slow() -> None:
        clock.advance(policy_deadline)
        raise RuntimeError

    policy_deadline = 10.0
    with pytest.raises(DeadlineExceeded) as caught:
        policy.call(slow)
    assert isinstance(caught.value.__cause__, RuntimeError)


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


# Open, probing, closed ----------------------------------------------------------------------------


def opened(policy: RecoveryPolicy) -> None:
    with pytest.raises(Escalated):
        policy.call(Model(failures=float("inf")).predict, 4)
    assert policy.stats().state == "abierta"


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
    levels = [RecoveryLevel("cuelga", (lambda _: stuck.wait(),), PATIENCE), RecoveryLevel("buena")]
    policy = RecoveryPolicy(levels, hooks=[events.append], clock=clock)
    assert policy.call(Model(1).predict, 4) == 2
    assert told(events) == [("LEADER", "cuelga", "OVERRUN"), ("LEADER", "buena", "RECOVERED")]
    assert policy.stats().abandoned == 1


def test_the_deadline_of_the_call_caps_the_level(stuck, events):
    policy = RecoveryPolicy(
        [RecoveryLevel("larga", (), 3600.0), RecoveryLevel("otra")],
        deadline=0.2,
        attempt_timeout=PATIENCE,
        hooks=[events.append],
    )
    with pytest.raises(DeadlineExceeded) as caught:
        policy.call(stuck.wait)
    assert caught.value.seconds == 0.2
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
    policy = RecoveryPolicy(attempt_timeout=5.0)
    tenant = contextvars.ContextVar[str]("tenant")
    tenant.set("coop")
    assert policy.call(lambda x: (x, tenant.get()), 1) == (1, "coop")
    assert policy.call(Model(1).predict, 4) == 2


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
    policy = RecoveryPolicy(levels, deadline=1.0)

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
            assert isinstance(following.exception(timeout=10.0), DeadlineExceeded)
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


# What is told -------------------------------------------------------------------------------------


def test_an_event_is_frozen_and_goes_out_in_spanish(clock, events):
    policy = RecoveryPolicy(hooks=[events.append], clock=clock)
    policy.call(Model(1).predict, 4)
    (event,) = events
    with pytest.raises(AttributeError):
        event.level = "otra"
    assert msgspec.to_builtins(event) == {
        "componente": "modelo",
        "error": "RuntimeError",
        "papel": "lider",
        "nivel": "rapida",
        "resultado": "recuperado",
        "generacion": 0,
        "segundos": 0.0,
        "abre": False,
    }


def test_neither_events_nor_logs_nor_texts_hold_anything_of_the_record(clock, events, caplog):
    secret = "1712345678"

    def leaky(cedula: str) -> None:
        raise ValueError(f"cédula {cedula}")

    seen: list[Failure] = []
    policy = RecoveryPolicy(
        [RecoveryLevel("una", (seen.append,))], hooks=[events.append, log_event], clock=clock
    )
    with caplog.at_level(logging.INFO), pytest.raises(Escalated) as caught:
        policy.call(leaky, secret)
    assert secret not in repr(events) + caplog.text + str(caught.value) + repr(seen) + repr(policy.stats())
    assert seen[0].args == (secret,)


def test_by_default_events_go_to_the_log(clock, caplog):
    policy = RecoveryPolicy(clock=clock)
    with caplog.at_level(logging.INFO, logger="morosidad.recovery"):
        policy.call(Model(1).predict, 4)
        opened(policy)
    assert [r.levelname for r in caplog.records] == ["INFO", "WARNING", "WARNING", "ERROR"]
    assert caplog.messages[0] == "recuperación de modelo, nivel rapida: recuperado (RuntimeError, 0.000 s)"
    assert caplog.messages[-1].endswith("; escalado")


def test_a_hook_that_raises_is_logged_and_disturbs_nobody(clock, events, caplog):
    def broken(event: RecoveryEvent) -> None:
        raise ArithmeticError("gancho")

    policy = RecoveryPolicy(hooks=[broken, events.append], clock=clock)
    assert policy.call(Model(1).predict, 4) == 2
    assert told(events) == [("LEADER", "rapida", "RECOVERED")]
    assert "a recovery hook failed" in caplog.text


def test_the_counts_add_up(clock):
    policy = RecoveryPolicy(clock=clock)
    policy.call(Model(2).predict, 4)
    opened(policy)
    stats = policy.stats()
    assert stats.outcomes == {
        **dict.fromkeys(RecoveryOutcome, 0),
        RecoveryOutcome.RECOVERED: 1,
        RecoveryOutcome.FAILED: 4,
    }
    assert (stats.opened, stats.gave_up, stats.degraded, stats.generation) == (1, 1, 0, 5)
    assert stats.budget == 15.0
    assert msgspec.to_builtins(stats)["estado"] == "abierta"


class Record:
    """Something that can be seen to be gone."""


@pytest.mark.parametrize("failures", [1, float("inf")])
@pytest.mark.parametrize("fallback", [None, lambda record: Answer("revisar"), lambda record: record.nothing])
@pytest.mark.parametrize("attempt_timeout", [None, 5.0])
def test_a_record_is_not_kept_once_its_call_is_over(clock, failures, fallback, attempt_timeout):
    model = Model(failures)
    policy = RecoveryPolicy(
        Workshop().levels(), fallback=fallback, attempt_timeout=attempt_timeout, hooks=(), clock=clock
    )
    record = Record()
    alive = weakref.ref(record)

    def score(record: Record) -> float:
        return model.predict(4)

    gc.collect()
    gc.disable()
    try:
        with suppress(Escalated):
            policy.call(score, record)
        del record
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"deadline": 0}, ["deadline"]),
        ({"deadline": float("nan"), "decay": -1, "retry_budget": 0}, ["deadline", "decay", "retry_budget"]),
        ({"attempt_timeout": float("inf"), "reset_after": 0}, ["attempt_timeout", "reset_after"]),
        ({"budget_window": 0, "max_threads": 0}, ["budget_window", "max_threads"]),
        ({"levels": []}, ["levels"]),
    ],
)
def test_wrong_arguments_are_all_named_at_once(arguments, named):
    with pytest.raises(ValueError) as caught:
        RecoveryPolicy(**arguments)
    assert [part.split()[0] for part in str(caught.value).split("; ")] == named


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_a_level_needs_a_time_limit(timeout):
    with pytest.raises(ValueError, match="timeout"):
        RecoveryLevel("rapida", (), timeout)
