"""Events of recovery, one per attempt, their dispatch to hooks, and their counts."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeAlias

import msgspec

from morosidad.processes.forking import renew_after_fork

_logger = logging.getLogger("morosidad.recovery")


class Role(StrEnum):
    """The role of the caller that made an attempt."""

    LEADER = "lider"
    FOLLOWER = "seguidor"
    PROBE = "sonda"


class RecoveryOutcome(StrEnum):
    """The outcome of an attempt at recovery."""

    RECOVERED = "recuperado"
    FAILED = "fallido"
    REMEDY_FAILED = "remedio_fallido"
    OVERRUN = "fuera_de_plazo"
    OVER_BUDGET = "sin_presupuesto"
    UNDECIDED = "sin_veredicto"


class RecoveryEvent(msgspec.Struct, frozen=True):
    """One attempt at recovery. It holds nothing of the record and nothing of the error's message.

    Attributes
    ----------
    component : str
        The policy's component; with `error`, it identifies the fault.
    error : str
        The type of the error that called for the attempt; for a probe, of the error that it met, if any.
    role : Role
        A leader runs remedies and tries again, a follower tries again after a leader's success, a probe tries
        whether an open policy may close.
    level : str
        The level's name; ``""`` for a probe.
    outcome : RecoveryOutcome
        How it ended. `UNDECIDED`: it was cancelled, or raised an error that says nothing of the component.
    generation : int
        How many remedies had ended before.
    seconds : float
        How long it took.
    opened : bool
        Whether it opened the policy: the alert to page on.
    """

    component: str = msgspec.field(name="componente")
    error: str
    role: Role = msgspec.field(name="papel")
    level: str = msgspec.field(name="nivel")
    outcome: RecoveryOutcome = msgspec.field(name="resultado")
    generation: int = msgspec.field(name="generacion")
    seconds: float = msgspec.field(name="segundos")
    opened: bool = msgspec.field(name="abre", default=False)


Hook: TypeAlias = Callable[[RecoveryEvent], object]


def _severity(event: RecoveryEvent) -> int:
    if event.opened:
        return logging.ERROR
    return logging.INFO if event.outcome is RecoveryOutcome.RECOVERED else logging.WARNING


def log_event(event: RecoveryEvent) -> None:
    """Log an event to ``morosidad.recovery``: ERROR when it opens, INFO when recovered, else WARNING.

    Parameters
    ----------
    event : RecoveryEvent
        The event.

    Returns
    -------
    None
    """
    _logger.log(
        _severity(event),
        "recovery of %s, level %s: %s (%s, %.3f s)%s",
        event.component,
        event.level or event.role,
        event.outcome,
        event.error or "no error",
        event.seconds,
        "; escalated" if event.opened else "",
    )


class RecoveryStats(msgspec.Struct, frozen=True):
    """A policy's counts since it was made, and its state now.

    Attributes
    ----------
    state : str
        ``cerrada`` (calls pass), ``abierta`` (calls are refused) or ``probando`` (one call tries).
    attempts : int
        Failed levels that count at present.
    generation : int
        Remedies that have ended.
    budget : float
        Levels that may still be run, of the budget.
    outcomes : dict
        Attempts at recovery by `RecoveryOutcome`.
    opened, gave_up, degraded : int
        Times the policy opened; calls on which recovery gave up; those of them that the fallback answered.
    threads, abandoned, abandoned_ever : int
        Threads alive, those of them left behind with work that overran, and how many ever were.
    """

    state: str = msgspec.field(name="estado")
    attempts: int = msgspec.field(name="intentos")
    generation: int = msgspec.field(name="generacion")
    budget: float = msgspec.field(name="presupuesto")
    outcomes: dict[RecoveryOutcome, int] = msgspec.field(name="resultados")
    opened: int = msgspec.field(name="aperturas")
    gave_up: int = msgspec.field(name="renuncias")
    degraded: int = msgspec.field(name="degradadas")
    threads: int = msgspec.field(name="hilos")
    abandoned: int = msgspec.field(name="hilos_abandonados")
    abandoned_ever: int = msgspec.field(name="hilos_abandonados_total")


class EventDispatcher:
    """Counts events and passes them to the hooks; a hook that raises is logged and does no other harm."""

    def __init__(self, hooks: Iterable[Hook]) -> None:
        self._hooks = tuple(hooks)
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Count from nothing: a child's counts are its own."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def dispatch(self, event: RecoveryEvent) -> None:
        """Count an event and call the hooks with it."""
        self.count(event.outcome, *(("opened",) if event.opened else ()))
        for hook in self._hooks:
            try:
                hook(event)
            except Exception:
                _logger.exception("a recovery hook failed")

    def count(self, *names: str) -> None:
        """Add one to each count."""
        with self._lock:
            self._counts.update(names)

    def counts(self) -> Counter[str]:
        """Return the counts so far."""
        with self._lock:
            return self._counts.copy()
