"""The circuit breaker of a recovery policy, with leader election and a token-bucket retry budget.

A state machine: nothing here waits, runs a remedy or reads a clock. Every method takes the time and returns
what to do next, so that threads and tasks share one state and tests need no time at all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal, NamedTuple, TypeAlias

from morosidad.processes.forking import renew_after_fork


class LevelRun:
    """The run of one level by one leader; followers wait for `done`."""

    __slots__ = ("done", "expires", "generation", "level")

    def __init__(self, level: int, expires: float, generation: int) -> None:
        self.level: int = level
        self.expires: float = expires
        self.generation: int = generation
        self.done: Future[None] = Future()
        self.done.set_running_or_notify_cancel()  # so that no single waiter can cancel it for the others


class Lead(NamedTuple):
    """The call leads: it runs the level's remedies, tries again, then calls `CircuitBreaker.finish`."""

    run: LevelRun

    @property
    def level(self) -> int:
        """The level to run."""
        return self.run.level

    @property
    def after(self) -> int:
        """The generation that it ends in."""
        return self.run.generation + 1


class Follow(NamedTuple):
    """Another call leads: wait for its run and ask again."""

    run: LevelRun


class Retry(NamedTuple):
    """A remedy of this level succeeded after the attempt began: try again without another."""

    level: int
    after: int


class Refused(NamedTuple):
    """No more attempts.

    Seconds to wait where the breaker is open, the last level (-1: none), whether it opened just now, and
    whether that was because the retry budget is used up.
    """

    retry_after: float | None
    level: int
    opened: bool = False
    spent: bool = False


NextAction: TypeAlias = Lead | Follow | Retry | Refused
BreakerState: TypeAlias = Literal["cerrada", "abierta", "probando"]


class CircuitBreaker:
    """The circuit breaker of one component, shared by all its calls.

    A *run* is one leader at one level. When it ends, the *generation* grows by one: a call that failed under
    an older generation needs no other remedy if the last one succeeded. Failed runs add up in *attempts* and
    decay; as many as there are levels open the breaker, and so does an empty retry budget.

    Parameters
    ----------
    limits : sequence of float
        The time limit of each level, in seconds, first level first.
    decay : float
        Seconds without a failed run after which one attempt is forgotten.
    budget, budget_window : int, float
        Runs allowed per that many seconds, as a token bucket that refills evenly.
    reset_after : float
        Seconds that the breaker stays open before it lets a probe through.
    """

    def __init__(
        self, limits: Sequence[float], *, decay: float, budget: int, budget_window: float, reset_after: float
    ) -> None:
        self.healthy: bool = True  # closed, no failed attempt: a call that succeeds changes no state
        self.generation: int = 0
        self._limits = tuple(limits)
        self._decay = decay
        self._budget = float(budget)
        self._refill = budget / budget_window
        self.reset_after = reset_after
        self._last_level = -1
        self._last_proven = False
        self._attempts = 0
        self._failed_at = 0.0
        self._tokens = float(budget)
        self._tokens_at = 0.0
        self._open_until: float | None = None
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Forget the run and the probe under way: in a forked child they are the parent's."""
        self._lock = threading.Lock()
        self._run: LevelRun | None = None
        self._probing = False

    def next_action(self, seen: int, lowest: int, now: float) -> NextAction:
        """Return what a failed call does next.

        Parameters
        ----------
        seen : int
            The generation under which its last attempt began.
        lowest : int
            The lowest level that it has not tried yet itself.
        now : float
            The time, in seconds.

        Returns
        -------
        Lead, Follow, Retry or Refused
            What to do.
        """
        with self._lock:
            opened = False
            if self._run is not None and now >= self._run.expires:
                opened = self._end(self._run, False, now)  # its leader is stuck: don't wait any longer
            if self._open_until is not None:
                return Refused(max(0.0, self._open_until - now), self._last_level, opened)
            if self._run is not None:
                return Follow(self._run)
            if seen != self.generation and self._last_proven:
                return Retry(self._last_level, self.generation)
            self._decay_attempts(now)
            level = max(self._attempts, lowest)
            if level >= len(self._limits):
                return Refused(None, len(self._limits) - 1)
            if not self._take_token(now):
                self._open(now)
                return Refused(self.reset_after, self._last_level, opened=True, spent=True)
            self._run = LevelRun(level, now + self._limits[level], self.generation)
            return Lead(self._run)

    def finish(self, run: LevelRun, proven: bool, now: float) -> bool:
        """End a run, proven by a retry that succeeded or not; return whether this opened the breaker."""
        with self._lock:
            return self._run is run and self._end(run, proven, now)

    def release(self, run: LevelRun) -> None:
        """End a run whose leader left without an outcome: those who wait try again for themselves."""
        with self._lock:
            if self._run is run:
                self._close_run(run, True)

    def count_overrun(self, seen: int, now: float) -> bool:
        """Count a call that passed its deadline before any level ran, once per generation."""
        with self._lock:
            if self._run is not None or self._open_until is not None or seen != self.generation:
                return False
            self._decay_attempts(now)
            return self._end(LevelRun(self._attempts, now, self.generation), False, now)

    def succeeded(self, seen: int) -> None:
        """Reset the attempts, if the call that succeeded began after the last remedy."""
        with self._lock:
            if self._open_until is None and seen == self.generation:
                self._attempts = 0
                self._update_healthy()

    @property
    def idle(self) -> bool:
        """Whether the breaker is healthy and no run is under way."""
        return self.healthy and self._run is None

    def last_remedy_worked(self) -> bool:
        """Return whether the last remedy succeeded and nothing failed since."""
        with self._lock:
            return self.healthy and self._run is None and self._last_proven

    def admit(self, now: float, lease: float) -> bool | Refused:
        """Admit a call while closed; while half-open, True makes it the probe, with `lease` seconds."""
        with self._lock:
            if self._open_until is None:
                return False
            if now < self._open_until:
                return Refused(self._open_until - now, self._last_level)
            self._open_until = now + lease
            self._probing = True
            return True

    def finish_probe(self, healthy: bool | None, now: float) -> None:
        """Take the probe's outcome; None means that there is none, and the next call probes again."""
        with self._lock:
            self._probing = False
            if healthy:
                self._open_until = None
                self._attempts = 0
                self.generation += 1
                self._last_level, self._last_proven = -1, True  # no level repaired it
            elif self._open_until is not None:
                self._open_until = now if healthy is None else now + self.reset_after
            self._update_healthy()

    def state(self, now: float) -> tuple[BreakerState, int, float]:
        """Return the state, the attempts that count and the runs left in the budget."""
        with self._lock:
            self._decay_attempts(now)
            self._refill_budget(now)
            name: BreakerState = (
                "cerrada" if self._open_until is None else "probando" if self._probing else "abierta"
            )
            return name, self._attempts, self._tokens

    def _end(self, run: LevelRun, proven: bool, now: float) -> bool:
        if proven:
            self._attempts = 0
        else:
            self._attempts += 1
            self._failed_at = now
        opened = self._attempts >= len(self._limits)
        if opened:
            self._open(now)
        self._update_healthy()
        self._close_run(run, proven)
        return opened

    def _close_run(self, run: LevelRun, proven: bool) -> None:
        self._run = None
        self.generation += 1
        self._last_level, self._last_proven = run.level, proven
        run.done.set_result(None)

    def _open(self, now: float) -> None:
        self._open_until = now + self.reset_after
        self._update_healthy()

    def _update_healthy(self) -> None:
        self.healthy = self._open_until is None and self._attempts == 0

    def _decay_attempts(self, now: float) -> None:
        steps = int((now - self._failed_at) / self._decay)
        if self._attempts and steps > 0 and self._open_until is None:
            self._attempts = max(0, self._attempts - steps)
            self._failed_at += steps * self._decay
            self._update_healthy()

    def _refill_budget(self, now: float) -> None:
        self._tokens = min(self._budget, self._tokens + (now - self._tokens_at) * self._refill)
        self._tokens_at = now

    def _take_token(self, now: float) -> bool:
        self._refill_budget(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
