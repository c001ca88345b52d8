"""What candidates are made of: judged by numpy, by scikit-learn, and compiled as it was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from morosidad import Schema, Scorer
from morosidad.training.candidates.encoding import CandidatePreprocessor, SplinePreprocessor
from morosidad.training.candidates.pooling import LogOddsPool, fit_weighted
from morosidad.training.candidates.ramps import Ramps, knots
from morosidad.training.candidates.table import FitTask, candidates
from support import small_frame


def test_ramps_are_the_share_of_the_way_between_knots() -> None:
    x = np.arange(101.0)
    fitted = Ramps(5).fit(x[:, None])
    assert fitted.knots_[0].tolist() == [1.0, 25.0, 50.0, 75.0, 99.0]
    asked = np.array([[-9.0], [13.0], [60.0], [500.0], [np.nan]])
    assert fitted.transform(asked).tolist() == [
        [0, 0, 0, 0],
        [0.5, 0, 0, 0],
        [1, 1, 0.4, 0],
        [1, 1, 1, 1],
        [1, 1, 0, 0],  # the median
    ]
    assert fitted.get_feature_names_out(["a"]).tolist() == ["a_0", "a_1", "a_2", "a_3"]
    assert fitted.get_feature_names_out().tolist()[0] == "x0_0"


@given(
    st.lists(st.floats(-1e12, 1e12) | st.integers(0, 3).map(float), max_size=60),
    st.sampled_from([(), (-9.0,) * 9, (96.0,) * 5 + (98.0,) * 30]),
)
@settings(max_examples=60, deadline=None)
def test_knots_rise_and_codes_have_their_own(values: list[float], codes: tuple[float, ...]) -> None:
    found = knots(np.array([*values, *codes]), 9)
    assert len(found) >= 2
    assert (np.diff(found) > 0).all()


def test_proper_values_have_no_share_in_the_effect_of_a_code() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.poisson(0.5, 500).astype(float), np.full(20, 98.0)])
    at = knots(x, 9)
    assert 98.0 in at
    assert at[-2] == x[x < 98].max()


def hard_frame(n: int = 600) -> tuple[pd.DataFrame, Any]:
    """Codes, gaps, an empty and a constant column, heavy tails, very many categories."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "ingreso": rng.lognormal(7, 2, n),
            "moras": np.where(rng.random(n) < 0.04, 98, rng.poisson(0.6, n)),
            "vacio": np.full(n, np.nan),
            "fijo": 7,
            "zona": rng.choice([f"z{i}" for i in range(120)], n),
            "empleo": rng.choice(["fijo", "libre", "raro"], n, p=[0.6, 0.395, 0.005]),
            "titular": rng.choice([True, False], n),
        }
    )
    X.loc[rng.random(n) < 0.2, "ingreso"] = np.nan
    X.loc[rng.random(n) < 0.1, "empleo"] = None
    y = (rng.random(n) < expit(-1.5 + X["moras"].clip(0, 3) + (X["empleo"] == "libre"))).astype(int)
    return X, np.asarray(y)


@pytest.mark.parametrize("name", ["splines", "boosting-4", "pool"])
def test_hard_data_are_learnt_and_compiled(name: str) -> None:
    X, y = hard_frame()
    schema = Schema.infer(X)
    made = {
        one.name: one.make(FitTask(schema, len(X))) for one in candidates("splines") + candidates("boosting")
    }
    model = (
        LogOddsPool([made["splines"], made["boosting-8"]], [0.4, 0.6], 0.3) if name == "pool" else made[name]
    )
    fitted = clone(model).fit(X, y)
    scorer = Scorer(fitted, schema=schema, reference=X)
    assert scorer.plan.compiled, scorer.plan
    strange = X.head(40).assign(empleo="nuevo", zona="z999", ingreso=1e15)
    for frame in (X, strange):
        expected = fitted.predict_proba(frame)[:, 1]
        np.testing.assert_allclose(scorer.predict_proba(frame)[:, 1], expected, rtol=0, atol=1e-12)


def test_a_pool_is_the_weighted_sum_of_log_odds() -> None:
    X, y = small_frame(200)
    schema = Schema.infer(X)
    members = [make_pipeline(SplinePreprocessor(schema, quantiles=q), LogisticRegression()) for q in (3, 9)]
    pool = LogOddsPool(members, [0.3, 0.9], -0.2).fit(X, y)
    parts = [logit(clone(member).fit(X, y).predict_proba(X)[:, 1]) for member in members]
    expected = expit(0.3 * parts[0] + 0.9 * parts[1] - 0.2)
    np.testing.assert_allclose(pool.predict_proba(X)[:, 1], expected, rtol=0, atol=1e-12)
    assert (pool.predict(X) == (expected > 0.5)).all()
    assert clone(pool).get_params()["weights"] == [0.3, 0.9]


def test_weights_reach_the_model() -> None:
    X, y = small_frame(200)
    weights = np.where(np.arange(200) < 100, 0.0, 2.0)
    made = make_pipeline(SplinePreprocessor(Schema.infer(X)), LogisticRegression())
    weighted = fit_weighted(clone(made), X, y, weights)
    assert not np.allclose(weighted.predict_proba(X), clone(made).fit(X, y).predict_proba(X))
    bare = LogisticRegression()
    numbers = X[["moras"]].to_numpy()
    expected = LogisticRegression().fit(numbers, y, sample_weight=weights).coef_
    assert fit_weighted(bare, numbers, y, weights).coef_ == pytest.approx(expected)


def test_a_training_row_is_not_encoded_by_its_own_answer() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": [f"a{i}" for i in range(300)]})
    y = rng.integers(0, 2, 300)
    shares = CandidatePreprocessor(Schema.infer(X)).fit_transform(X, y)[:, 0]
    assert abs(np.corrcoef(shares, y)[0, 1]) < 0.3
