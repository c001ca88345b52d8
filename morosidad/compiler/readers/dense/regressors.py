"""Readers of regressors that stand before another step: what they predict is a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.dense.algebra import Affine
from morosidad.compiler.nodes.dense.leaves import Leaves
from morosidad.compiler.nodes.expressions import Narrow
from morosidad.compiler.nodes.lookups import Lookup, SparseColumn, Table, fold_constants
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, NotCompilable, class_name, compiles

_TREES = {"sklearn.DecisionTreeRegressor", "sklearn.ExtraTreeRegressor"}
_FORESTS = {"sklearn.ExtraTreesRegressor", "sklearn.RandomForestRegressor"}
LINEAR = {
    "sklearn.ARDRegression",
    "sklearn.BayesianRidge",
    "sklearn.ElasticNet",
    "sklearn.ElasticNetCV",
    "sklearn.HuberRegressor",
    "sklearn.Lasso",
    "sklearn.LassoCV",
    "sklearn.LinearRegression",
    "sklearn.LinearSVR",
    "sklearn.Ridge",
    "sklearn.RidgeCV",
    "sklearn.SGDRegressor",
}


@compiles("sklearn.RandomTreesEmbedding")
def leaf_indicators(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a column of zeros and ones for each leaf of each tree."""
    encoder = estimator.one_hot_encoder_
    reached = leaves([tree.tree_ for tree in estimator.estimators_], columns, compiler)
    compiler.sparse = bool(encoder.sparse_output)
    found: list[Expr] = []
    for leaf, known in zip(reached, encoder.categories_, strict=True):
        keys = tuple(np.asarray(known).astype(int).tolist())
        ones = (np.array([place], dtype=np.int32) for place in range(len(keys)))
        found += [Lookup(leaf, SparseColumn(keys, 0.0, one, np.ones(1))) for one in ones]
    return found


@compiles("sklearn.StackingRegressor", as_step=True)
def stacked_predictions(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile what the members of a stack predict, and the columns themselves where they are passed on."""
    found = [predicted(member, columns, compiler) for member in estimator.estimators_]
    if not estimator.passthrough:
        compiler.sparse = False
        return found
    return [*found, *columns]


@compiles("sklearn.VotingRegressor", as_step=True)
def voted_predictions(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile what the members of a vote predict."""
    compiler.sparse = False
    return [predicted(member, columns, compiler) for member in estimator.estimators_]


def predicted(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Expr:
    """Make the column that a fitted regressor predicts.

    Parameters
    ----------
    estimator : object
        A tree, a forest or a linear model of scikit-learn.
    columns : sequence of Expr
        What it is given.
    compiler : Compiler
        Takes the demands.

    Returns
    -------
    Expr

    Raises
    ------
    NotCompilable
        If it is another regressor.
    """
    name = class_name(type(estimator))
    if name in _TREES:
        return leaf_values(estimator.tree_, estimator.tree_.value[:, 0, 0], columns, compiler)
    if name in _FORESTS:
        members = [predicted(member, columns, compiler) for member in estimator.estimators_]
        return _weighted(np.full(len(members), 1.0 / len(members)), 0.0, members, compiler)
    if name not in LINEAR:
        raise NotCompilable(
            f"{type(estimator).__name__} that stands before another step has no compiled form"
        )
    coef = np.array(estimator.coef_, dtype=np.float64).ravel()
    return _weighted(coef, float(np.ravel(estimator.intercept_)[0]), columns, compiler)


def _weighted(coef: Floats, offset: float, columns: Sequence[Expr], compiler: Compiler) -> Expr:
    return dense_columns(Affine(np.zeros(len(coef)), coef[:, None], np.array([offset])), columns, compiler)[0]


def leaf_values(tree: Any, values: Floats, columns: Sequence[Expr], compiler: Compiler) -> Expr:
    """Make the column of what is found in the leaf of one tree of scikit-learn.

    Parameters
    ----------
    tree : Tree
        scikit-learn's own.
    values : ndarray of float64, shape (n_nodes,)
        What each node holds.
    columns : sequence of Expr
        What it tests.
    compiler : Compiler
        Takes the demands.

    Returns
    -------
    Expr
    """
    ends = np.flatnonzero(tree.children_left < 0)
    (leaf,) = leaves([tree], columns, compiler)
    rows = np.append(np.asarray(values, dtype=np.float64)[ends], [0.0, 0.0])  # every leaf is a key
    return Lookup(leaf, Table(tuple(ends.tolist()), rows[:, None]))


def leaves(trees: Sequence[Any], columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Make the columns of the leaves' numbers of some trees of scikit-learn, which take no missing values."""
    left, right, column, threshold = (list[Any]() for _ in range(4))
    starts: list[int] = []
    start = 0
    for tree in trees:
        starts.append(start)
        own = np.arange(tree.node_count)
        ends = tree.children_left < 0
        left.append(start + np.where(ends, own, tree.children_left))
        right.append(start + np.where(ends, own, tree.children_right))
        column.append(np.where(ends, 0, tree.feature))
        threshold.append(np.where(ends, 0.0, tree.threshold))
        start += int(tree.node_count)
    depth = max(tree.max_depth for tree in trees)
    first, second, tested = (np.concatenate(values).astype(np.int32) for values in (left, right, column))
    roots = np.array(starts, dtype=np.int32)
    step = Leaves(roots, first, second, tested, np.concatenate(threshold), int(depth), len(columns))
    narrow = [fold_constants(Narrow(one, "float32")) for one in columns]
    return dense_columns(step, narrow, compiler)
