"""Imputers that fill a gap from a record's other columns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it makes the next import possible
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema

COLUMNS = ["edad", "deuda", "ingresos"]


@pytest.fixture(scope="module")
def gaps(applicants):
    frame = applicants[0][COLUMNS].astype(float)
    frame.loc[::7, "ingresos"] = np.nan
    return frame, applicants[1]


STEPS = [
    IterativeImputer(max_iter=3, tol=1e-12, random_state=0),
    IterativeImputer(Ridge(), max_iter=2, min_value=0.0, add_indicator=True, tol=1e-12, random_state=0),
    IterativeImputer(max_iter=0),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize(
    "last", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)], ids=["sum", "tree"]
)
def test_gaps_are_filled_before_a_classifier(step, last, gaps, compiled_as_fitted):
    compiled = compiled_as_fitted(make_pipeline(StandardScaler(), step, last), *gaps)
    assert not compiled.form.shares_equally
    assert not any(field.required for field in compiled.schema.fields if field.name != "edad")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (KNNImputer(), "of rows equally far the last bit of a distance decides"),
        (IterativeImputer(max_iter=0, missing_values=-1.0), "missing_values=-1.0"),
        (IterativeImputer(sample_posterior=True, max_iter=1, random_state=0), "draws numbers"),
        (IterativeImputer(RandomForestRegressor(2), max_iter=1, random_state=0), "RandomForestRegressor"),
    ],
    ids=["nearest", "mark", "drawn", "forest"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_other_settings_are_left_to_the_original(step, why, gaps):
    frame, target = gaps
    frame = frame.fillna(-1.0) if getattr(step, "missing_values", 0) == -1.0 else frame
    pipeline = make_pipeline(step, LogisticRegression(max_iter=5000)).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match=why):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled
