"""Soundness of structures that machine code follows without looking: trees, search trees, sparse matrices.

scikit-learn walks the nodes of a tree by the numbers that stand in them. In a file that was altered
those may lead outside the tree or outside the row, and reading there ends the process or worse. So
a model from a file is checked before it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.model_file.held_objects import held_objects

_METRICS = ("EuclideanDistance64", "ManhattanDistance64", "ChebyshevDistance64")


def check_native(root: Any) -> None:
    """Check all such structures that an object holds.

    Parameters
    ----------
    root : object
        A fitted model of a file.

    Raises
    ------
    ValueError
        If one leads outside itself, or asks for more columns than its owner is given.
    """
    from scipy.sparse import issparse
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree import BaseDecisionTree
    from sklearn.tree._tree import Tree

    for found in held_objects(root):
        if isinstance(found, Tree):
            _check_tree(found)
        elif isinstance(found, TreePredictor):
            _check_predictor(found)
        elif isinstance(found, BaseDecisionTree | BaseForest | BaseGradientBoosting):
            _check_owner(found)
        elif isinstance(found, BaseHistGradientBoosting):
            _check_histograms(found)
        elif type(found).__name__.startswith(("KDTree", "BallTree")):
            _check_search_tree(found)
        elif issparse(found) and hasattr(found, "indptr"):
            found.check_format(full_check=True)


def _check(sound: Any) -> None:
    if not sound:
        raise ValueError("a tree or a matrix in it does not hang together")


def _inside(numbers: NDArray[Any], end: int) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < end)


def _check_downwards(left: NDArray[Any], right: NDArray[Any], places: NDArray[Any], count: int) -> None:
    """Check that each inner node leads to two later ones: so a walk ends, and stays inside."""
    for children in (left, right):
        _check(_inside(children, count) and bool((children > places).all()))


# -- decision trees ----------------------------------------------------------------------------


def _check_tree(tree: Any) -> None:
    count = tree.node_count
    _check(0 < count <= tree.capacity)
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left != -1)
    _check_downwards(left[inner], right[inner], inner, count)
    _check(_inside(tree.feature[inner], tree.n_features))
    depth = np.zeros(count, dtype=np.int64)
    for node in inner.tolist():
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    _check(int(depth.max()) <= tree.max_depth)


def _trees_of(owner: Any) -> Iterator[Any]:
    from sklearn.tree import BaseDecisionTree

    if isinstance(owner, BaseDecisionTree):
        yield owner.tree_
        return
    members = np.asarray(owner.estimators_, dtype=object).ravel().tolist()
    for member in members:
        _check(isinstance(member, BaseDecisionTree))
        yield member.tree_


def _check_owner(owner: Any) -> None:
    """Check the trees against the number of columns that their owner makes sure of."""
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.tree._tree import Tree

    if not hasattr(owner, "tree_") and not hasattr(owner, "estimators_"):
        return  # it is not fitted, as the pattern of an ensemble's members is not
    width = owner.n_features_in_
    _check(isinstance(width, int) and width > 0)
    for tree in _trees_of(owner):
        _check(isinstance(tree, Tree))
        _check(_inside(tree.feature[tree.children_left != -1], width))
    if isinstance(owner, BaseGradientBoosting):
        boosting: Any = owner  # its type does not declare what fitting sets
        _check(boosting.estimators_.ndim == 2)
        _check(boosting.estimators_.shape[1] == boosting.n_trees_per_iteration_)


# -- trees of histograms -----------------------------------------------------------------------


def _check_predictor(predictor: Any) -> None:
    nodes, bits = predictor.nodes, predictor.raw_left_cat_bitsets
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    _check(len(nodes))
    _check_downwards(
        nodes["left"][inner].astype(np.int64), nodes["right"][inner].astype(np.int64), inner, len(nodes)
    )
    _check(bits.ndim == 2 and bits.shape[1] == 8)
    sets = nodes[inner]
    _check(_inside(sets["bitset_idx"][sets["is_categorical"] != 0], len(bits)))


def _check_histograms(owner: Any) -> None:
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    if not hasattr(owner, "_predictors"):
        return
    width = owner.n_features_in_
    known = np.asarray(owner._bin_mapper.is_categorical_)
    _check(isinstance(width, int) and width > 0 and known.shape == (width,))
    categorical = set(np.flatnonzero(known).tolist())
    for iteration in owner._predictors:
        _check(len(iteration) == owner.n_trees_per_iteration_)
        for predictor in iteration:
            _check(isinstance(predictor, TreePredictor))
            nodes = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            _check(_inside(nodes["feature_idx"], width))
            _check(categorical >= set(nodes["feature_idx"][nodes["is_categorical"] != 0].tolist()))


# -- search trees ------------------------------------------------------------------------------


def _check_search_tree(tree: Any) -> None:
    state = tree.__getstate__()
    data, order, nodes, bounds = (np.asarray(part) for part in state[:4])
    levels, count, metric = state[5], state[6], state[11]
    rows, width = data.shape
    _check(rows > 0 and len(order) == rows and _inside(order, rows))
    _check(0 < levels < 63 and count == 2**levels - 1 == len(nodes))
    ball = type(tree).__name__.startswith("Ball")
    _check(bounds.shape == ((1 if ball else 2), count, width))
    start, end, leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"]
    _check((start >= 0).all() and (start <= end).all() and (end <= rows).all())
    last = np.arange(count) >= count // 2
    _check((leaf[last] != 0).all())
    _check(type(metric).__name__ in _METRICS or _needs_no_vector(metric, width))


def _needs_no_vector(metric: Any, width: int) -> bool:
    vector = metric.__getstate__()[1]
    return len(vector) in (0, width)
