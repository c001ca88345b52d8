"""Helpers of the tests of recovery: a model that fails, and the remedies that repair it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from morosidad.errors import DeadlineExceeded, Escalated
from morosidad.recovery import (
    RecoveryEvent,
    RecoveryLevel,
    RecoveryPolicy,
    default_levels,
)

CALLERS = 50
PATIENCE = 0.5  # real seconds for what hangs: long enough for a busy machine to start a thread


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


def told(events: list[RecoveryEvent]) -> list[tuple[str, str, str]]:
    return [(e.role.name, e.level, e.outcome.name) for e in events]


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


# Open, probing, closed ----------------------------------------------------------------------------


def opened(policy: RecoveryPolicy) -> None:
    with pytest.raises(Escalated):
        policy.call(Model(failures=float("inf")).predict, 4)
    assert policy.stats().state == "abierta"
