"""CatBoost: compiled as fitted, whatever it does with zero, missing and categories."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from morosidad.compiler import Compiler
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.readers.trees import catboost as catboost_reader
from morosidad.compiler.registry import NotCompilable
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema


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
