"""LightGBM, XGBoost and CatBoost: compiled as fitted, whatever they do with zero, missing and categories."""

from __future__ import annotations

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morosidad.compiler import Compiler, compile_pipeline
from morosidad.compiler.nodes.expressions import Raw, ZeroIsMissing
from morosidad.compiler.nodes.trees import Trees
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.readers.trees import catboost as catboost_reader
from morosidad.compiler.readers.trees import xgboost as xgboost_reader
from morosidad.compiler.registry import NotCompilable
from morosidad.errors import NotCompiledWarning
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["a", "b", "zeros", "count", "code"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = 900
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n) * 1e-3,
            "b": rng.normal(size=n) * 1e5,
            "zeros": np.where(rng.random(n) < 0.4, 0.0, rng.normal(size=n)),
            "count": rng.integers(0, 9, n),
            "code": rng.integers(0, 40, n).astype(float),
            "text": pd.Categorical(rng.choice(["x", "y", "z", "otro", "por su cuenta"], n)),
            "number": pd.Categorical(rng.choice([3, 1, 7], n)),
        }
    )
    z = frame["text"].isin(["x", "otro"]) * 1.0 + (frame["number"] == 7) + (frame["code"] % 3 == 1)
    z += (frame["a"] > 0) + (frame["zeros"].abs() > 0.5) + (frame["b"] > 2e4)
    for name in ("a", "code", "text"):
        frame.loc[rng.random(n) < 0.1, name] = np.nan
    return frame, (z + rng.normal(size=n) > 2.5).astype(int).to_numpy()


@pytest.fixture(params=["numba", "Python"])
def compiled_by(request, monkeypatch, data):
    """Fit, compile with each walker and be judged by the gate."""
    if request.param == "Python":
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        pytest.importorskip("numba")

    def run(model, names=NUMBERS, fill=False, **fit):
        X, y = data[0][names], data[1]
        X = X.fillna(0.0) if fill else X
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y, **fit)
            schema = Schema.infer(X)
            rows = as_rows(schema, X.to_dict("records"))
            kinds = {name: X[name].dtype for name in X if X[name].dtype == "category"}
            compiled = compile_pipeline(model, schema, rows[:300], dtypes=kinds)
        if compiled.compiled:
            assert compiled.parity.refused == 0
            _adds_up(compiled, rows[:20])
        return compiled

    return run


def _adds_up(compiled, rows):
    if not isinstance(compiled.form, Trees):
        return
    at_reference = compiled.form.walker.totals(np.ascontiguousarray(compiled.reference[:, None]))[0]
    for row in rows:
        p, shares = compiled.explain_one(row)
        moved = math.log(p / (1.0 - p)) - at_reference
        assert sum(shares) == pytest.approx(moved, abs=1e-5 if compiled.form.narrow else 1e-9)


EVERYTHING = [*NUMBERS, "text", "number"]


# -- LightGBM --------------------------------------------------------------------------------------


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


# -- XGBoost ---------------------------------------------------------------------------------------


def xgb(kind="XGBClassifier", **settings):
    xgboost = pytest.importorskip("xgboost")
    return getattr(xgboost, kind)(n_estimators=15, n_jobs=1, **settings)


@pytest.mark.parametrize("settings", [{}, {"base_score": 0.3}, {"kind": "XGBRFClassifier"}], ids=str)
def test_xgboost_however_it_is_set(settings, compiled_by):
    compiled = compiled_by(xgb(**settings))
    assert compiled.compiled, compiled.notes
    assert compiled.parity.tolerance == 1e-6


def test_xgboost_adds_up_bit_for_bit(compiled_by, data):
    model = xgb(max_depth=4, base_score=0.3).set_params(n_estimators=120)
    compiled = compiled_by(model)
    X = data[0][NUMBERS][:200]
    margins = model.predict(X, output_margin=True)
    table = np.ascontiguousarray(X.to_numpy(dtype=float).T)[[c.field for c in compiled.form.columns]]
    assert compiled.form.walker.totals(table).astype(np.float32).tolist() == margins.tolist()


def test_xgboost_with_categories(compiled_by):
    compiled = compiled_by(xgb(enable_categorical=True, max_cat_to_onehot=2), EVERYTHING)
    assert compiled.compiled, compiled.notes
    assert (compiled.form.subset >= 0).any()


def test_xgboost_that_cut_the_names_of_categories_short_is_left_to_answer_itself(compiled_by, data):
    class Cut:
        classes_ = (0, 1)
        missing = math.nan

        def get_booster(self):
            return self

        def save_raw(self, format):
            return json.dumps(
                {
                    "learner": {
                        "objective": {"name": "binary:logistic"},
                        "gradient_booster": {
                            "name": "gbtree",
                            "model": {
                                "trees": [],
                                "cats": {"enc": [{"offsets": [0, 1], "values": [-61]}]},
                            },
                        },
                    }
                }
            ).encode()

    with pytest.raises(NotCompilable, match="cut short"):
        xgboost_reader.xgboost(Cut(), [], None)


def test_xgboost_with_numbers_as_categories(compiled_by):
    kinds = ["q", "q", "q", "c", "c"]
    compiled = compiled_by(xgb(enable_categorical=True, feature_types=kinds, max_cat_to_onehot=2))
    assert compiled.compiled, compiled.notes
    assert (compiled.form.subset >= 0).any()


def test_xgboost_stopped_early_is_read_as_far_as_its_best(compiled_by, data):
    X, y = data
    model = xgb(early_stopping_rounds=3, learning_rate=0.9).set_params(n_estimators=200)
    compiled = compiled_by(model, eval_set=[(X[NUMBERS][:300], y[::-1][:300])], verbose=False)
    assert compiled.compiled, compiled.notes
    assert compiled.form.n_trees == model.best_iteration + 1


@pytest.mark.parametrize(
    "settings",
    [{"booster": "dart"}, {"booster": "gblinear"}, {"missing": 0.0}, {"objective": "binary:logitraw"}],
    ids=str,
)
def test_xgboost_that_is_no_plain_sum_is_left_to_answer_itself(settings, compiled_by):
    compiled = compiled_by(xgb(**settings), fill=True)
    assert "has no compiled form" in compiled.notes[0]


# -- CatBoost --------------------------------------------------------------------------------------


def cat(**settings):
    catboost = pytest.importorskip("catboost")
    return catboost.CatBoostClassifier(
        iterations=15, thread_count=1, verbose=0, allow_writing_files=False, **settings
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"nan_mode": "Max"}, {"grow_policy": "Depthwise"}, {"grow_policy": "Lossguide"}, {"depth": 1}],
    ids=str,
)
def test_catboost_however_it_grows(settings, compiled_by):
    compiled = compiled_by(cat(**settings))
    assert compiled.compiled, compiled.notes
    assert compiled.parity.max_difference <= 1e-12


def test_catboost_with_categories_is_left_to_answer_itself(compiled_by):
    compiled = compiled_by(cat(cat_features=["count"]), fill=True)
    assert "statistics of categories are hashed" in compiled.notes[0]


class FakeCatBoost:
    """A model that writes itself down as CatBoost does."""

    classes_ = (0, 1)

    def __init__(self, model):
        self.model = model

    def save_model(self, path, format):
        Path(path).write_text(json.dumps(self.model), encoding="utf-8")


def saved(**changes):
    split = {"border": 0.5, "float_feature_index": 1, "split_type": "FloatFeature"}
    other = {"border": 2.0, "float_feature_index": 0, "split_type": "FloatFeature"}
    tree = {"splits": [split, other], "leaf_values": [1.0, 2.0, 3.0, 4.0]}
    features = [
        {"feature_index": i, "flat_feature_index": 1 - i, "nan_value_treatment": kind}
        for i, kind in enumerate(["AsTrue", "AsIs"])
    ]
    model = {
        "features_info": {"float_features": features},
        "model_info": {"params": {"loss_function": {"type": "Logloss"}}},
        "oblivious_trees": [tree, {"splits": [], "leaf_values": [0.5]}],
        "scale_and_bias": [2.0, [0.25]],
    }
    return FakeCatBoost(model | changes)


@pytest.fixture
def form_of():
    schema = Schema([Field("x", "number"), Field("y", "number")])
    return lambda model: catboost_reader.catboost(model, [Raw(0), Raw(1)], Compiler(schema))


@pytest.mark.parametrize(
    ("x", "y", "leaf"),
    [
        (0.5, 2.0, 1.0),
        (0.6, 2.0, 2.0),
        (0.5, 2.1, 3.0),
        (0.6, 2.1, 4.0),
        (0.6, np.nan, 4.0),
        (np.nan, 2.0, 1.0),
    ],
)
def test_a_level_of_a_symmetric_tree_is_a_bit_of_the_leaf(x, y, leaf, form_of):
    form = form_of(saved())
    table = np.array([{0: [x], 1: [y]}[column.field] for column in form.columns])
    assert form.walker.totals(table)[0] == 0.25 + 2.0 * leaf + 2.0 * 0.5


@pytest.mark.parametrize(
    ("x", "y", "leaf"), [(0.0, 2.0, 1.0), (0.6, 2.0, 2.0), (0.6, 2.1, 3.0), (np.nan, 0.0, 1.0)]
)
def test_the_nodes_of_other_trees_hold_their_children(x, y, leaf, form_of):
    first, second = saved().model["oblivious_trees"][0]["splits"]
    below = {"split": second, "left": {"value": 2.0}, "right": {"value": 3.0}}
    tree = {"split": first, "left": {"value": 1.0}, "right": below}
    model = saved(trees=[tree, {"value": 0.5}])
    del model.model["oblivious_trees"]
    form = form_of(model)
    table = np.array([{0: [x], 1: [y]}[column.field] for column in form.columns])
    assert form.walker.totals(table)[0] == 0.25 + 2.0 * leaf + 2.0 * 0.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_info": {"params": {"loss_function": {"type": "MultiClass"}}}}, "loss_function='MultiClass'"),
        (
            {"oblivious_trees": [{"splits": [{"split_type": "OneHotFeature"}], "leaf_values": [0, 1]}]},
            "splits of type OneHotFeature",
        ),
        ({"features_info": {"float_features": [], "text_features": [1]}}, "text_features"),
    ],
)
def test_what_catboost_does_beyond_numbers_is_refused(changes, words, form_of):
    with pytest.raises(NotCompilable, match=words):
        form_of(saved(**changes))


def test_a_model_that_can_not_be_read_is_left_to_answer_itself(data):
    model = lgbm().fit(data[0][["a"]], data[1])
    model._Booster.model_to_string = lambda: "Tree=0\nobjective=binary"
    with pytest.warns(NotCompiledWarning):
        compiled = compile_pipeline(model, Schema.infer(data[0][["a"]]))
    assert not compiled.compiled
