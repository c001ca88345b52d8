"""Readers of what compares a record with fitted rows near it: votes and spread labels.

The nearest few of the rows have no compiled form: where several are equally far, as whole numbers make
them, the order in which the original searches decides which of them count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.dense.algebra import Affine
from morosidad.compiler.nodes.dense.classes import LogRatio
from morosidad.compiler.nodes.dense.kernels import Kernel
from morosidad.compiler.nodes.dense.neighbours import WithinRadius
from morosidad.compiler.readers.dense.blocks import dense_columns, network
from morosidad.compiler.registry import Compiler, NotCompilable, compiles

_LEAST = 1e-300
"""Weights below it have lost digits, in the original as well: there is no answer."""


@compiles("sklearn.RadiusNeighborsClassifier")
def votes_within_radius(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Network:
    """Compile the share of each class among the fitted rows within a radius."""
    if estimator.weights != "uniform":
        raise NotCompilable("RadiusNeighborsClassifier with weights has no compiled form")
    if estimator.outlier_label_ is not None:
        raise NotCompilable("RadiusNeighborsClassifier with outlier_label has no compiled form")
    counts = Affine(np.zeros(len(estimator._fit_X)), np.eye(2)[np.ravel(estimator._y)], np.zeros(2))
    return network([_within(estimator, "one"), counts, LogRatio(0.0)], columns, compiler)


@compiles("sklearn.RadiusNeighborsTransformer")
def rows_within_radius(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the distances to the fitted rows within a radius, 0 for others."""
    found = dense_columns(
        _within(estimator, "distance" if estimator.mode == "distance" else "one"), columns, compiler
    )
    compiler.sparse = True
    return found


def _within(estimator: Any, gives: Literal["one", "distance"]) -> WithinRadius:
    name = type(estimator).__name__
    if estimator.effective_metric_ != "euclidean":
        raise NotCompilable(f"{name}(metric={estimator.metric!r}) has no compiled form")
    return WithinRadius(gives, np.array(estimator._fit_X, dtype=np.float64), float(estimator.radius))


@compiles("sklearn.LabelPropagation", "sklearn.LabelSpreading")
def spread_labels(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Network:
    """Compile the fitted rows' labels, weighted by how near each is."""
    if estimator.kernel != "rbf":
        raise NotCompilable(f"{type(estimator).__name__}(kernel={estimator.kernel!r}) has no compiled form")
    near = Kernel("rbf", np.array(estimator.X_, dtype=np.float64), float(estimator.gamma), 0.0, 1.0)
    shares = np.array(estimator.label_distributions_, dtype=np.float64)
    weighted = Affine(np.zeros(len(shares)), shares, np.zeros(2))
    return network([near, weighted, LogRatio(_LEAST)], columns, compiler)
