"""A scorer on an event loop: never waiting; and its parts handed to another scorer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad.audit import AuditLog, verify
from morosidad.cache import TieredCache
from morosidad.errors import InvalidRecord, PredictionError
from morosidad.kpis import KPITracker
from morosidad.monitoring.drift import DriftMonitor
from morosidad.recovery import RecoveryPolicy
from morosidad.scoring.scorer import Scorer
from support import FakeClock, small_frame, small_pipeline

RECORDS: list[dict[str, Any]] = [
    {"ingresos": 300.0, "empleo": "libre", "moras": 4},
    {"ingresos": 1900.0, "empleo": "fijo", "moras": 0},
    {"empleo": "otro"},
]


@pytest.fixture
def scorer(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return Scorer(trained[0], reference=trained[1])


def test_it_answers_as_score_one_does_with_and_without_parts(scorer: Scorer) -> None:
    equipped = scorer.with_parts(
        cache=TieredCache(), kpis=KPITracker(stage_every=1), recovery=RecoveryPolicy()
    )
    for _ in range(2):
        for record in RECORDS:
            expected = scorer.score_one(record, "r")
            assert scorer.score_nowait(record, "r") == expected
            found = equipped.score_nowait(record, "r")
            assert (found.probabilities, found.reasons) == (expected.probabilities, expected.reasons)
            assert (found.request_id, found.warnings) == ("r", expected.warnings)
    kpis, cache = equipped.parts["kpis"], equipped.parts["cache"]
    assert isinstance(kpis, KPITracker)
    assert isinstance(cache, TieredCache)
    assert (kpis.counts().ok, kpis.counts().lookups, cache.stats().l1_hits) == (6, 6, 3)
    assert set(kpis.stages()) == {"validate", "cache", "predict", "decide"}


def test_a_cache_that_chooses_for_itself_is_measured_there_too(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    equipped = scorer.with_parts(cache="auto")
    bypass = equipped._path.bypass
    assert bypass is not None
    with monkeypatch.context() as patch:
        patch.setattr(bypass, "add_measurement", lambda *measured: None)
        found = [equipped.score_nowait(RECORDS[0]).cached for _ in range(65)]
    assert [place for place, cached in enumerate(found) if cached is None] == [0, 64]
    for _ in range(100):
        bypass.add_measurement(lookup=1.0, scoring=1e-6)
    assert equipped.score_nowait(RECORDS[0]).cached is None


def test_a_bad_record_is_refused(scorer: Scorer) -> None:
    with pytest.raises(InvalidRecord):
        scorer.score_nowait({"moras": "cuatro"})


def test_a_failure_is_raised_at_once_and_not_counted(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    kpis, recovery = KPITracker(), RecoveryPolicy()
    equipped = scorer.with_parts(kpis=kpis, recovery=recovery, cache=TieredCache())
    calls: list[int] = []

    def fail(self: Any, values: Any) -> Any:
        calls.append(1)
        raise PredictionError("out of order")

    monkeypatch.setattr(type(scorer._model), "estimate", fail)
    with pytest.raises(PredictionError):
        equipped.score_nowait(RECORDS[0])
    assert (len(calls), kpis.counts().total, recovery.healthy) == (1, 0, True)


def test_recovery_is_calm_until_something_fails(clock: FakeClock) -> None:
    recovery = RecoveryPolicy(clock=clock, decay=60.0)
    answers = iter([ValueError("once")])

    def work() -> int:
        for error in answers:
            raise error
        return 1

    seen = []
    recovery.attach(clear_related=lambda failure: seen.append(recovery.healthy))
    assert recovery.healthy
    assert recovery.call(work) == 1
    assert seen == [False]
    assert recovery.healthy


def test_parts_stay_unless_others_are_given(scorer: Scorer) -> None:
    kpis, cache = KPITracker(), TieredCache[Any, Any]()
    first = scorer.with_parts(kpis=kpis, cache=cache)
    other = first.with_parts(kpis=KPITracker())
    assert scorer.parts["kpis"] is None
    assert other.parts["cache"] is cache
    assert other.parts["kpis"] is not kpis
    other.score_one(RECORDS[0])
    assert kpis.counts().total == 0


def test_a_loaded_scorer_with_parts_can_still_reload(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m")
    equipped = Scorer.load(tmp_path / "m").with_parts(cache=TieredCache())
    equipped.reload()
    assert equipped.score_one(RECORDS[0]) == scorer.score_one(RECORDS[0])


def test_drift_is_measured_against_the_model_in_place(scorer: Scorer, tmp_path: Path) -> None:
    X, y = small_frame(seed=1)
    other = Scorer(small_pipeline(X, y), reference=X, name="dos")
    other.save(tmp_path / "dos")
    reference = scorer.drift_reference
    assert reference is not None
    drift = DriftMonitor(reference, every=1, limits=(0.2, 0.4))
    equipped = scorer.with_parts(drift=drift)
    equipped.score_one(RECORDS[0])
    equipped.reload(tmp_path / "dos")
    now = equipped.parts["drift"]
    assert now is not None
    assert now is not drift
    assert now.reference == other.drift_reference
    assert (drift.report().records, now.report().records) == (1, 0)
    equipped.reload(tmp_path / "dos")
    assert equipped.parts["drift"] is now


def test_a_durable_log_says_that_it_waits(tmp_path: Path, scorer: Scorer) -> None:
    with AuditLog(tmp_path / "d.jsonl", durable=True) as audit:
        assert audit.durable
        scorer.with_parts(audit=audit).score_nowait(RECORDS[0])
    assert verify(tmp_path / "d.jsonl").ok
