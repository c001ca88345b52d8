"""Regressors that stand before another step, and indicators of leaves."""

from __future__ import annotations

import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    RandomForestRegressor,
    RandomTreesEmbedding,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

from morosidad.compiler import compile_pipeline
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema

MEMBERS = [
    ("tree", DecisionTreeRegressor(max_depth=3, random_state=0)),
    ("extra", ExtraTreeRegressor(max_depth=2, random_state=0)),
    ("forest", RandomForestRegressor(3, max_depth=2, random_state=0)),
    ("extras", ExtraTreesRegressor(2, max_depth=2, random_state=0)),
    ("line", LinearRegression()),
    ("ridge", Ridge()),
]


@pytest.mark.parametrize(
    "step",
    [
        RandomTreesEmbedding(3, max_depth=2, random_state=0),
        RandomTreesEmbedding(2, max_depth=3, sparse_output=False, random_state=0),
        VotingRegressor(MEMBERS),
        StackingRegressor(MEMBERS, cv=2),
        StackingRegressor(MEMBERS[:1], passthrough=True, cv=2),
    ],
    ids=["leaves", "leaves of numbers", "vote", "stack", "passed on"],
)
@pytest.mark.parametrize("last", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)])
def test_what_regressors_predict_goes_into_a_classifier(step, last, numbers, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(StandardScaler(), step, last), *numbers)


@pytest.mark.parametrize("kind", [VotingRegressor, StackingRegressor])
def test_other_regressors_are_left_to_the_original(kind, numbers):
    frame, target = numbers
    pipeline = make_pipeline(kind([("near", KNeighborsRegressor())]), LogisticRegression()).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="KNeighborsRegressor"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled
