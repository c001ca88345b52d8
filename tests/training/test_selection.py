from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from morosidad.__main__ import main
from morosidad.errors import InvalidFrame, MissingExtra, SettingsError
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer
from morosidad.training.selection import Figures, choose, cross_validate, fit, installed, summary
from support import needed, real_data, small_frame


@pytest.mark.data
@pytest.mark.filterwarnings("ignore::morosidad.errors.SuspectedCodesWarning")  # PAY_0 is -2 and -1, as meant
@pytest.mark.parametrize(("name", "auc"), [("german", 0.79), ("taiwan", 0.72)])
def test_real_data_is_learnt_and_compiled_exactly(name: str, auc: float) -> None:
    frame = real_data(name)
    X, y = frame.drop(columns="default"), frame["default"]
    schema = Schema.infer(X)
    assert cross_validate(X, y, schema).auc == pytest.approx(auc, abs=0.01)
    pipeline = fit(X, y, schema)
    scorer = Scorer(pipeline, schema=schema, reference=X)
    assert scorer.plan.compiled
    expected = pipeline.predict_proba(X)[:, 1]
    np.testing.assert_allclose(scorer.predict_proba(X)[:, 1], expected, rtol=0, atol=1e-12)
    found = [d.probability for d in scorer.score_many(X.to_dict("records"))]  # type: ignore[union-attr]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import Pipeline

    from morosidad.training.selection import pipeline

    X, y = small_frame(400)
    schema = Schema.infer(X)
    model: Pipeline = pipeline(schema, "logistic")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    figures = cross_validate(X, y, schema)
    names = {"roc_auc": figures.auc, "neg_brier_score": -figures.brier, "neg_log_loss": -figures.log_loss}
    for scoring, figure in names.items():
        assert cross_val_score(model, X, y, cv=folds, scoring=scoring).mean() == pytest.approx(
            figure, abs=1e-12
        )
    assert 0 < figures.ks < 1
    assert figures.log_loss_error > 0


def test_cross_validation_shows_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = small_frame()
    cross_validate(X, y, Schema.infer(X), progress=True)
    assert "validación cruzada" in capsys.readouterr().err


def test_too_few_rows_of_a_class_are_refused() -> None:
    X, _ = small_frame(20)
    with pytest.raises(InvalidFrame, match="at least 5 rows"):
        cross_validate(X, np.arange(20) < 3, Schema.infer(X))


def test_missing_columns_are_named() -> None:
    X, y = small_frame()
    with pytest.raises(InvalidFrame, match="moras") as caught:
        fit(X.drop(columns="moras"), y, Schema.infer(X))
    assert caught.value.columns == ("moras",)


def test_an_unknown_kind_of_model_is_refused() -> None:
    X, y = small_frame()
    with pytest.raises(SettingsError, match="model: one of logistic, glassbox, boosting, scorecard, auto"):
        fit(X, y, Schema.infer(X), model="magic")


def test_the_summary_counts_the_label_that_means_default() -> None:
    facts = summary(["no", "sí", "no", "no"], "logistic", positive="sí")
    assert facts == {"model": "logistic", "rows": 4, "default_rate": 0.25}


@pytest.mark.parametrize("model", ["glassbox", "boosting"])
def test_other_kinds_of_model_are_fitted_and_compiled(model: str) -> None:
    needed(model in installed(), "interpret-core")
    X, y = small_frame(400)
    scorer = Scorer.train(X, y, model=model)
    assert scorer.plan.compiled, scorer.plan
    assert scorer.training["model"] == model


def test_the_simplest_of_the_best_is_taken_and_the_file_tells_of_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needed("glassbox" in installed(), "interpret-core")
    losses = {"logistic": 0.52, "glassbox": 0.505, "boosting": 0.5}
    measured = {kind: Figures(0.8, 0.1, 0.4, loss, 0.01) for kind, loss in losses.items()}
    monkeypatch.setattr(
        "morosidad.training.selection.cross_validate", lambda *args, model, **options: measured[model]
    )
    X, y = small_frame()
    scorer = Scorer.train(X, y, model="auto")
    assert scorer.training["model"] == "glassbox"
    assert scorer.training["cross_validation"]["log_loss"] == 0.505
    assert scorer.training["instead of boosting"]["log_loss"] == 0.5
    assert choose(X, y, Schema.infer(X), model="boosting")[0] == "boosting"
    scorer.save(tmp_path / "m")
    assert main(["inspect", str(tmp_path / "m")]) == 0
    shown = capsys.readouterr().out
    assert "model: glassbox" in shown
    assert "instead of logistic log_loss: 0.5200" in shown
    assert "instead of boosting log_loss: 0.5000" in shown


def test_what_is_not_installed_is_not_tried_and_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "interpret.glassbox", None)
    monkeypatch.setattr("morosidad.training.selection.find_spec", lambda name: None)
    assert installed() == ("logistic", "boosting")
    X, y = small_frame()
    with pytest.raises(MissingExtra, match="glassbox"):
        fit(X, y, Schema.infer(X), model="glassbox")
