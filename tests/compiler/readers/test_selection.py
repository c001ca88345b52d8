"""Feature selection."""

from __future__ import annotations

import pytest
from compiler.columns import logistic, same_columns
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)

# -- selection -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selector",
    [
        SelectKBest(k=2),
        SelectPercentile(percentile=60),
        SelectFpr(alpha=0.9),
        SelectFdr(alpha=0.99),
        SelectFwe(alpha=0.99),
        GenericUnivariateSelect(mode="k_best", param=2),
        VarianceThreshold(10.0),
        SelectFromModel(logistic(), threshold="median"),
        RFE(logistic(), n_features_to_select=2),
        RFECV(logistic(), min_features_to_select=2, cv=2),
        SequentialFeatureSelector(logistic(), n_features_to_select=2, cv=2),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_feature_selection(selector, numbers, compiled_as_fitted):
    frame, target = numbers
    compiled_as_fitted(make_pipeline(selector, StandardScaler(), logistic()), frame, target)
    same_columns(selector, frame)


def test_a_selector_that_takes_no_missing_values_demands_the_columns_that_it_drops(
    numbers, compiled_as_fitted
):
    frame, target = numbers
    compiled = compiled_as_fitted(
        make_pipeline(SelectFromModel(logistic(), max_features=1), logistic()), frame, target
    )
    assert all(field.required for field in compiled.schema.fields)
