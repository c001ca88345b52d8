"""What a recovery policy remembers between calls: whose turn it is, what was tried, and whether it is open.

Nothing here waits, runs a remedy or reads a clock: every method takes the time and returns what to do next,
so that threads and tasks share one memory and tests need no time at all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal, NamedTuple, TypeAlias


class Turn:
    """One leader's go at one level; whoever waits for it waits for `done`."""

    __slots__ = ("done", "expires", "generation", "level")

    def __init__(self, level: int, expires: float, generation: int) -> None:
        self.level: int = level
        self.expires: float = expires
        self.generation: int = generation
        self.done: Future[None] = Future()
        self.done.set_running_or_notify_cancel()  # so that no single waiter can cancel it for the others


class Lead(NamedTuple):
    """Run the remedies of this turn's level, try again, then `Breaker.finish` the turn."""

    turn: Turn

    @property
    def level(self) -> int:
        """The level to run."""
        return self.turn.level

    @property
    def after(self) -> int:
        """The generation that it ends in."""
        return self.turn.generation + 1


class Follow(NamedTuple):
    """Somebody leads: wait for the turn and ask again."""

    turn: Turn


class Again(NamedTuple):
    """A remedy of this level was proven after the attempt began: try again without another."""

    level: int
    after: int


class Refused(NamedTuple):
    """No more tries.

    Seconds to wait where the breaker is open, the last level (-1: none), whether it opened just now, and
    whether that was for want of budget.
    """

    retry_after: float | None
    level: int
    opened: bool = False
    spent: bool = False


Move: TypeAlias = Lead | Follow | Again | Refused
State: TypeAlias = Literal["cerrada", "abierta", "probando"]


class Breaker:
    """The shared memory of one component's recovery.

    A *turn* is one leader at one level. When it ends, the *generation* grows by one: a call that failed under
    an older generation need not ask for another remedy if the last one was proven. Failed turns add up in
    *attempts* and decay; as many as there are levels open the breaker, and so does an empty budget.

    Parameters
    ----------
    limits : sequence of float
        The time limit of each level, in seconds, first level first.
    decay : float
        Seconds without a failed turn after which one attempt is forgotten.
    budget, budget_window : int, float
        Turns allowed per that many seconds; the allowance refills evenly.
    reset_after : float
        Seconds that the breaker stays open before it lets a probe through.
    """

    def __init__(
        self, limits: Sequence[float], *, decay: float, budget: int, budget_window: float, reset_after: float
    ) -> None:
        self.calm: bool = True  # closed with no attempt to forget: a call that succeeds needs no bookkeeping
        self.generation: int = 0
        self._limits = tuple(limits)
        self._decay = decay
        self._budget = float(budget)
        self._refill = budget / budget_window
        self.reset_after = reset_after
        self._lock = threading.Lock()
        self._turn: Turn | None = None
        self._last_level = -1
        self._last_proven = False
        self._attempts = 0
        self._failed_at = 0.0
        self._tokens = float(budget)
        self._tokens_at = 0.0
        self._open_until: float | None = None
        self._probing = False

    def decide(self, seen: int, floor: int, now: float) -> Move:
        """Tell a call that failed what to do next.

        Parameters
        ----------
        seen : int
            The generation under which its last attempt began.
        floor : int
            The lowest level that it has not tried yet itself.
        now : float
            The time, in seconds.
        """
        with self._lock:
            opened = False
            if self._turn is not None and now >= self._turn.expires:
                opened = self._end(self._turn, False, now)  # its leader is stuck: don't wait any longer
            if self._open_until is not None:
                return Refused(max(0.0, self._open_until - now), self._last_level, opened)
            if self._turn is not None:
                return Follow(self._turn)
            if seen != self.generation and self._last_proven:
                return Again(self._last_level, self.generation)
            self._forget(now)
            level = max(self._attempts, floor)
            if level >= len(self._limits):
                return Refused(None, len(self._limits) - 1)
            if not self._spend(now):
                self._open(now)
                return Refused(self.reset_after, self._last_level, opened=True, spent=True)
            self._turn = Turn(level, now + self._limits[level], self.generation)
            return Lead(self._turn)

    def finish(self, turn: Turn, proven: bool, now: float) -> bool:
        """End a turn, proven by a try that succeeded or not; tell whether this opened the breaker."""
        with self._lock:
            return self._turn is turn and self._end(turn, proven, now)

    def release(self, turn: Turn) -> None:
        """End a turn whose leader left without a verdict: those who wait try again for themselves."""
        with self._lock:
            if self._turn is turn:
                self._hand_on(turn, True)

    def forfeit(self, seen: int, now: float) -> bool:
        """Count a call that used up its time before anybody could lead, once per generation."""
        with self._lock:
            if self._turn is not None or self._open_until is not None or seen != self.generation:
                return False
            self._forget(now)
            return self._end(Turn(self._attempts, now, self.generation), False, now)

    def succeeded(self, seen: int) -> None:
        """Forget the attempts, if the call that succeeded began after the last remedy."""
        with self._lock:
            if self._open_until is None and seen == self.generation:
                self._attempts = 0
                self._settle()

    @property
    def idle(self) -> bool:
        """Whether all is calm and nobody's turn is under way."""
        return self.calm and self._turn is None

    def mended(self) -> bool:
        """Tell whether all is well since the last remedy."""
        with self._lock:
            return self.calm and self._turn is None and self._last_proven

    def admit(self, now: float, lease: float) -> bool | Refused:
        """Let a call in: True when it is the probe, which has `lease` seconds for itself."""
        with self._lock:
            if self._open_until is None:
                return False
            if now < self._open_until:
                return Refused(self._open_until - now, self._last_level)
            self._open_until = now + lease
            self._probing = True
            return True

    def probed(self, healthy: bool | None, now: float) -> None:
        """Take the probe's verdict; None is no verdict, and the next call probes again."""
        with self._lock:
            self._probing = False
            if healthy:
                self._open_until = None
                self._attempts = 0
                self.generation += 1
                self._last_level, self._last_proven = -1, True  # no level cured it
            elif self._open_until is not None:
                self._open_until = now if healthy is None else now + self.reset_after
            self._settle()

    def state(self, now: float) -> tuple[State, int, float]:
        """Tell the state, the attempts that count and the turns left in the budget."""
        with self._lock:
            self._forget(now)
            self._top_up(now)
            name: State = (
                "cerrada" if self._open_until is None else "probando" if self._probing else "abierta"
            )
            return name, self._attempts, self._tokens

    def _end(self, turn: Turn, proven: bool, now: float) -> bool:
        if proven:
            self._attempts = 0
        else:
            self._attempts += 1
            self._failed_at = now
        opened = self._attempts >= len(self._limits)
        if opened:
            self._open(now)
        self._settle()
        self._hand_on(turn, proven)
        return opened

    def _hand_on(self, turn: Turn, proven: bool) -> None:
        self._turn = None
        self.generation += 1
        self._last_level, self._last_proven = turn.level, proven
        turn.done.set_result(None)

    def _open(self, now: float) -> None:
        self._open_until = now + self.reset_after
        self._settle()

    def _settle(self) -> None:
        self.calm = self._open_until is None and self._attempts == 0

    def _forget(self, now: float) -> None:
        steps = int((now - self._failed_at) / self._decay)
        if self._attempts and steps > 0 and self._open_until is None:
            self._attempts = max(0, self._attempts - steps)
            self._failed_at += steps * self._decay
            self._settle()

    def _top_up(self, now: float) -> None:
        self._tokens = min(self._budget, self._tokens + (now - self._tokens_at) * self._refill)
        self._tokens_at = now

    def _spend(self, now: float) -> bool:
        self._top_up(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
