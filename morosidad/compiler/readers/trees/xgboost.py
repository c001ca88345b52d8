"""Reader of XGBoost's boosters, from the JSON that they save.

Nothing is imported from XGBoost: a fitted estimator writes its own model down, and that is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.stacked import Stacked
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Fill, MissingBetween, Narrow
from morosidad.compiler.nodes.float_order import first_true, last_true
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.readers.linear import linear
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees, category_numbers
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def xgboost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> OnLogOdds:
    """Compile XGBoost's trees, or its linear model: numbers in 32 bits, and a sum in 32 bits."""
    booster = estimator.get_booster()
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    missing = float(np.float32(estimator.missing))
    known = objective == "binary:logistic" or (objective == "multi:softprob" and kind != "gblinear")
    if not known or math.isinf(missing):
        what = f"objective={objective!r}, booster={kind!r}, missing={estimator.missing!r}"
        raise NotCompilable(f"XGBClassifier({what}) has no compiled form")
    gradient = learner["gradient_booster"]
    model = gradient["gbtree"]["model"] if kind == "dart" else gradient["model"]
    if kind == "gblinear":
        return _line(model["weights"], learner, _with_gaps(columns, missing, compiler.sparse), compiler)
    best = booster.attr("best_iteration")  # whoever set it, XGBoost predicts with the trees up to it
    n_trees = len(model["trees"]) if best is None else model["iteration_indptr"][int(best) + 1]
    columns = _counted(model, learner, columns, compiler)
    columns = _with_gaps(columns, missing, compiler.sparse)
    subsets: list[frozenset[int]] = []
    trees = [_read_xgboost(tree, subsets) for tree in model["trees"][:n_trees]]
    for tree, weight in zip(trees, gradient.get("weight_drop", ()), strict=False):
        leaves = tree.left < 0
        tree.value[leaves] = (tree.value * np.float32(weight))[leaves]
    if objective == "multi:softprob":  # the second class's trees less the first one's are its log-odds
        for tree, label in zip(trees, model["tree_info"], strict=False):
            tree.value[:] = tree.value if label else -tree.value
    base = _base(learner["learner_model_param"]["base_score"])
    return build_trees(
        Boosting, trees, columns, compiler, rounding=as_float32, subsets=subsets, base=base, narrow=True
    )


def _base(written: str) -> float:
    """Give the log-odds that the trees are added to: of a probability, or of two classes' margins."""
    scores = [np.float32(score) for score in written.strip("[]").split(",")]
    if len(scores) == 2:
        return float(scores[1] - scores[0])
    odds = np.float32(1.0) / scores[0] - np.float32(1.0)
    return float(np.float32(-math.log(odds)))


def _line(
    weights: Sequence[float], learner: Mapping[str, Any], columns: Sequence[Expr], compiler: Compiler
) -> Stacked:
    """Make the sum of a linear booster: a missing number adds nothing."""
    *coef, intercept = np.array(weights, dtype=np.float32).astype(np.float64).tolist()
    base = _base(learner["learner_model_param"]["base_score"]) + intercept
    filled = [fold_constants(Fill(fold_constants(Narrow(column, "float32")), 0.0)) for column in columns]
    line = linear(np.array(coef), base, filled, compiler)
    empty = Additive(0.0, (), len(compiler.schema))
    return Stacked(empty, (line,), (1.0,), (True,), (math.inf,), narrow=True)


def _counted(
    model: Mapping[str, Any], learner: Mapping[str, Any], columns: Sequence[Expr], compiler: Compiler
) -> list[Expr]:
    """Give categories their numbers; before 3.1 XGBoost takes them from the frame that it is asked with."""
    encoded = model.get("cats", {}).get("enc", [])
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
