"""Reader of CatBoost's classifiers, from the JSON that they save.

Nothing is imported from CatBoost: a fitted estimator writes its own model down, and that is read.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("catboost.CatBoostClassifier")
def catboost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Boosting:
    """Compile CatBoost's trees of numbers; what it makes of categories has no compiled form."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = json.loads(path.read_text(encoding="utf-8"))
    features = model["features_info"]
    others = [name for name in features if name != "float_features" and features[name]]
    if others:
        raise NotCompilable(
            f"CatBoostClassifier with {' and '.join(others)} has no compiled form: its statistics of "
            f"categories are hashed; encode them in front of it (TargetEncoder, OneHotEncoder)"
        )
    loss = model["model_info"]["params"]["loss_function"]["type"]
    if loss not in ("Logloss", "CrossEntropy"):
        raise NotCompilable(f"CatBoostClassifier(loss_function={loss!r}) has no compiled form")
    by_place = {f["feature_index"]: f for f in features["float_features"]}
    scale, (bias,) = model["scale_and_bias"]
    if "trees" in model:
        trees = [_read_unfolded(tree, by_place, scale) for tree in model["trees"]]
    else:
        trees = [_read_oblivious(tree, by_place, scale) for tree in model["oblivious_trees"]]
    return build_trees(Boosting, trees, columns, compiler, rounding=as_float32, base=float(bias))


def _read_oblivious(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """Read a tree with one test on each level: the first decides the lowest bit of the leaf's place."""
    tests = [_test(split, features) for split in tree["splits"]]
    depth, leaves = len(tests), tree["leaf_values"]
    rows: list[tuple[float, ...]] = []
    for level, test in enumerate(tests):
        rows += [(2 * i + 1, 2 * i + 2, *test, 0.0) for i in range(2**level - 1, 2 ** (level + 1) - 1)]
    for path in range(2**depth):
        place = int(f"{path:0{depth}b}"[::-1], 2)
        rows.append((-1, -1, 0, 0.0, False, scale * leaves[place]))
    return Tree(*np.array(rows, dtype=float).T)


def _read_unfolded(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """Read a tree whose nodes hold their children."""
    rows: list[tuple[float, ...]] = []

    def read(node: Mapping[str, Any]) -> int:
        place = len(rows)
        if "value" in node:
            rows.append((-1, -1, 0, 0.0, False, scale * node["value"]))
        else:
            rows.append(())
            test = _test(node["split"], features)
            rows[place] = (read(node["left"]), read(node["right"]), *test, 0.0)
        return place

    read(tree)
    return Tree(*np.array(rows, dtype=float).T)


def _test(split: Mapping[str, Any], features: Mapping[int, Any]) -> tuple[int, float, bool]:
    """Read a test: the column, the threshold, and whether a missing number goes left."""
    if split["split_type"] != "FloatFeature":
        raise NotCompilable(
            f"CatBoostClassifier with splits of type {split['split_type']} has no compiled form"
        )
    feature = features[split["float_feature_index"]]
    return feature["flat_feature_index"], split["border"], feature["nan_value_treatment"] != "AsTrue"
