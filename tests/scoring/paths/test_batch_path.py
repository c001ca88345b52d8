"""Many records scored with one call of a model that is not compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from morosidad.audit import AuditLog, read
from morosidad.cache import TieredCache
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.original import Original
from morosidad.errors import PredictionError
from morosidad.kpis import KPITracker
from morosidad.recovery import RecoveryPolicy
from morosidad.scoring.scorer import Scorer
from scoring_parts import RECORD, scorer_with
from support import small_frame


def test_a_model_that_is_not_compiled_is_asked_once_for_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    X, y = small_frame()
    parts = make_column_transformer((SimpleImputer(), ["ingresos", "moras"]))
    pipeline = make_pipeline(parts, KNeighborsClassifier()).fit(X, y)
    kpis = KPITracker()
    with AuditLog(tmp_path / "log.jsonl") as audit:
        with pytest.warns(UserWarning, match="KNeighbors"):
            scorer = Scorer(pipeline, reference=X, kpis=kpis, audit=audit, recovery=RecoveryPolicy())
        calls: list[int] = []
        original = scorer._model.compiled.original
        assert original is not None
        honest = original.predict

        def predict(rows: Any) -> Any:
            calls.append(len(rows))
            return honest(rows)

        monkeypatch.setattr(original, "predict", predict)
        records = [*X.head(9).to_dict("records"), {"moras": "x"}, {"ingresos": 1e9, "moras": 1}]
        out: list[Any] = scorer.score_many(records)
    assert calls == [10]
    assert [type(answer).__name__ for answer in out] == ["Decision"] * 9 + ["RecordError", "Decision"]
    assert out[9].index == 9
    assert out[10].warnings
    assert [d.probability for d in out[:9]] == pipeline.predict_proba(X.head(9))[:, 1].tolist()
    assert msgspec.to_builtins(kpis.report())["total_predicciones_analizadas"] == 10
    assert len(list(read(tmp_path / "log.jsonl"))) == 10


def not_compiled(**parts: Any) -> Scorer:
    X, y = small_frame()
    pipeline = make_pipeline(
        make_column_transformer((SimpleImputer(), ["ingresos", "moras"])), KNeighborsClassifier()
    )
    with pytest.warns(UserWarning, match="KNeighbors"):
        return Scorer(pipeline.fit(X, y), reference=X, **parts)


def test_a_batch_does_not_ask_the_cache_and_counts_no_lookups() -> None:
    kpis = KPITracker()
    scorer = not_compiled(kpis=kpis, cache=TieredCache())
    scorer.score_many([RECORD, RECORD])
    assert (kpis.counts().total, kpis.counts().lookups) == (2, 0)


def test_a_batch_wants_one_id_for_each_record() -> None:
    scorer = not_compiled()
    out: list[Any] = scorer.score_many([RECORD, RECORD], ["a", "b"])
    assert [decision.request_id for decision in out] == ["a", "b"]
    with pytest.raises(ValueError, match="shorter"):
        scorer.score_many([RECORD, RECORD], ["a"])


def test_a_batch_is_tried_again_with_the_model_that_recovery_put_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer = not_compiled(recovery=RecoveryPolicy(hooks=()), cache=TieredCache())
    expected = scorer.score_many([RECORD])
    broken = scorer._model

    def fail(_: object) -> Any:
        raise ValueError("torn")

    monkeypatch.setattr(broken, "answer_many", fail)
    assert scorer.score_many([RECORD]) == expected
    assert scorer._model is not broken


def test_a_batch_that_fails_is_counted_and_says_nothing_of_its_values(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis)
    original = Original(trained[0], scorer.schema)
    scorer._path.model.compiled = CompiledPipeline(scorer.schema, None, original)

    def fail(rows: Any) -> Any:
        raise ValueError(f"secret {rows}")

    monkeypatch.setattr(original, "predict", fail)
    with pytest.raises(PredictionError) as caught:
        scorer.score_many([RECORD, RECORD])
    assert "300" not in str(caught.value)
    assert (kpis.counts().total, kpis.counts().errors) == (2, 2)
