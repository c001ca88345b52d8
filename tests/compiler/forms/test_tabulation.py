"""Boosting whose trees test one field each: tables, with the trees' own answers."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.proof.probe_rows import as_rows
from support import needed

NUMBERS = ["edad", "ingresos", "deuda", "atrasos"]


def exact(compiled, model, frame):
    """Check that the contributions add up to the log-odds less their mean."""
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    scores = model.decision_function(frame)
    for row, score in zip(rows, scores, strict=True):
        assert sum(compiled.explain_one(row)[1]) == pytest.approx(score - scores.mean(), abs=1e-9)


@pytest.mark.parametrize("monotonic", [None, [1, -1, 0, 1]], ids=str)
def test_boosting_without_interactions_becomes_one_table_for_each_field(
    monotonic, applicants, compiled_as_fitted
):
    frame, target = applicants
    model = HistGradientBoostingClassifier(
        max_iter=30,
        min_samples_leaf=5,
        interaction_cst="no_interactions",
        monotonic_cst=monotonic,
        random_state=0,
    )
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert isinstance(compiled.form, Additive)
    assert len(compiled.form.terms) == len(NUMBERS)
    exact(compiled, model, frame[NUMBERS])


@pytest.mark.parametrize("depth", [1, 3])
def test_native_categories_and_missing_values(depth, applicants, compiled_as_fitted):
    frame, target = applicants
    frame = frame.assign(empleo=frame["empleo"].astype("category"))[["empleo", "deuda", "garante"]]
    model = HistGradientBoostingClassifier(
        categorical_features="from_dtype",
        max_iter=20,
        max_depth=depth,
        min_samples_leaf=5,
        interaction_cst="no_interactions",
        random_state=0,
    )
    compiled = compiled_as_fitted(model, frame, target)
    assert isinstance(compiled.form, Additive)
    exact(compiled, model, frame)


def test_stumps_behind_encoders_compare_as_their_library_does(applicants, compiled_as_fitted):
    frame, target = applicants
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    parts = ColumnTransformer(
        [
            ("numbers", SimpleImputer(add_indicator=True), NUMBERS),
            ("codes", codes, ["empleo"]),
            ("columns", OneHotEncoder(handle_unknown="ignore"), ["vivienda"]),
        ],
        sparse_threshold=0,
    )
    model = make_pipeline(parts, GradientBoostingClassifier(n_estimators=60, max_depth=1, random_state=0))
    compiled = compiled_as_fitted(model, frame, target)
    assert isinstance(compiled.form, Additive)
    exact(compiled, model, frame)


def test_the_exponential_losses_stumps(applicants, compiled_as_fitted):
    frame, target = applicants
    model = GradientBoostingClassifier(n_estimators=20, max_depth=1, loss="exponential", random_state=0)
    assert isinstance(compiled_as_fitted(model, frame[["edad", "ingresos"]], target).form, Additive)


def test_stumps_of_lightgbm(applicants, compiled_as_fitted):
    needed(find_spec("lightgbm") is not None, "lightgbm")
    from lightgbm import LGBMClassifier

    frame, target = applicants
    model = LGBMClassifier(n_estimators=20, num_leaves=2, min_child_samples=5, verbose=-1, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert isinstance(compiled.form, Additive)


def test_trees_of_several_fields_stay_trees(applicants, compiled_as_fitted):
    frame, target = applicants
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
    assert isinstance(compiled_as_fitted(model, frame[NUMBERS], target).form, Boosting)


def test_trees_of_one_leaf_go_to_the_intercept(compiled_as_fitted, applicants):
    frame, _ = applicants
    target = np.arange(len(frame)) % 2
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=len(frame), random_state=0)
    form = compiled_as_fitted(model, frame[NUMBERS], target).form
    assert isinstance(form, Additive)
    assert form.terms == ()
