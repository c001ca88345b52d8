"""LightGBM: compiled as fitted, whatever it does with zero, missing and categories."""

from __future__ import annotations

import numpy as np
import pytest

from morosidad.compiler import compile_pipeline
from morosidad.compiler.nodes.expressions import Raw, ZeroIsMissing
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema

NUMBERS = ["a", "b", "zeros", "count", "code"]
EVERYTHING = [*NUMBERS, "text", "number"]


def lgbm(**settings):
    lightgbm = pytest.importorskip("lightgbm")
    return lightgbm.LGBMClassifier(n_estimators=15, min_child_samples=5, verbose=-1, n_jobs=1, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        {"boosting_type": "dart"},
        {"objective": "cross_entropy"},
        {"objective": "binary", "sigmoid": 0.7},
        {"min_split_gain": 1e9},
    ],
    ids=str,
)
def test_lightgbm_however_it_is_set(settings, compiled_by):
    compiled = compiled_by(lgbm(**settings))
    assert compiled.compiled, compiled.notes
    assert compiled.parity.max_difference <= 1e-12


def test_lightgbm_where_a_zero_is_missing_counts_it_as_missing_for_what_comes_behind():
    column = ZeroIsMissing(Raw(0))
    assert column.may_be_missing(frozenset())
    assert np.isnan(column.compute(np.array([0.0, 1e-36, -1e-36, 1e-34]))).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_lightgbm_with_categories(compiled_by):
    compiled = compiled_by(lgbm(min_data_per_group=5, cat_smooth=1, max_cat_to_onehot=2), EVERYTHING)
    assert compiled.compiled, compiled.notes
    assert (compiled.form.subset >= 0).any()


def test_lightgbm_with_numbers_as_categories(compiled_by):
    compiled = compiled_by(
        lgbm(min_data_per_group=5, cat_smooth=1), categorical_feature=["count", "code", "zeros"]
    )
    assert compiled.compiled, compiled.notes
    assert compiled.predict_one((0.0, 0.0, 0.0, 3, 7.9)) == compiled.predict_one((0.0, 0.0, 0.0, 3, 7.0))


def test_lightgbm_stopped_early_is_read_as_far_as_its_best(compiled_by, data):
    lightgbm = pytest.importorskip("lightgbm")
    X, y = data
    model = lgbm(learning_rate=0.5).set_params(n_estimators=200)
    stop = lightgbm.early_stopping(3, verbose=False)
    compiled = compiled_by(model, eval_set=[(X[NUMBERS][:300], y[::-1][:300])], callbacks=[stop])
    assert compiled.compiled, compiled.notes
    assert compiled.form.n_trees == model.best_iteration_ < 200


@pytest.mark.parametrize(
    "settings",
    [{"linear_tree": True}, {"objective": lambda y, p: (p - y, np.ones(len(y)))}],
    ids=["linear", "own"],
)
def test_lightgbm_that_is_no_sum_of_leaves_is_left_to_answer_itself(settings, compiled_by):
    compiled = compiled_by(lgbm(**settings), fill=True)
    assert "LGBMClassifier with this objective or with linear trees" in compiled.notes[0]


def test_lightgbm_with_two_kinds_of_categories_is_left_to_answer_itself(compiled_by):
    compiled = compiled_by(lgbm(), EVERYTHING, categorical_feature=["count", "text", "number"])
    assert "both pandas categories and others" in compiled.notes[0]


def test_a_model_that_can_not_be_read_is_left_to_answer_itself(data):
    model = lgbm().fit(data[0][["a"]], data[1])
    model._Booster.model_to_string = lambda: "Tree=0\nobjective=binary"
    with pytest.warns(NotCompiledWarning):
        compiled = compile_pipeline(model, Schema.infer(data[0][["a"]]))
    assert not compiled.compiled
