"""Directions of the risk: kept by every candidate, whatever the labels are; judged by scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from morosidad import Field, Schema, Scorer, check_monotone
from morosidad.errors import SettingsError
from morosidad.training.candidates.directed import DirectedRegression
from morosidad.training.directions import kept_directions
from morosidad.training.fitting import Search, train
from morosidad.training.search.folds import make_folds


def crooked(seed: int, n: int = 240) -> tuple[pd.DataFrame, Any]:
    """Make applicants whose risk moves with every number in both directions."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "a_1": rng.integers(0, 12, n),
            "k": rng.choice(["x", "y", "z"], n),
            "b": rng.gamma(2.0, 1.0, n),
        }
    )
    z = np.sin(2.0 * X["a"]) + 0.3 * abs(X["a_1"] - 6) - (X["k"] == "x") * X["b"] - 0.5
    X.loc[::9, "a"] = np.nan
    return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-z.fillna(0.0)))).to_numpy()


@pytest.mark.parametrize("model", ["logistic", "splines", "boosting", "scorecard", "glassbox"])
def test_every_kind_of_model_keeps_the_directions_whichever_label_means_default(model: str) -> None:
    pytest.importorskip({"scorecard": "optbinning", "glassbox": "interpret"}.get(model, "sklearn"))
    X, bad = crooked(7)
    directions = {"a": 1, "a_1": -1, "b": 1}
    first_last = [("good", "mad"), ("good", "bad")] if model != "boosting" else [("good", "bad")]
    for labels in first_last:
        y = np.where(bad, labels[1], labels[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scorer = Scorer.train(
                X, y, positive=labels[1], model=model, monotone=directions, progress=False, prefer="simple"
            )
        assert scorer.plan.compiled
        assert [found.verdict for found in check_monotone(scorer)] == ["held"] * 3
        assert scorer.schema["a_1"].monotonic == -1


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    signs=st.lists(st.sampled_from([-1, 0, 1]), min_size=4, max_size=4),
    C=st.sampled_from([0.03, 1.0, 30.0]),
    weighted=st.booleans(),
)
def test_the_regression_is_the_best_with_these_signs(
    seed: int, signs: list[int], C: float, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(80, 4)), columns=list("abcd"))
    y = (X["a"] - X["b"] + rng.normal(size=80) > 0).to_numpy()
    weights = rng.random(80) if weighted else None
    asked = {name: sign for name, sign in zip(X.columns, signs, strict=True) if sign}
    ours = DirectedRegression(asked, C=C).fit(X, y, weights)
    assert (ours.coef_[0] * signs >= 0.0).all()
    free = ours.coef_[0] != 0.0  # the best with these signs is the best of the columns that are left
    judge = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(
        X.to_numpy()[:, free] if free.any() else np.zeros((80, 1)), y, weights
    )
    if free.any():
        np.testing.assert_allclose(ours.coef_[0][free], judge.coef_[0], atol=2e-3)
    np.testing.assert_allclose(ours.intercept_, judge.intercept_, atol=2e-3)
    pull = (weights if weighted else np.ones(80)) * (y - ours.predict_proba(X)[:, 1])
    slopes = X.to_numpy().T @ pull
    assert (slopes[~free] * np.array(signs)[~free] <= 1e-3).all()  # what is held at 0 would go the wrong way


def test_columns_of_ramps_are_those_of_their_field_alone() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((200, 4)), columns=["a_0", "a_1", "a_1_0", "missingindicator_a"])
    y = X.sum(axis=1) + rng.normal(size=200) < 2.0  # every coefficient wants to be negative
    fitted = DirectedRegression({"a": 1}, ramps=True).fit(X, y)
    assert (fitted.coef_[0, :2] == 0.0).all()
    assert (fitted.coef_[0, 2:] < 0.0).all()


def test_a_fold_without_a_value_keeps_no_direction_and_fails_nothing() -> None:
    X, bad = crooked(3)
    X["casi"] = np.nan
    folds = make_folds(bad)
    held = folds.pairs[0][1]
    X.loc[held[:20], "casi"] = np.arange(20.0)  # all of its values lie in one fold
    schema = Schema([*Schema.infer(X).fields[:-1], Field("casi", "number", monotonic=1)])
    parts = [rows for rows, _ in folds.pairs]
    assert kept_directions(schema, X) == {"casi": 1}
    assert kept_directions(schema, X, parts, sign=-1) == {}
    trained = train(X, bad, schema=schema, search=Search(model="boosting", progress=False))
    assert trained.schema == schema


def test_what_has_no_direction_is_refused() -> None:
    X, bad = crooked(0)
    with pytest.raises(SettingsError) as caught:
        train(X, bad, monotone={"k": 1, "nadie": 1, "a": 2, "b": True})
    assert len(caught.value.problems) == 4
