"""The climb from a failed call up the levels, written once for threads and for tasks.

A climb is a generator: it yields what to wait for and is sent the reply. So it knows nothing of how one
waits, and closing it, as a cancelled call does, puts everything in order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias

import msgspec

from morosidad.errors import DeadlineExceeded, Escalated, TransientError
from morosidad.recovery.breaker import Again, Breaker, Follow, Lead, Refused, Turn
from morosidad.recovery.events import Journal, Outcome, RecoveryEvent, Role
from morosidad.recovery.guard import Guard
from morosidad.recovery.levels import Failure, Level


class Wait(NamedTuple):
    """Wait for a future, until a time; there is no reply."""

    future: Future[Any]
    until: float


class Try(NamedTuple):
    """Call the function, until a time; the reply is its value or its error.

    Threads do so on the guard, or, without one, in their own thread, where nothing can stop it.
    """

    until: float
    guard: Guard | None


Reply: TypeAlias = tuple[Any, Exception | None]
Course: TypeAlias = Generator[Wait | Try, Any, tuple[Any, TransientError | None]]
_Attempt: TypeAlias = Generator[Wait | Try, Any, Reply]


class Climber(msgspec.Struct, eq=False):
    """What every climb of one policy needs.

    A course ends with a value, or with the error with which recovery gives up; an error that recovery has no
    business with is raised.
    """

    component: str
    levels: tuple[Level, ...]
    never: tuple[type[Exception], ...]
    deadline: float
    attempt_timeout: float | None
    breaker: Breaker
    guard: Guard
    first_guard: Guard | None
    journal: Journal
    clock: Callable[[], float]

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Course:
        """Make the first attempt and, if it fails, climb."""
        started, seen = self.clock(), self.breaker.generation
        admitted = self.breaker.admit(started, self.deadline)
        if isinstance(admitted, Refused):
            return None, self._escalated(admitted)
        if admitted:
            return (yield from self._probe(started, seen))
        patience = self.deadline if self.attempt_timeout is None else min(self.attempt_timeout, self.deadline)
        guard = self.first_guard
        if guard is not None and guard.exhausted() and self.breaker.mended():
            guard = self.guard  # the model was mended, but the threads that it held may never come back
        value, error = yield Try(started + patience, guard)
        if error is None:
            self.breaker.succeeded(seen)
            return value, None
        if isinstance(error, self.never):
            raise error
        return (yield from self.climb(Failure(self.component, error, args, kwargs), started, seen))

    def climb(self, failure: Failure, started: float, seen: int) -> Course:
        """Take level after level, as leader or as follower, until one helps or nothing is left."""
        limit, floor = started + self.deadline, 0
        now = self.clock()
        if now >= limit and self.breaker.forfeit(seen, now):
            self._tell(Role.LEADER, "", Outcome.OVERRUN, failure.error, seen, 0.0, opened=True)
        while now < limit:
            move = self.breaker.decide(seen, floor, now)
            if isinstance(move, Refused):
                return None, self._refused(move, failure.error, seen)
            if isinstance(move, Follow):
                yield Wait(move.turn.done, min(limit, move.turn.expires))
            else:
                if isinstance(move, Lead):
                    value, error = yield from self._lead(move.turn, failure, limit)
                else:
                    value, error = yield from self._retry(move, failure, limit)
                if error is None:
                    return value, None
                if isinstance(error, self.never):
                    raise error
                failure = Failure(self.component, error, failure.args, failure.kwargs)
                seen, floor = move.after, move.level + 1
            now = self.clock()
        late = DeadlineExceeded(f"{self.component}: no answer in {self.deadline:g} s", seconds=self.deadline)
        late.__cause__ = failure.error
        return None, late

    def _probe(self, started: float, generation: int) -> Course:
        """Be the one call that tries whether an open breaker may close."""
        outcome = Outcome.UNDECIDED
        error: Exception | None = None
        try:
            value, error = yield Try(started + self.deadline, self.guard)
            outcome = self._judge(error)
        finally:
            now = self.clock()
            self.breaker.probed(None if outcome is Outcome.UNDECIDED else outcome is Outcome.RECOVERED, now)
            self._tell(Role.PROBE, "", outcome, error, generation, now - started)
        if error is None:
            return value, None
        if isinstance(error, self.never):
            raise error
        return None, self._escalated(Refused(self.breaker.reset_after, -1), error)

    def _lead(self, turn: Turn, failure: Failure, limit: float) -> _Attempt:
        """Run the remedies of a level for everybody, and prove them with this call's own retry."""
        level, began = self.levels[turn.level], self.clock()
        until = min(limit, turn.expires)
        value, error, outcome, opened = None, failure.error, Outcome.UNDECIDED, False
        remedy = self.guard.submit(level.apply, failure) if level.remedies else None
        try:
            broken = None
            if remedy is not None:
                yield Wait(remedy, until)
                broken = self.guard.collect(remedy, until - began)
            if broken is None:
                value, error = yield Try(until, self.guard)
                outcome = self._judge(error)
            else:
                outcome = Outcome.OVERRUN if isinstance(broken, DeadlineExceeded) else Outcome.REMEDY_FAILED
        finally:
            now = self.clock()
            if outcome is not Outcome.UNDECIDED:
                opened = self.breaker.finish(turn, outcome is Outcome.RECOVERED, now)
            else:
                self._leave(turn, remedy)
            self._tell(
                Role.LEADER, level.name, outcome, failure.error, turn.generation, now - began, opened=opened
            )
        return value, error

    def _leave(self, turn: Turn, remedy: Future[None] | None) -> None:
        """End a turn without a verdict; a remedy that still runs ends it when it is done."""
        if remedy is None:
            self.breaker.release(turn)
        else:
            self.guard.abandon(remedy)
            remedy.add_done_callback(lambda _: self.breaker.release(turn))

    def _retry(self, again: Again, failure: Failure, limit: float) -> _Attempt:
        """Try again after somebody else's remedy."""
        began, name = self.clock(), self._name(again.level)
        until = min(limit, began + self.levels[again.level].timeout) if name else limit
        outcome = Outcome.UNDECIDED
        try:
            value, error = yield Try(until, self.guard)
            outcome = self._judge(error)
        finally:
            self._tell(Role.FOLLOWER, name, outcome, failure.error, again.after, self.clock() - began)
        return value, error

    def _judge(self, error: Exception | None) -> Outcome:
        if error is None:
            return Outcome.RECOVERED
        if isinstance(error, self.never):
            return Outcome.UNDECIDED
        return Outcome.OVERRUN if isinstance(error, DeadlineExceeded) else Outcome.FAILED

    def _name(self, level: int) -> str:
        return self.levels[level].name if level >= 0 else ""

    def _refused(self, refused: Refused, error: Exception, seen: int) -> Escalated:
        """Turn a refusal into an error, and tell if it opened the breaker."""
        if refused.opened:
            outcome = Outcome.OVER_BUDGET if refused.spent else Outcome.OVERRUN
            self._tell(Role.LEADER, self._name(refused.level), outcome, error, seen, 0.0, opened=True)
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

    def _tell(
        self,
        role: Role,
        level: str,
        outcome: Outcome,
        error: Exception | None,
        generation: int,
        seconds: float,
        *,
        opened: bool = False,
    ) -> None:
        kind = "" if error is None else type(error).__name__
        self.journal.tell(
            RecoveryEvent(self.component, kind, role, level, outcome, generation, seconds, opened)
        )
