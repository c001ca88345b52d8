"""RecoveryPolicy from threads: a call that succeeds, the levels, and errors that are never retried."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from helpers.recovery import Answer, Model, Workshop, told
from morosidad.errors import DeadlineExceeded, Escalated, FieldError, InvalidFrame, InvalidRecord, Overloaded
from morosidad.recovery import (
    Failure,
    RecoveryLevel,
    RecoveryPolicy,
    default_levels,
    model_at_fault,
)

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
