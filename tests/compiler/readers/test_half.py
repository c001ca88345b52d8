"""Columns of float16 behind scalers: each step rounds as scikit-learn's does."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from morosidad import MorosidadError, Scorer


def halves(*, gaps: bool) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {"a": rng.normal(50, 9, 120), "b": rng.normal(1000, 300, 120), "c": rng.random(120)}
    frame = pd.DataFrame(made).astype("float16")
    target = (frame["a"] + rng.normal(0, 9, 120) > 50).to_numpy().astype(int)
    return frame.mask(rng.random(frame.shape) < 0.1) if gaps else frame, target


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        MinMaxScaler(clip=True),
        MinMaxScaler(),
        MaxAbsScaler(),
        RobustScaler(),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["gaps", "one column", "another type beside"])
def test_scaled_columns_of_float16_are_compiled_and_equal(scaler, kind):
    frame, target = halves(gaps=kind == "gaps")
    steps = [SimpleImputer(), scaler]
    if kind == "one column":
        steps = [make_column_transformer((scaler, ["a"]), (SimpleImputer(), ["b", "c"]))]
    elif kind == "another type beside":
        frame = frame.astype({"c": "float64"})
    model = make_pipeline(*steps, LogisticRegression()).fit(frame, target)
    scorer = Scorer(model, reference=frame)
    assert scorer.plan.compiled, scorer.plan.notes
    some = frame.iloc[::8]
    expected = [model.predict_proba(some.iloc[[i]])[0, 1] for i in range(len(some))]
    records = [
        {name: None if np.isnan(value) else float(value) for name, value in row.items()}
        for _, row in some.iterrows()
    ]
    found = [scorer.score_one(record).probability for record in records]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scorer.score_frame(some)["probability"], expected, rtol=0, atol=1e-12)


def test_what_float16_can_not_hold_once_it_is_scaled_is_refused_as_by_the_original():
    frame, target = halves(gaps=False)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[["c"]], target)
    scorer = Scorer(model, reference=frame[["c"]])
    assert scorer.plan.compiled
    assert scorer.score_one({"c": 15_000.0}).probability in (0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the overflow
        with pytest.raises(ValueError, match="infinity"):
            model.predict_proba(pd.DataFrame({"c": [60_000.0]}, dtype="float16"))
        with pytest.raises(MorosidadError):
            scorer.score_one({"c": 60_000.0})
