"""XGBoost: compiled as fitted, whatever it does with zero, missing and categories."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from morosidad.compiler.readers.trees import xgboost as xgboost_reader
from morosidad.compiler.registry import NotCompilable

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
