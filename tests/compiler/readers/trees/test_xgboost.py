"""XGBoost: compiled as fitted, whatever it does with zero, missing and categories."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.readers.trees import xgboost as xgboost_reader
from morosidad.compiler.registry import NotCompilable
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check

NUMBERS = ["a", "b", "zeros", "count", "code"]
EVERYTHING = [*NUMBERS, "text", "number"]


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


DART = {"booster": "dart", "rate_drop": 0.3, "random_state": 0}


@pytest.mark.parametrize(
    "settings",
    [
        DART,
        {"objective": "multi:softprob", "num_class": 2, "max_depth": 3},
        {"objective": "multi:softprob", "num_class": 2, "num_parallel_tree": 2, **DART},
    ],
    ids=["dart", "softprob", "softprob of dart"],
)
def test_xgboost_whose_trees_have_weights_or_classes(settings, compiled_by):
    compiled = compiled_by(xgb(**settings), EVERYTHING[:5])
    assert compiled.compiled, compiled.notes
    assert compiled.parity.tolerance == 1e-6


@pytest.mark.parametrize("missing", [np.nan, 0.0])
def test_a_line_of_xgboost_is_a_sum(missing, compiled_by):
    compiled = compiled_by(xgb(booster="gblinear", missing=missing), ["a", "zeros", "count", "code"])
    assert compiled.compiled, compiled.notes
    assert compiled.parity.tolerance == 1e-6
    form = unpack(*pack(compiled.form))
    check(form, len(compiled.schema))


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

        def attr(self, name):
            return None

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


@pytest.mark.parametrize("way", ["callback", "booster", "forgotten", "never"])
def test_the_best_iteration_counts_whoever_set_it(way, compiled_by, data):
    X, y = data[0][NUMBERS], data[1]
    model = xgb(learning_rate=0.9).set_params(n_estimators=40)
    fit = {"eval_set": [(X[:300], y[::-1][:300])], "verbose": False}
    if way == "callback":
        callbacks = pytest.importorskip("xgboost").callback
        compiled = compiled_by(model.set_params(callbacks=[callbacks.EarlyStopping(rounds=3)]), **fit)
    else:
        model.fit(X, y)
        best = {"booster": 4, "forgotten": 6}.get(way)
        if best is not None:
            model.get_booster().best_iteration = best
        model.set_params(early_stopping_rounds=3 if way == "never" else None)
        model.fit = lambda *_: model
        compiled = compiled_by(model)
    assert compiled.compiled, compiled.notes
    best = model.get_booster().attr("best_iteration")
    assert compiled.form.n_trees == (40 if best is None else int(best) + 1)


@pytest.mark.parametrize("missing", [-999, 0, 0.1, 3.0, 16777217])
def test_a_number_that_means_missing(missing, compiled_by, data):
    compiled = compiled_by(xgb(missing=missing))
    assert compiled.compiled, compiled.notes


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("settings", [{}, {"missing": 1.0}], ids=str)
def test_zeros_of_a_sparse_matrix_are_missing(settings, threshold, compiled_by):
    parts = [
        ("codes", OneHotEncoder(handle_unknown="ignore"), ["count"]),
        ("numbers", MaxAbsScaler(), ["zeros", "b"]),
    ]
    columns = ColumnTransformer(parts, sparse_threshold=threshold)
    compiled = compiled_by(make_pipeline(columns, xgb(**settings)))
    assert columns.sparse_output_ == (threshold > 0)
    assert compiled.compiled, compiled.notes


@pytest.mark.parametrize(
    "settings",
    [
        {"missing": np.inf},
        {"objective": "binary:hinge"},
        {"objective": "binary:logitraw"},
        {"booster": "gblinear", "objective": "multi:softprob", "num_class": 2},
    ],
    ids=str,
)
def test_xgboost_that_is_no_plain_sum_is_left_to_answer_itself(settings, compiled_by):
    compiled = compiled_by(xgb(**settings), fill=True)
    assert "has no compiled form" in compiled.notes[0]


@pytest.mark.parametrize("seed", [0, 1])
def test_an_isotonic_line_behind_it_goes_by_its_probabilities_of_32_bits(seed, compiled_by, data):
    booster = xgb(max_depth=3, random_state=seed, subsample=0.7)
    model = CalibratedClassifierCV(booster, method="isotonic", cv=3)
    compiled = compiled_by(model)
    assert compiled.compiled, compiled.notes
    lines = [part.calibrators[0] for part in model.calibrated_classifiers_]
    assert all(line.X_thresholds_.dtype == np.float32 for line in lines)
    form = unpack(*pack(compiled.form))
    check(form, len(compiled.schema))
    X = data[0][NUMBERS][:100]
    rows = as_rows(compiled.schema, X.to_dict("records"))
    expected = model.predict_proba(X)[:, 1]
    batch = ColumnBatch.of_records(rows, len(compiled.schema))
    np.testing.assert_allclose(form.batch(batch), expected, rtol=0, atol=3e-7)
    told = [compiled.explain_one(row) for row in rows]
    assert [answer for answer, _ in told] == [compiled.predict_one(row) for row in rows]
    np.testing.assert_allclose([answer for answer, _ in told], expected, rtol=0, atol=3e-7)
    assert np.ptp([answer - sum(shares) for answer, shares in told]) < 1e-6
