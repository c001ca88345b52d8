"""Events, statistics and logs of a RecoveryPolicy, and the arguments that it refuses."""

from __future__ import annotations

import gc
import logging
import weakref
from contextlib import suppress

import msgspec
import pytest

from helpers.recovery import Answer, Model, Workshop, opened, told
from morosidad.errors import Escalated
from morosidad.recovery import (
    Failure,
    RecoveryEvent,
    RecoveryLevel,
    RecoveryOutcome,
    RecoveryPolicy,
    log_event,
)

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
    assert caplog.messages[0] == "recovery of modelo, level rapida: recuperado (RuntimeError, 0.000 s)"
    assert caplog.messages[-1].endswith("; escalated")


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
