"""The way of a record through the parts that a scorer was given: cache, recovery, figures, log.

A scorer without parts does not come by here; each part that is there costs its own and no more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from morosidad.cache.choice import CacheChoice
from morosidad.errors import DeadlineExceeded, InvalidRecord
from morosidad.policy.decision import Decision, RecordError
from morosidad.schema.field import Row
from morosidad.schema.schema import Record
from morosidad.scoring.model import Model

if TYPE_CHECKING:
    from morosidad.audit import AuditContext, AuditLog
    from morosidad.cache import TieredCache
    from morosidad.kpis import KPITracker
    from morosidad.monitoring.drift import DriftMonitor
    from morosidad.recovery import Failure, RecoveryPolicy

Marks = dict[str, float]
Asked = tuple[Row, tuple[str, ...], str | None, Marks | None]
"""Values, warnings, request id, and where the seconds of each stage go if they are wanted."""

HIT = "acierto"


class Way:
    """Decides with one model and the parts around it.

    Parameters
    ----------
    model : Model
        Who decides; `swap` puts another in its place.
    cache, kpis, recovery, audit, drift : optional
        The parts. A drift monitor is replaced when a model with another reference takes the place.
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
        self.choice = choice
        self.clock: Callable[[], float] = time.perf_counter
        self._swapping = threading.RLock()
        self._seat = _Seat(model, self._context(model), drift)
        if recovery is not None:
            recovery.attach(
                clear_related=self._forget,
                reload_model=renew,
                clear_caches=self.clear,
                rebuild=self.rebuild,
            )

    def swap(self, model: Model) -> None:
        """Put another model in place, whole: each decision comes from one of the two."""
        with self._swapping:
            drift = self._seat.drift
            if drift is not None and drift.reference != model.drift_reference:
                drift = None if model.drift_reference is None else drift.renewed(model.drift_reference)
            self._seat = _Seat(model, self._context(model), drift)

    @property
    def model(self) -> Model:
        """The model in place."""
        return self._seat.model

    @property
    def drift(self) -> DriftMonitor | None:
        """The drift monitor of the model in place."""
        return self._seat.drift

    def clear(self) -> None:
        """Empty the cache."""
        if self.cache is not None:
            self.cache.invalidate()

    def rebuild(self) -> None:
        """Make the model's functions anew, and empty the cache."""
        with self._swapping:  # else a model that comes in meanwhile would be put out again
            self.swap(self.model.remade())
        self.clear()

    # -- one record ----------------------------------------------------------------------------

    def decide(self, record: Record, request_id: str | None = None, *, wait: bool = True) -> Decision:
        """Validate a record, decide, count and log.

        With ``wait=False`` a failure of the model is raised at once, not counted, and nobody else's
        computation is waited for.
        """
        start, seat = self.clock(), self._seat
        values, warnings = seat.model.schema.read(record)
        marks: Marks | None = None
        if self.kpis is not None and self.kpis.time_stages():
            marks = {"validate": self.clock() - start}
        try:
            decision = self._answer(seat, wait, values, warnings, request_id, marks)
        except Exception as error:
            if wait:
                self._count_failure(error, start)
            raise
        self._note(seat, decision, values, self.clock() - start, marks, self.cache)
        return decision

    def decide_many(self, asked: Iterable[tuple[Record, str | None]]) -> list[Decision | RecordError]:
        """Decide on many records at once, each in its place: for models that are not compiled.

        Each comes with its request id. The cache is not asked.
        """
        start, seat = self.clock(), self._seat
        out: list[Any] = []
        good: list[tuple[int, str | None, Row, tuple[str, ...]]] = []
        for place, (record, request_id) in enumerate(asked):
            try:
                good.append((place, request_id, *seat.model.schema.read(record)))
                out.append(None)
            except InvalidRecord as error:
                out.append(RecordError(place, error.errors))
        try:
            decided = self._compute_many(seat, [values for _, _, values, _ in good]) if good else []
        except Exception as error:
            self._count_failure(error, start, len(good))
            raise
        each = (self.clock() - start) / max(len(good), 1)
        for (place, request_id, values, warnings), decision in zip(good, decided, strict=True):
            out[place] = msgspec.structs.replace(decision, warnings=warnings, request_id=request_id)
            self._note(seat, out[place], values, each, None, None)
        return out

    def warm(self, rows: Iterable[Row]) -> None:
        """Measure what a lookup and what scoring takes, so that the cache's choice is made before traffic."""
        if self.choice is not None and self.cache is not None:
            for row in rows:
                start = self.choice.clock()
                _ = (self.model.digest, row) in self.cache  # looks as `get` does, and counts nothing
                looked = self.choice.clock()
                self.model.decide(row)
                self.choice.note(looked - start, self.choice.clock() - looked)

    def _answer(self, seat: _Seat, wait: bool, *asked: *Asked) -> Decision:
        compute = self._compute if wait else self._ask
        cache, choice = self.cache, self.choice
        if cache is None:
            return compute(seat, *asked)
        if choice is not None:
            if choice.due():
                return self._measured(compute, seat, choice, cache, *asked)
            if not choice.use:
                return compute(seat, *asked)
        return (self._joined if wait else self._looked_up)(seat, cache, *asked)

    def _joined(self, seat: _Seat, cache: TieredCache[Any, Any], *asked: *Asked) -> Decision:
        """Look up, or compute for all who ask for the same record."""
        request_id, marks = asked[2], asked[3]
        made: list[Decision] = []

        def compute() -> Decision:
            made.append(self._compute(seat, *asked))
            if made[0].degraded:
                raise _DegradedError(made[0])
            return msgspec.structs.replace(made[0], request_id=None)

        start = 0.0 if marks is None else self.clock()
        try:
            found: Decision = cache.get_or_compute((seat.model.digest, asked[0]), compute)
        except _DegradedError as degraded:
            return msgspec.structs.replace(degraded.decision, request_id=request_id)
        if marks is not None:
            marks["cache"] = self.clock() - start - marks.get("predict", 0.0) - marks.get("decide", 0.0)
        return made[0] if made else _repeated(found, request_id)

    def _looked_up(self, seat: _Seat, cache: TieredCache[Any, Any], *asked: *Asked) -> Decision:
        """Look up, or compute for oneself."""
        key, marks = (seat.model.digest, asked[0]), asked[3]
        start = 0.0 if marks is None else self.clock()
        found = cache.get(key)
        if marks is not None:
            marks["cache"] = self.clock() - start
        if found is not None:
            return _repeated(found, asked[2])
        decision = self._ask(seat, *asked)
        cache[key] = msgspec.structs.replace(decision, request_id=None)
        return decision

    def _measured(
        self,
        compute: Callable[[_Seat, *Asked], Decision],
        seat: _Seat,
        choice: CacheChoice,
        cache: TieredCache[Any, Any],
        *asked: *Asked,
    ) -> Decision:
        """Look up and compute, timing both."""
        key, clock, use = (seat.model.digest, asked[0]), choice.clock, choice.use
        start = clock()
        found = cache.get(key)
        looked = clock()
        decision = compute(seat, *asked)
        scored = clock()
        storing = None
        if found is None and use and not decision.degraded:
            cache[key] = msgspec.structs.replace(decision, request_id=None)
            storing = clock() - scored
        choice.note(looked - start, scored - looked, storing, (found is not None) if use else None)
        return decision

    def _compute(self, seat: _Seat, *asked: *Asked) -> Decision:
        if self.recovery is None:
            return self._ask(seat, *asked)
        decision = self.recovery.call(self._try, seat, *asked)
        if decision.degraded:
            return msgspec.structs.replace(decision, request_id=asked[2])
        return decision

    def _try(self, seat: _Seat, *asked: *Asked) -> Decision:
        """Decide with the model in place now, if it reads records as the one that was asked."""
        now = self._seat
        return self._ask(now if now.schema == seat.schema else seat, *asked)

    def _compute_many(self, seat: _Seat, rows: list[Row]) -> list[Decision]:
        if self.recovery is None:
            return seat.model.decide_many(rows)
        return self.recovery.call(self._try_many, seat, rows=rows)

    def _try_many(self, seat: _Seat, rows: list[Row]) -> list[Decision]:
        now = self._seat
        return (now if now.schema == seat.schema else seat).model.decide_many(rows)

    def _ask(
        self,
        seat: _Seat,
        values: Row,
        warnings: tuple[str, ...],
        request_id: str | None,
        marks: Marks | None,
    ) -> Decision:
        model = seat.model
        if marks is None:
            return model.decide(values, warnings, request_id)
        start = self.clock()
        probability, shares = model.estimate(values)
        estimated = self.clock()
        decision = model.conclude(values, probability, shares, warnings, request_id)
        marks |= {"predict": estimated - start, "decide": self.clock() - estimated}
        return decision

    # -- what is told ----------------------------------------------------------------------------

    def _count_failure(self, error: Exception, start: float, number: int = 1) -> None:
        if self.kpis is not None:
            outcome: Literal["timeout", "error"] = (
                "timeout" if isinstance(error, DeadlineExceeded) else "error"
            )
            each = (self.clock() - start) / number
            for _ in range(number):
                self.kpis.record(each, outcome=outcome)

    def _note(
        self,
        seat: _Seat,
        decision: Decision,
        values: Row,
        seconds: float,
        marks: Marks | None,
        cache: TieredCache[Any, Any] | None,
    ) -> None:
        """Count, watch and log a decision; `cache` is the one that might have been asked."""
        kpis, probability = self.kpis, decision.probabilities[1]
        if kpis is not None:
            aside = cache is None or (self.choice is not None and not self.choice.use)
            hit = None if aside else decision.cached is not None
            kpis.record(
                seconds,
                probability=probability,
                label=decision.label,
                decision=decision.outcome,
                cached=hit,
            )
            if marks is not None:
                kpis.record_stages(**marks)
        if seat.drift is not None:
            seat.drift.observe(values, probability)
        if self.audit is not None and seat.context is not None:
            self.audit.append(seat.context, decision, values, seconds)

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
        """Forget what the cache holds of the record that failed; a batch, which it is not asked, has none."""
        if self.cache is not None and len(failure.args) > 1:
            self.cache.invalidate((failure.args[0].model.digest, failure.args[1]))


class _Seat:
    """A model in place, with what goes with it."""

    __slots__ = ("context", "drift", "model", "schema")

    def __init__(self, model: Model, context: AuditContext | None, drift: DriftMonitor | None) -> None:
        self.model = model
        self.context = context
        self.drift = drift
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
