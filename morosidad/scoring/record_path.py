"""The record path: validation, cache, recovery, model, key figures, drift and decision log, in this order.

A scorer without parts goes straight to its model; each part that is there costs its own and no more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from morosidad.errors import DeadlineExceeded, InvalidRecord, PredictionError
from morosidad.policy.decision import Decision, RecordError
from morosidad.processes.forking import renew_after_fork
from morosidad.schema.field import Row
from morosidad.schema.record_forms import field_error
from morosidad.schema.schema import Record
from morosidad.scoring.request import ActiveModel, ScoringRequest, activated, text_of_id
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    from morosidad.audit import AuditLog
    from morosidad.cache import TieredCache
    from morosidad.cache.bypass import CacheBypass
    from morosidad.kpis import KPITracker
    from morosidad.monitoring.drift import DriftMonitor
    from morosidad.policy.cutoffs import Policy
    from morosidad.recovery import Failure, RecoveryPolicy


class RecordPath:
    """Scores records with one model and the parts around it.

    Parameters
    ----------
    model : StoredModel
        What decides; `activate` puts another in its place.
    cache, kpis, recovery, audit, drift : optional
        The parts. A drift monitor is replaced when a model with another reference is activated; a
        recovery policy that repairs another scorer already is copied.
    bypass : CacheBypass, optional
        Leaves the cache out where it does not pay.
    reload : callable, optional
        Loads the model again and activates it; recovery calls it when the model is at fault.
    """

    def __init__(
        self,
        model: StoredModel,
        *,
        cache: TieredCache[Any, Any] | None = None,
        kpis: KPITracker | None = None,
        recovery: RecoveryPolicy | None = None,
        audit: AuditLog | None = None,
        drift: DriftMonitor | None = None,
        bypass: CacheBypass | None = None,
        reload: Callable[[], object] | None = None,
    ) -> None:
        self.cache: TieredCache[Any, Any] | None = cache
        self.kpis: KPITracker | None = kpis
        self.audit: AuditLog | None = audit
        self.bypass: CacheBypass | None = bypass
        self.recovery: RecoveryPolicy | None = None if recovery is None else recovery.unattached()
        self.clock: Callable[[], float] = time.perf_counter
        self._after_fork()
        renew_after_fork(self)
        self._active = self._activated(model, drift)
        if self.recovery is not None:
            self.recovery.attach(
                clear_related=self._forget,
                reload_model=reload,
                clear_caches=self.clear_cache,
                rebuild=self.rebuild,
            )

    def _after_fork(self) -> None:
        self._activating = threading.RLock()
        self.reloading: threading.Lock = threading.Lock()

    def activate(self, model: StoredModel) -> None:
        """Put another model in place as one step: each decision comes from one of the two.

        Parameters
        ----------
        model : StoredModel
            Ready to answer.
        """
        with self._activating:
            drift = self._active.drift
            if drift is not None and drift.reference != model.drift_reference:
                drift = None if model.drift_reference is None else drift.renewed(model.drift_reference)
            self._active = self._activated(model, drift)

    @property
    def model(self) -> StoredModel:
        """The active model."""
        return self._active.model

    @property
    def active(self) -> ActiveModel:
        """The active model, with what belongs to it alone."""
        return self._active

    @property
    def drift(self) -> DriftMonitor | None:
        """The drift monitor of the active model."""
        return self._active.drift

    def clear_cache(self) -> None:
        """Empty the cache."""
        if self.cache is not None:
            self.cache.invalidate()

    def rebuild(self) -> None:
        """Make the model's functions again, and empty the cache."""
        with self._activating:  # else a model that is activated meanwhile would be replaced by the old one
            self.activate(self.model.rebuilt())
        self.clear_cache()

    # -- one record ----------------------------------------------------------------------------

    def score(self, record: Record, request_id: str | None = None, *, wait: bool = True) -> Decision:
        """Validate a record, decide, count and log.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As the schema takes it.
        request_id : str, optional
            Comes back on the decision.
        wait : bool, default=True
            Without it, a failure of the model is raised at once and not counted, and nobody else's
            computation is waited for.

        Returns
        -------
        Decision
        """
        start, active = self.clock(), self._active
        request_id = None if request_id is None else text_of_id(request_id, active.model.language)
        values, warnings = active.model.schema.read(record)
        stage_seconds: dict[str, float] | None = None
        if self.kpis is not None and self.kpis.time_stages():
            stage_seconds = {"validate": self.clock() - start}
        request = ScoringRequest(active, values, warnings, request_id, stage_seconds)
        try:
            decision = self._answer(request, wait)
        except Exception as error:
            if wait:
                self._count_failure(error, start)
            raise
        decision = active.model.reason_writer.with_names(decision, record)
        self._publish(request, decision, self.clock() - start, self.cache)
        return decision

    def score_batch(self, records: Iterable[tuple[Record, str | None]]) -> list[Decision | RecordError]:
        """Score many records with one call of the model: for models that are not compiled.

        The cache is not asked.

        Parameters
        ----------
        records : iterable of (record, str or None)
            Each with its request id.

        Returns
        -------
        list of Decision or RecordError
            In the order of the records.
        """
        start, active = self.clock(), self._active
        answers: list[Any] = []
        valid: list[tuple[int, ScoringRequest]] = []
        asked: dict[int, Record] = {}
        for place, (record, request_id) in enumerate(records):
            try:
                checked = None if request_id is None else text_of_id(request_id, active.model.language)
                valid.append((place, ScoringRequest(active, *active.model.schema.read(record), checked)))
                answers.append(None)
                if active.model.schema.names_codes:
                    asked[place] = record
            except InvalidRecord as error:
                answers.append(RecordError(place, error.errors))
        try:
            rows = [request.values for _, request in valid]
            decided = self._recovering_batch(active, rows) if rows else []
        except Exception as error:
            self._count_failure(error, start, len(valid))
            raise
        each = (self.clock() - start) / max(len(valid), 1)
        for (place, request), decision in zip(valid, decided, strict=True):
            if decision is None:
                refused = field_error(active.model.language, "refused_by_model", "modelo")
                answers[place] = RecordError(place, (refused,))
                self._count_failure(active.model.no_probability(), start)
                continue
            answers[place] = decision.for_request(request.request_id, request.warnings)
            answers[place] = active.model.reason_writer.with_names(answers[place], asked.get(place, {}))
            self._publish(request, answers[place], each, None)
        return answers

    def measure_cache(self, rows: Iterable[Row]) -> None:
        """Measure what a lookup and what scoring takes, so that a bypass is chosen before there is traffic.

        Parameters
        ----------
        rows : iterable of tuple
            Validated values; no decision on them is kept.
        """
        if self.bypass is not None and self.cache is not None:
            clock = self.bypass.clock
            for row in rows:
                start = clock()
                _ = (self._active.cache_name, row) in self.cache  # looks as `get` does, and counts nothing
                looked_up = clock()
                try:
                    self.model.answer(row)
                except PredictionError:  # a made-up row may be one that the original refuses
                    continue
                self.bypass.add_measurement(looked_up - start, clock() - looked_up)

    # -- cache ---------------------------------------------------------------------------------

    def _answer(self, request: ScoringRequest, wait: bool) -> Decision:
        compute = self._recovering if wait else self._compute
        cache, bypass = self.cache, self.bypass
        if cache is None:
            return compute(request)
        if bypass is not None:
            if bypass.should_measure():
                return self._measured(compute, request, bypass, cache)
            if not bypass.cache_used:
                return compute(request)
        return (self._single_flight if wait else self._look_aside)(request, cache)

    def _single_flight(self, request: ScoringRequest, cache: TieredCache[Any, Any]) -> Decision:
        """Look up, or compute once for all who ask for the same record."""
        stage_seconds = request.stage_seconds
        computed: list[Decision] = []

        def compute() -> Decision:
            computed.append(self._recovering(request))
            if computed[0].degraded:
                raise _DegradedError(computed[0])
            return computed[0].for_request(None)

        start = 0.0 if stage_seconds is None else self.clock()
        try:
            found: Decision = cache.get_or_compute(request.cache_key, compute)
        except _DegradedError as degraded:
            return degraded.decision.for_request(request.request_id)
        if stage_seconds is not None:
            others = stage_seconds.get("predict", 0.0) + stage_seconds.get("decide", 0.0)
            stage_seconds["cache"] = self.clock() - start - others
        return computed[0] if computed else request.answered_by(cache, found) or self._recovering(request)

    def _look_aside(self, request: ScoringRequest, cache: TieredCache[Any, Any]) -> Decision:
        """Look up, or compute without joining others who compute the same."""
        key, stage_seconds = request.cache_key, request.stage_seconds
        start = 0.0 if stage_seconds is None else self.clock()
        found: Decision | None = cache.get(key)
        if stage_seconds is not None:
            stage_seconds["cache"] = self.clock() - start
        if found is not None:
            return request.answered_by(cache, found) or self._compute(request)
        decision = self._compute(request)
        cache[key] = decision.for_request(None)
        return decision

    def _measured(
        self,
        compute: Callable[[ScoringRequest], Decision],
        request: ScoringRequest,
        bypass: CacheBypass,
        cache: TieredCache[Any, Any],
    ) -> Decision:
        """Look up and compute, timing both."""
        key, clock, used = request.cache_key, bypass.clock, bypass.cache_used
        start = clock()
        found = cache.get(key)
        looked_up = clock()
        decision = compute(request)
        scored = clock()
        storing = None
        if found is None and used and not decision.degraded:
            cache[key] = decision.for_request(None)
            storing = clock() - scored
        hit = (found is not None) if used else None
        bypass.add_measurement(looked_up - start, scored - looked_up, storing, hit)
        return decision

    # -- recovery and model --------------------------------------------------------------------

    def _recovering(self, request: ScoringRequest) -> Decision:
        if self.recovery is None:
            return self._compute(request)
        decision = self.recovery.call(self._compute_with_active_model, request)
        return decision.for_request(request.request_id) if decision.degraded else decision

    def _compute_with_active_model(self, request: ScoringRequest) -> Decision:
        """Decide with the model that is active now, if it reads records as the one that was asked."""
        active = self._successor(request.active)
        if active is not request.active:
            request = msgspec.structs.replace(request, active=active)
        return self._compute(request)

    def _recovering_batch(self, active: ActiveModel, rows: list[Row]) -> list[Decision | None]:
        if self.recovery is None:
            return active.model.answer_many(rows)
        return self.recovery.call(self._compute_batch_with_active_model, active, rows=rows)

    def _compute_batch_with_active_model(self, active: ActiveModel, rows: list[Row]) -> list[Decision | None]:
        return self._successor(active).model.answer_many(rows)

    def _successor(self, active: ActiveModel) -> ActiveModel:
        now = self._active
        return now if now.schema_digest == active.schema_digest else active

    def _compute(self, request: ScoringRequest) -> Decision:
        model, stage_seconds = request.active.model, request.stage_seconds
        if stage_seconds is None:
            return model.answer(request.values, request.warnings, request.request_id)
        start = self.clock()
        first = model.asked_first(request.values)
        if model.skips(first):
            decision = model.declined(first, request.warnings, request.request_id)
            stage_seconds["decide"] = self.clock() - start
            return decision
        probability, shares, points = model.estimate(request.values)
        estimated = self.clock()
        known = request.warnings, request.request_id, None, first, points
        decision = model.decide(request.values, probability, shares, *known)
        stage_seconds |= {"predict": estimated - start, "decide": self.clock() - estimated}
        return decision

    # -- key figures, drift and log ------------------------------------------------------------

    def _count_failure(self, error: Exception, start: float, number: int = 1) -> None:
        if self.kpis is not None:
            outcome: Literal["timeout", "error"] = (
                "timeout" if isinstance(error, DeadlineExceeded) else "error"
            )
            each = (self.clock() - start) / number
            for _ in range(number):
                self.kpis.record(each, outcome=outcome)

    def _publish(
        self,
        request: ScoringRequest,
        decision: Decision,
        seconds: float,
        cache: TieredCache[Any, Any] | None,
    ) -> None:
        """Count, watch and log a decision; `cache` is the one that might have been asked."""
        kpis, active, probability = self.kpis, request.active, decision.probability
        if kpis is not None:
            bypassed = cache is None or (self.bypass is not None and not self.bypass.cache_used)
            kpis.record(
                seconds,
                probability=probability,
                label=decision.label,
                decision=decision.outcome,
                cached=None if bypassed else decision.cached is not None,
            )
            if decision.rules:
                kpis.record_rules(dict.fromkeys(decision.rules, 1))
            if request.stage_seconds is not None:
                kpis.record_stages(**request.stage_seconds)
        if active.drift is not None and probability is not None:
            active.drift.observe(request.values, probability)
        if self.audit is not None and active.audit_context is not None:
            self.audit.append(active.audit_context, decision, request.values, seconds)

    def _activated(self, model: StoredModel, drift: DriftMonitor | None) -> ActiveModel:
        return activated(model, drift, cached=self.cache is not None, logged=self.audit is not None)

    def under(self, policy: Policy | None) -> ActiveModel:
        """Give the active model under another policy; itself where there is none."""
        now = self._active
        return now if policy is None else self._activated(now.model.with_policy(policy), now.drift)

    def _forget(self, failure: Failure) -> None:
        """Drop what the cache holds of the record that failed; for a batch it holds nothing."""
        request = failure.args[0]
        if self.cache is not None and isinstance(request, ScoringRequest):
            self.cache.invalidate(request.cache_key)


class _DegradedError(Exception):
    """Carries a degraded decision past the cache, which must not keep it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__()
