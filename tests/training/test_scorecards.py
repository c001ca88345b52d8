"""Scorecards: monotone bins, one sign, whatever the labels are."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from morosidad import Scorer
from morosidad.compiler import check_compiled
from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.training.scorecards import OneSignedRegression, scorecard_pipeline

pytest.importorskip("optbinning")


@pytest.fixture(scope="module")
def lent():
    rng = np.random.default_rng(5)
    n = 400
    edad = rng.integers(18, 80, n).astype(float)
    frame = pd.DataFrame(
        {
            "edad": np.where(rng.random(n) < 0.08, np.nan, edad),
            "deuda": rng.gamma(2.0, 500.0, n),
            "empleo": rng.choice(["fijo", "libre", "raro", None], n, p=[0.5, 0.4, 0.02, 0.08]),
            "garante": rng.random(n) < 0.4,
            "ruido": rng.normal(size=n),
        }
    )
    z = 0.05 * (45 - edad) + 0.001 * frame["deuda"] - 1.2 + (frame["empleo"] == "libre")
    return frame, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int).to_numpy()


def fitted(frame, labels, schema=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scorecard_pipeline(schema or Schema.infer(frame)).fit(frame, labels)


def test_a_scorecard_is_trained_and_compiled_to_tables(lent):
    frame, target = lent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = Scorer.train(frame, target, model="scorecard")
    assert scorer.plan.compiled
    assert scorer.plan.form == "Additive"
    applicant = {"edad": None, "deuda": 900.0, "empleo": "nuevo", "garante": True, "ruido": 0.5}
    decision = scorer.score_one(applicant)
    assert 0.0 < decision.probability < 1.0


def test_labels_of_any_kind_give_the_same_scorecard(lent):
    frame, target = lent
    expected = fitted(frame, target).predict_proba(frame)[:, 1]
    model = fitted(frame, np.where(target == 1, "malo", "bueno"))
    np.testing.assert_allclose(model.predict_proba(frame)[:, 1], expected, rtol=0, atol=1e-12)
    check_compiled(model, frame, positive="malo")


def test_the_risk_of_a_number_moves_one_way(lent):
    frame, target = lent
    model = fitted(frame, target)
    rows = pd.concat([frame.iloc[[0]]] * 60, ignore_index=True).assign(edad=np.linspace(18.0, 79.0, 60))
    assert (np.diff(model.predict_proba(rows)[:, 1]) <= 1e-12).all()


def test_a_declared_direction_is_kept(lent):
    frame, target = lent
    fields = [Field("edad", "number", monotonic_cst=1), Field("deuda", "number", monotonic_cst=1)]
    model = fitted(frame[["edad", "deuda"]], target, Schema(fields))
    rows = pd.DataFrame({"edad": np.linspace(18.0, 79.0, 60), "deuda": 900.0})
    assert (np.diff(model.predict_proba(rows)[:, 1]) >= -1e-12).all()


def test_no_coefficient_counts_against_its_evidence():
    rng = np.random.default_rng(0)
    evidence = rng.normal(size=(500, 1))
    noisy = evidence + 0.1 * rng.normal(size=(500, 1))
    X = np.hstack([evidence, 0.3 * evidence + noisy, -noisy])
    y = (rng.random(500) < 1 / (1 + np.exp(2 * evidence[:, 0]))).astype(int)
    model = OneSignedRegression().fit(X, y)
    assert (model.coef_ <= 0.0).all()
    assert not model.kept_[2]
    assert (model.coef_[0, ~model.kept_] == 0.0).all()
    assert model.kept_.any()


def test_what_tells_nothing_apart_is_refused():
    frame = pd.DataFrame({"unos": np.ones(60)})
    with pytest.raises(InvalidFrame, match="no field tells"):
        fitted(frame, np.arange(60) % 2, Schema([Field("unos", "number")]))


def test_without_optbinning_the_extra_is_named(monkeypatch, lent):
    monkeypatch.setitem(sys.modules, "optbinning", None)
    with pytest.raises(MissingExtra, match="scorecard"):
        scorecard_pipeline(Schema.infer(lent[0]))
