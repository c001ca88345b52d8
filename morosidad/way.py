"""The way of a record through the parts that a scorer was given: cache, recovery, figures, log.

A scorer without parts does not come by here; each part that is there costs its own and no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.compiler.pipeline import Row
from morosidad.decision import Decision
from morosidad.errors import DeadlineExceeded, InputError
from morosidad.model import Model
from morosidad.schema import Record

if TYPE_CHECKING:
    from morosidad.audit import AuditContext, AuditLog
    from morosidad.cache import TieredCache
    from morosidad.drift import DriftMonitor
    from morosidad.kpis import KPITracker
    from morosidad.recovery import Failure, RecoveryPolicy

Asked = tuple[Row, tuple[str, ...], str | None]
"""Values, warnings, request id."""

HIT = "acierto"
_SAMPLE_EVERY = 64
_MEMORY = 0.1
_MARGIN = 0.8


class CacheChoice:
    """Whether a lookup is cheaper than scoring, measured on one call in 64, with hysteresis.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.

    Attributes
    ----------
    use : bool
        Whether the cache is asked.
    lookup, scoring : float or None
        Seconds that each takes, as a moving mean.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.use = True
        self.lookup: float | None = None
        self.scoring: float | None = None
        self._calls = 0

    def due(self) -> bool:
        """Tell whether this call is one to measure."""
        self._calls += 1
        return self._calls % _SAMPLE_EVERY == 1

    def note(self, lookup: float, scoring: float) -> None:
        """Take one measurement of each, and choose."""
        self.lookup = _mean(self.lookup, lookup)
        self.scoring = _mean(self.scoring, scoring)
        limit = self.scoring if self.use else self.scoring * _MARGIN
        self.use = self.lookup < limit

    def __str__(self) -> str:
        if self.lookup is None or self.scoring is None:
            return "in use, not measured yet"
        costs = f"a lookup takes {self.lookup * 1e6:.1f} µs, scoring {self.scoring * 1e6:.1f} µs"
        return f"{'in use' if self.use else 'stands aside'}: {costs}"


class Way:
    """Decides with one model and the parts around it.

    Parameters
    ----------
    model : Model
        Who decides; `swap` puts another in its place.
    cache, kpis, recovery, audit, drift : optional
        The parts.
    choice : CacheChoice, optional
        Lets the cache step aside where it does not pay.
    renew : callable, optional
        Loads the model anew and swaps it; recovery calls it when the model is at fault.
    """

    def __init__(
        self,
        model: Model,
        *,
        cache: TieredCache[Any, Any] | None = None,
        kpis: KPITracker | None = None,
        recovery: RecoveryPolicy | None = None,
        audit: AuditLog | None = None,
        drift: DriftMonitor | None = None,
        choice: CacheChoice | None = None,
        renew: Callable[[], object] | None = None,
    ) -> None:
        self.cache = cache
        self.kpis = kpis
        self.recovery = recovery
        self.audit = audit
        self.drift = drift
        self.choice = choice
        self.clock = time.perf_counter
        self.swap(model)
        if recovery is not None:
            recovery.attach(
                clear_related=self._forget,
                reload_model=renew,
                clear_caches=self.clear,
                rebuild=self.rebuild,
            )

    def swap(self, model: Model) -> None:
        """Put another model in place, whole: each decision comes from one of the two."""
        self._seat = _Seat(model, self._context(model))

    @property
    def model(self) -> Model:
        """The model in place."""
        return self._seat.model

    def clear(self) -> None:
        """Empty the cache."""
        if self.cache is not None:
            self.cache.invalidate()

    def rebuild(self) -> None:
        """Make the model's functions anew, and empty the cache."""
        self.swap(self.model.remade())
        self.clear()

    # -- one record ----------------------------------------------------------------------------

    def decide(self, record: Record, request_id: str | None = None) -> Decision:
        """Validate a record, decide, count and log."""
        start, seat = self.clock(), self._seat
        values, warnings = seat.model.schema.read(record)
        read = self.clock()
        return self.decide_values(values, warnings, request_id, seat=seat, start=start, read=read)

    def decide_values(
        self,
        values: Row,
        warnings: tuple[str, ...] = (),
        request_id: str | None = None,
        *,
        seat: _Seat | None = None,
        start: float | None = None,
        read: float | None = None,
    ) -> Decision:
        """Decide on validated values, count and log."""
        seat = seat or self._seat
        begun = self.clock() if start is None else start
        try:
            decision = self._answer(seat, values, warnings, request_id)
        except InputError:
            raise
        except Exception as error:
            if self.kpis is not None:
                late = isinstance(error, DeadlineExceeded)
                self.kpis.record(self.clock() - begun, outcome="timeout" if late else "error")
            raise
        self._note(seat, decision, values, begun, read)
        return decision

    def _answer(self, seat: _Seat, *asked: *Asked) -> Decision:
        cache, choice = self.cache, self.choice
        if cache is None:
            return self._compute(seat, *asked)
        if choice is not None:
            if choice.due():
                return self._measured(seat, choice, cache, *asked)
            if not choice.use:
                return self._compute(seat, *asked)
        values, warnings, request_id = asked
        made: list[Decision] = []

        def compute() -> Decision:
            made.append(self._compute(seat, values, warnings, request_id))
            if made[0].degraded:
                raise _DegradedError(made[0])
            return msgspec.structs.replace(made[0], request_id=None)

        try:
            found: Decision = cache.get_or_compute((seat.model.digest, values), compute)
        except _DegradedError as degraded:
            return degraded.decision
        return made[0] if made else _repeated(found, request_id)

    def _measured(
        self, seat: _Seat, choice: CacheChoice, cache: TieredCache[Any, Any], *asked: *Asked
    ) -> Decision:
        """Look up and compute, timing both."""
        key = seat.model.digest, asked[0]
        start = choice.clock()
        found = cache.get(key)
        looked = choice.clock()
        decision = self._compute(seat, *asked)
        choice.note(looked - start, choice.clock() - looked)
        if found is None and choice.use and not decision.degraded:
            cache[key] = msgspec.structs.replace(decision, request_id=None)
        return decision

    def _compute(self, seat: _Seat, *asked: *Asked) -> Decision:
        if self.recovery is None:
            return seat.model.decide(*asked)
        decision = self.recovery.call(self._try, seat, *asked)
        if decision.degraded:
            return msgspec.structs.replace(decision, request_id=asked[2])
        return decision

    def _try(self, seat: _Seat, *asked: *Asked) -> Decision:
        """Decide with the model in place now, if it reads records as the one that was asked."""
        now = self._seat
        model = now.model if now.schema == seat.schema else seat.model
        return model.decide(*asked)

    # -- what is told ----------------------------------------------------------------------------

    def _note(self, seat: _Seat, decision: Decision, values: Row, start: float, read: float | None) -> None:
        end = self.clock()
        kpis = self.kpis
        if kpis is not None:
            cached = None if self.cache is None else decision.cached is not None
            kpis.record(
                end - start, probability=decision.probabilities[1], label=decision.label, cached=cached
            )
            if read is not None and kpis.time_stages():
                kpis.record_stages(validate=read - start, predict=end - read)
        if self.drift is not None:
            self.drift.observe(values, decision.probabilities[1])
        if self.audit is not None and seat.context is not None:
            self.audit.append(seat.context, decision, values, end - start)

    def _context(self, model: Model) -> AuditContext | None:
        if self.audit is None:
            return None
        from morosidad.audit import AuditContext

        return AuditContext(
            model=model.name,
            version=model.version,
            digest=model.digest,
            schema=model.schema.version,
            policy=model.policy.version,
            cutoffs={"revisar": model.policy.review_at, "rechazar": model.policy.decline_at},
            fields=model.schema.names,
        )

    def _forget(self, failure: Failure) -> None:
        """Forget what the cache holds of the record that failed."""
        if self.cache is not None and len(failure.args) > 1:
            self.cache.invalidate((failure.args[0].model.digest, failure.args[1]))


class _Seat:
    """A model in place, with what goes with it."""

    __slots__ = ("context", "model", "schema")

    def __init__(self, model: Model, context: AuditContext | None) -> None:
        self.model = model
        self.context = context
        self.schema = model.schema.digest


class _DegradedError(Exception):
    """Carries a degraded decision past the cache, which must not keep it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__()


def _repeated(found: Decision, request_id: str | None) -> Decision:
    return Decision(
        found.label,
        found.probabilities,
        found.confidence,
        found.outcome,
        found.reasons,
        found.model,
        found.warnings,
        HIT,
        False,
        request_id,
    )


def _mean(before: float | None, now: float) -> float:
    return now if before is None else before + _MEMORY * (now - before)
