"""Readers of scikit-learn's trees: one alone, forests, gradient boosting and histogram gradient boosting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.stacked import Stacked
from morosidad.compiler.forms.tabulation import tabulated
from morosidad.compiler.forms.walked import Boosting, Forest
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Narrow
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees
from morosidad.compiler.registry import Compiler, NotCompilable, compiles
from morosidad.frames.compatibility import allows_missing


@compiles("sklearn.DecisionTreeClassifier", "sklearn.ExtraTreeClassifier", of_default=True)
def tree(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Forest:
    """Compile one tree: a forest of one."""
    return _forest([estimator], columns, compiler)


@compiles(
    "imblearn.BalancedRandomForestClassifier",
    "sklearn.ExtraTreesClassifier",
    "sklearn.RandomForestClassifier",
    of_default=True,
)
def forest(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Forest:
    """Compile the mean of the trees' probabilities."""
    return _forest(estimator.estimators_, columns, compiler)


def _forest(estimators: Sequence[Any], columns: Sequence[Expr], compiler: Compiler) -> Forest:
    if not allows_missing(estimators[0]):
        compiler.require(*columns)
    trees = [_read(one.tree_, one.tree_.value[:, 0, compiler.default]) for one in estimators]
    return build_trees(Forest, trees, columns, compiler, rounding=as_float32)


@compiles("sklearn.GradientBoostingClassifier")
def gradient_boosting(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> OnLogOdds:
    """Compile the sum of the trees, each times the learning rate, and of the model that they begin with."""
    compiler.require(*columns)
    begins = estimator.init_ != "zero" and type(estimator.init_).__name__ != "DummyClassifier"
    base = 0.0
    if not begins:
        base = float(estimator._raw_predict_init(np.zeros((1, len(columns)), dtype=np.float32))[0, 0])
    # with the exponential loss the sum is half the log-odds
    factor = 2.0 if estimator.loss == "exponential" else 1.0
    trees = [
        _read(one.tree_, estimator.learning_rate * one.tree_.value[:, 0, 0] * factor)
        for one in estimator.estimators_[:, 0]
    ]
    boosting = build_trees(Boosting, trees, columns, compiler, rounding=as_float32, base=base * factor)
    if not begins:
        return tabulated(boosting)
    rounded = [fold_constants(Narrow(column, "float32")) for column in columns]
    first = compiler.second_class(estimator.init_, rounded)
    if not isinstance(first, OnLogOdds) or estimator.loss == "exponential":
        raise NotCompilable("GradientBoostingClassifier(init=<such a model>) has no compiled form")
    empty = Additive(0.0, (), len(compiler.schema))
    limits = (np.inf, _limit_of_init())
    return Stacked(empty, (boosting, first), (1.0, 1.0), (True, True), limits, narrow=True)


def _limit_of_init() -> float:
    """Give the log-odds beyond which scikit-learn holds those of the model that boosting begins with."""
    smallest = float(np.finfo(np.float32).eps)
    return float(np.log((1.0 - smallest) / smallest))


def _read(tree: Any, value: Any) -> Tree:
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        tree.missing_go_to_left,
        value,
    )


@compiles("sklearn.HistGradientBoostingClassifier")
def hist_gradient_boosting(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> OnLogOdds:
    """Compile the sum of the trees, with their native categories."""
    if estimator.is_categorical_ is not None:
        encoder = estimator._preprocessor.named_transformers_["encoder"]
        categorical = [bool(flag) for flag in estimator.is_categorical_]
        encoded = [column for column, flag in zip(columns, categorical, strict=True) if flag]
        numbers = [column for column, flag in zip(columns, categorical, strict=True) if not flag]
        columns = [*compiler.transform(encoder, encoded), *numbers]
    subsets: list[frozenset[int]] = []
    trees = [_read_hist(predictor, subsets) for (predictor,) in estimator._predictors]
    base = float(estimator._baseline_prediction.item())
    return tabulated(build_trees(Boosting, trees, columns, compiler, subsets=subsets, base=base))


def _read_hist(predictor: Any, subsets: list[frozenset[int]]) -> Tree:
    """Read a tree, and add its sets of categories to those of the trees before it."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    categorical = nodes["is_categorical"].astype(np.bool_) & ~leaf
    first = len(subsets)
    bits = np.unpackbits(predictor.raw_left_cat_bitsets.view(np.uint8), axis=1, bitorder="little")
    subsets += [frozenset(np.flatnonzero(row).tolist()) for row in bits]
    return Tree(
        np.where(leaf, -1, nodes["left"].astype(np.intp)),
        nodes["right"].astype(np.intp),
        nodes["feature_idx"],
        nodes["num_threshold"],
        nodes["missing_go_to_left"],
        nodes["value"],
        np.where(categorical, first + nodes["bitset_idx"].astype(np.intp), -1),
    )
