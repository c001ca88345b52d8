"""Escalation of a failed call through the recovery levels, written once for threads and for tasks.

An escalation is a generator: it yields what to wait for and is sent the reply. So it does not depend on how
the caller waits, and closing it, as a cancelled call does, releases what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias

import msgspec

from morosidad.errors import DeadlineExceeded, Escalated, TransientError
from morosidad.recovery.bulkhead import Bulkhead
from morosidad.recovery.circuit_breaker import CircuitBreaker, Follow, Lead, LevelRun, Refused, Retry
from morosidad.recovery.events import EventDispatcher, RecoveryEvent, RecoveryOutcome, Role
from morosidad.recovery.levels import Failure, RecoveryLevel


class Wait(NamedTuple):
    """Wait for a future, until a time; there is no reply."""

    future: Future[Any]
    until: float


class Try(NamedTuple):
    """Call the function, until a time; the reply is its value or its error.

    Synchronous callers do so on the bulkhead or, without one, in their own thread, where nothing can stop it.
    """

    until: float
    bulkhead: Bulkhead | None


AttemptReply: TypeAlias = tuple[Any, Exception | None]
EscalationSteps: TypeAlias = Generator[Wait | Try, Any, tuple[Any, TransientError | None]]
_Attempt: TypeAlias = Generator[Wait | Try, Any, AttemptReply]


class Escalation(msgspec.Struct, eq=False):
    """The escalation of one policy: its levels, time limits and shared state.

    Its generators end with a value, or with the error with which recovery gives up; an error of the types in
    `never` is raised.
    """

    component: str
    levels: tuple[RecoveryLevel, ...]
    never: tuple[type[Exception], ...]
    deadline: float
    attempt_timeout: float | None
    breaker: CircuitBreaker
    bulkhead: Bulkhead
    first_attempt_bulkhead: Bulkhead | None
    events: EventDispatcher
    clock: Callable[[], float]

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> EscalationSteps:
        """Make the first attempt and, if it fails, escalate.

        Parameters
        ----------
        args, kwargs : tuple, mapping
            Arguments of the function.

        Returns
        -------
        generator
            Yields `Wait` and `Try`, ends with the value or the error with which recovery gives up.
        """
        started, seen = self.clock(), self.breaker.generation
        admitted = self.breaker.admit(started, self.deadline)
        if isinstance(admitted, Refused):
            return None, self._escalated(admitted)
        if admitted:
            return (yield from self._probe(started, seen))
        seconds = self.deadline if self.attempt_timeout is None else min(self.attempt_timeout, self.deadline)
        bulkhead = self.first_attempt_bulkhead
        if bulkhead is not None and bulkhead.exhausted() and self.breaker.last_remedy_worked():
            bulkhead = self.bulkhead  # the model was repaired, but the threads that it held may never return
        value, error = yield Try(started + seconds, bulkhead)
        if error is None:
            self.breaker.succeeded(seen)
            return value, None
        if isinstance(error, self.never):
            raise error
        return (yield from self.escalate(Failure(self.component, error, args, kwargs), started, seen))

    def escalate(self, failure: Failure, started: float, seen: int) -> EscalationSteps:
        """Run level after level, as leader or as follower, until one succeeds or none is left.

        Parameters
        ----------
        failure : Failure
            The failed first attempt.
        started : float
            When that began, in seconds.
        seen : int
            The breaker's generation under which it began.

        Returns
        -------
        generator
            As `begin`.
        """
        limit, lowest = started + self.deadline, 0
        now = self.clock()
        if now >= limit and self.breaker.count_overrun(seen, now):
            self._emit(Role.LEADER, "", RecoveryOutcome.OVERRUN, failure.error, seen, 0.0, opened=True)
        while now < limit:
            action = self.breaker.next_action(seen, lowest, now)
            if isinstance(action, Refused):
                return None, self._refused(action, failure.error, seen)
            if isinstance(action, Follow):
                yield Wait(action.run.done, min(limit, action.run.expires))
            else:
                if isinstance(action, Lead):
                    value, error = yield from self._lead(action.run, failure, limit)
                else:
                    value, error = yield from self._retry(action, failure, limit)
                if error is None:
                    return value, None
                if isinstance(error, self.never):
                    raise error
                failure = Failure(self.component, error, failure.args, failure.kwargs)
                seen, lowest = action.after, action.level + 1
            now = self.clock()
        late = DeadlineExceeded(f"{self.component}: no answer in {self.deadline:g} s", seconds=self.deadline)
        late.__cause__ = failure.error
        return None, late

    def _probe(self, started: float, generation: int) -> EscalationSteps:
        """Make the one attempt that decides whether an open breaker closes."""
        outcome = RecoveryOutcome.UNDECIDED
        error: Exception | None = None
        try:
            value, error = yield Try(started + self.deadline, self.bulkhead)
            outcome = self._outcome_of(error)
        finally:
            now = self.clock()
            self.breaker.finish_probe(
                None if outcome is RecoveryOutcome.UNDECIDED else outcome is RecoveryOutcome.RECOVERED, now
            )
            self._emit(Role.PROBE, "", outcome, error, generation, now - started)
        if error is None:
            return value, None
        if isinstance(error, self.never):
            raise error
        return None, self._escalated(Refused(self.breaker.reset_after, -1), error)

    def _lead(self, run: LevelRun, failure: Failure, limit: float) -> _Attempt:
        """Run the remedies of a level for all callers, and prove them with this call's own retry."""
        level, began = self.levels[run.level], self.clock()
        until = min(limit, run.expires)
        value, error, outcome, opened = None, failure.error, RecoveryOutcome.UNDECIDED, False
        remedy = self.bulkhead.submit(level.apply, failure) if level.remedies else None
        try:
            broken = None
            if remedy is not None:
                yield Wait(remedy, until)
                broken = self.bulkhead.collect(remedy, until - began)
            if broken is None:
                value, error = yield Try(until, self.bulkhead)
                outcome = self._outcome_of(error)
            else:
                outcome = (
                    RecoveryOutcome.OVERRUN
                    if isinstance(broken, DeadlineExceeded)
                    else RecoveryOutcome.REMEDY_FAILED
                )
        finally:
            now = self.clock()
            if outcome is not RecoveryOutcome.UNDECIDED:
                opened = self.breaker.finish(run, outcome is RecoveryOutcome.RECOVERED, now)
            else:
                self._end_without_outcome(run, remedy)
            self._emit(
                Role.LEADER, level.name, outcome, failure.error, run.generation, now - began, opened=opened
            )
        return value, error

    def _end_without_outcome(self, run: LevelRun, remedy: Future[None] | None) -> None:
        """End a run without an outcome; a remedy that still runs ends it when it is done."""
        if remedy is None:
            self.breaker.release(run)
        else:
            self.bulkhead.abandon(remedy)
            remedy.add_done_callback(lambda _: self.breaker.release(run))

    def _retry(self, retry: Retry, failure: Failure, limit: float) -> _Attempt:
        """Try again after another call's remedy."""
        began, name = self.clock(), self._name(retry.level)
        until = min(limit, began + self.levels[retry.level].timeout) if name else limit
        outcome = RecoveryOutcome.UNDECIDED
        try:
            value, error = yield Try(until, self.bulkhead)
            outcome = self._outcome_of(error)
        finally:
            self._emit(Role.FOLLOWER, name, outcome, failure.error, retry.after, self.clock() - began)
        return value, error

    def _outcome_of(self, error: Exception | None) -> RecoveryOutcome:
        if error is None:
            return RecoveryOutcome.RECOVERED
        if isinstance(error, self.never):
            return RecoveryOutcome.UNDECIDED
        return RecoveryOutcome.OVERRUN if isinstance(error, DeadlineExceeded) else RecoveryOutcome.FAILED

    def _name(self, level: int) -> str:
        return self.levels[level].name if level >= 0 else ""

    def _refused(self, refused: Refused, error: Exception, seen: int) -> Escalated:
        """LevelRun a refusal into an error, and dispatch if it opened the breaker."""
        if refused.opened:
            outcome = RecoveryOutcome.OVER_BUDGET if refused.spent else RecoveryOutcome.OVERRUN
            self._emit(Role.LEADER, self._name(refused.level), outcome, error, seen, 0.0, opened=True)
        return self._escalated(refused, error)

    def _escalated(self, refused: Refused, error: Exception | None = None) -> Escalated:
        level = self._name(refused.level)
        escalated = Escalated(
            f"{self.component}: recovery gave up" + (f" at level {level}" if level else ""),
            component=self.component,
            level=level,
            retry_after=refused.retry_after,
        )
        escalated.__cause__ = error
        return escalated

    def _emit(
        self,
        role: Role,
        level: str,
        outcome: RecoveryOutcome,
        error: Exception | None,
        generation: int,
        seconds: float,
        *,
        opened: bool = False,
    ) -> None:
        kind = "" if error is None else type(error).__name__
        self.events.dispatch(
            RecoveryEvent(self.component, kind, role, level, outcome, generation, seconds, opened)
        )
