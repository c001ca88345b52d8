"""The gate on the user's own rows: what it says of a form that differs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from morosidad.compiler import compiles
from morosidad.compiler.gate import ambiguous_rows
from morosidad.errors import NotCompiledWarning
from morosidad.frames.layout import FrameLayout
from morosidad.scoring.scorer import Scorer

RNG = np.random.default_rng(0)


class Secret(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Does something to one number that made-up rows don't hold."""

    def fit(self, X: Any, y: Any = None) -> Secret:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        cells = np.array(X, dtype=float)
        cells[np.isclose(cells, 0.123456789, rtol=0, atol=1e-12)] = 40.0
        return cells


@compiles(Secret)
def secret(estimator: Any, columns: Any, compiler: Any) -> Any:
    return list(columns)


def test_a_difference_is_told_with_its_rows_and_fields() -> None:
    X = pd.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(size=200)})
    X.loc[77, "b"] = 0.123456789
    model = make_pipeline(Secret(), LogisticRegression()).fit(X, (X["a"] + X["b"] > 0).astype(int))
    with pytest.warns(NotCompiledWarning, match="the parity gate refused the compiled form"):
        scorer = Scorer(model, reference=X)
    expected = model.predict_proba(X.iloc[[77]])[0, 1]
    assert scorer.score_one(X.iloc[77].to_dict()).probability == pytest.approx(expected, abs=1e-12)


def test_rows_that_a_record_cannot_express_are_found() -> None:
    cells = pd.Series(["a", None, None, np.nan, "b"], dtype=object)
    frame = pd.DataFrame({"t": cells})
    layout = FrameLayout.of(frame, {"t": "t"})
    assert layout.columns[0].distinguishes
    assert layout.columns[0].absent == "none"
    assert ambiguous_rows(frame, layout).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("usual", ["None", "NaN"])
def test_what_a_record_cannot_express_is_in_the_plan(usual: str) -> None:
    cells = pd.Series(RNG.choice(["a", "b"], 60), dtype=object)
    often, rarely = (None, np.nan) if usual == "None" else (np.nan, None)
    cells[[3, 5, 8]], cells[[9, 11]] = often, rarely
    X = pd.DataFrame({"n": RNG.normal(size=60), "t": cells})
    y = (X["n"] + X["t"].isna() > 0.3).astype(int)
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["t"]), remainder="passthrough"
    )
    model = make_pipeline(encoder, LogisticRegression()).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(model, reference=X)
    assert f"a missing value stands for: t ({usual})" in str(scorer.plan)
    expected = model.predict_proba(X.iloc[[3]])[0, 1]
    found = scorer.score_one({"n": X["n"][3], "t": None}).probability
    assert found == pytest.approx(expected, abs=1e-12)
