"""Reader of XGBoost's boosters, from the JSON that they save.

Nothing is imported from XGBoost: a fitted estimator writes its own model down, and that is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import MissingBetween
from morosidad.compiler.nodes.float_order import first_true, last_true
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees, category_numbers
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def xgboost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Boosting:
    """Compile XGBoost's trees: numbers in 32 bits, and a sum in 32 bits."""
    booster = estimator.get_booster()
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    missing = float(np.float32(estimator.missing))
    if objective != "binary:logistic" or kind != "gbtree" or math.isinf(missing):
        what = f"objective={objective!r}, booster={kind!r}, missing={estimator.missing!r}"
        raise NotCompilable(f"XGBClassifier({what}) has no compiled form")
    model = learner["gradient_booster"]["model"]
    best = booster.attr("best_iteration")  # whoever set it, XGBoost predicts with the trees up to it
    n_trees = len(model["trees"]) if best is None else model["iteration_indptr"][int(best) + 1]
    columns = _counted(learner, columns, compiler)
    columns = _with_gaps(columns, missing, compiler.sparse)
    subsets: list[frozenset[int]] = []
    trees = [_read_xgboost(tree, subsets) for tree in model["trees"][:n_trees]]
    probability = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    odds = np.float32(1.0) / probability - np.float32(1.0)
    base = float(np.float32(-math.log(odds)))
    return build_trees(
        Boosting, trees, columns, compiler, rounding=as_float32, subsets=subsets, base=base, narrow=True
    )


def _counted(learner: Mapping[str, Any], columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Give categories their numbers; before 3.1 XGBoost takes them from the frame that it is asked with."""
    encoded = learner["gradient_booster"]["model"].get("cats", {}).get("enc", [])
    levels = [_decode(each) for each in encoded] + [[]] * (len(columns) - len(encoded))
    kinds = learner.get("feature_types") or [""] * len(columns)
    counted: list[Expr] = []
    for column, known, kind in zip(columns, levels, kinds, strict=True):
        names = known or (compiler.categories(column) if kind == "c" else None)
        counted.append(category_numbers(column, names) if names else column)
    return counted


def _with_gaps(columns: Sequence[Expr], missing: float, sparse: bool) -> Sequence[Expr]:
    """Make missing what XGBoost takes for it: one number, rounded to 32 bits, and a sparse matrix's zeros."""
    if not math.isnan(missing):
        low = first_true(lambda values: as_float32(values) >= missing, 1)[0]
        high = last_true(lambda values: as_float32(values) <= missing, 1)[0]
        columns = [fold_constants(MissingBetween(column, float(low), float(high))) for column in columns]
    if sparse:
        columns = [fold_constants(MissingBetween(column, 0.0, 0.0)) for column in columns]
    return columns


def _decode(encoded: Mapping[str, Any]) -> list[Any]:
    """Read a column's categories: text as bytes end to end with where each begins, or numbers."""
    values = list(encoded["values"])
    if "offsets" not in encoded:
        return values
    text = bytes(value % 256 for value in values)
    ends = zip(encoded["offsets"], encoded["offsets"][1:], strict=False)
    try:
        return [text[start:end].decode() for start, end in ends]
    except UnicodeDecodeError:  # XGBoost 3.1 counts letters where it means bytes
        raise NotCompilable(
            "XGBClassifier with categories whose names it has cut short (letters beyond ASCII) has no "
            "compiled form; rename them, or encode them in front of it"
        ) from None


def _read_xgboost(tree: Mapping[str, Any], subsets: list[frozenset[int]]) -> Tree:
    """Read one tree. Numbers *below* a threshold go left, and categories that are *not* in a set."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    subset = np.full(len(left), -1)
    nodes, starts, sizes = tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"]
    for node, start, size in zip(nodes, starts, sizes, strict=True):
        subset[node] = len(subsets)
        subsets.append(frozenset(tree["categories"][start : start + size]))
    turned, default_left = subset >= 0, np.array(tree["default_left"], dtype=bool)
    return Tree(
        left=np.where(turned, right, left),
        right=np.where(turned, left, right),
        column=np.array(tree["split_indices"]),
        threshold=np.nextafter(condition, np.float32(-np.inf)),
        missing_left=default_left ^ turned,
        value=condition,
        subset=subset,
    )
