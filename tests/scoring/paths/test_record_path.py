"""A scorer with key figures, a drift monitor and a decision log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from morosidad.audit import AuditLog, read, replay, verify
from morosidad.cache import TieredCache
from morosidad.errors import InvalidRecord, PredictionError
from morosidad.kpis import KPITracker
from morosidad.monitoring.drift import DriftMonitor
from morosidad.policy.cutoffs import Policy
from morosidad.recovery import RecoveryPolicy
from morosidad.scoring.scorer import Scorer
from scoring_parts import RECORD, failing, scorer_with
from support import small_frame


def test_every_decision_is_counted_and_bad_records_are_not(trained: tuple[Any, pd.DataFrame]) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis, cache=TieredCache())
    for _ in range(3):
        scorer.score_one(RECORD)
    with pytest.raises(InvalidRecord):
        scorer.score_one({"moras": "x"})
    scorer.score_frame(small_frame(10)[0])
    report = kpis.report()
    document = msgspec.to_builtins(report)
    assert document["total_predicciones_analizadas"] == 13
    assert document["metricas"]["tasa_exito"] == 1.0
    assert document["metricas"]["cache_hit_rate"] == pytest.approx(2 / 3)


def test_what_is_decided_is_counted_alike_one_by_one_and_by_the_frame(
    trained: tuple[Any, pd.DataFrame],
) -> None:
    frame = small_frame(40)[0]
    one_by_one, whole = KPITracker(), KPITracker()
    policy = Policy(review_at=0.3, decline_at=0.6)
    decisions = [
        decision.outcome
        for decision in scorer_with(trained, kpis=one_by_one, policy=policy).score_many(
            frame.to_dict("records")
        )
    ]
    scorer_with(trained, kpis=whole, policy=policy).score_frame(frame)
    wanted = {outcome: decisions.count(outcome) for outcome in ("aprobar", "revisar", "rechazar")}
    assert all(wanted.values())
    assert one_by_one.counts().decisions == whole.counts().decisions == wanted
    assert one_by_one.counts().scores == whole.counts().scores


def test_failures_are_counted_as_errors(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis)
    failing(monkeypatch, scorer, 1)
    with pytest.raises(PredictionError):
        scorer.score_one(RECORD)
    scorer.score_one(RECORD)
    assert msgspec.to_builtins(kpis.report())["metricas"]["tasa_error"] == 0.5


def test_drift_is_watched_against_the_reference_in_the_model_file(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    scorer_with(trained).save(tmp_path / "m")
    reference = Scorer.load(tmp_path / "m").drift_reference
    assert reference is not None
    monitor = DriftMonitor(reference, every=1)
    scorer = Scorer.load(tmp_path / "m", drift=monitor)
    X, _ = small_frame(400, seed=4)
    scorer.score_many(X.head(200).to_dict("records"))
    scorer.score_frame(X.tail(200))
    calm = {field.field: field.psi for field in monitor.report().fields}
    for _ in range(400):
        scorer.score_one({"ingresos": 200.0, "empleo": "libre", "moras": 9})
    moved = {field.field: field.psi for field in monitor.report().fields}
    assert all(value < 0.25 for value in calm.values())
    assert moved["moras"] > 0.25 > calm["moras"]


def test_every_decision_is_logged_and_can_be_replayed(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    X, _ = small_frame(20, seed=2)
    with AuditLog(tmp_path / "log.jsonl") as audit:
        scorer = scorer_with(trained, audit=audit, name="chico")
        scorer.score_many(X.to_dict("records"))
        scorer.score_frame(X)
    path = tmp_path / "log.jsonl"
    assert verify(path).ok
    lines = list(read(path))
    assert len(lines) == 40
    assert replay([path], scorer_with(trained, name="chico").score_one).ok


def test_stages_are_timed_now_and_then(trained: tuple[Any, pd.DataFrame]) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis, cache=TieredCache(), recovery=RecoveryPolicy())
    plain = scorer_with(trained)
    for i in range(200):
        record = {**RECORD, "ingresos": 300.0 + i // 2}
        assert scorer.score_one(record).probability == plain.score_one(record).probability
    assert len(kpis.stages()) == 4
