"""Readers of linear models, and of others whose log-odds are a sum over the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import Expr, Floats, Position
from morosidad.compiler.nodes.dense.algebra import Affine
from morosidad.compiler.nodes.dense.step import Element
from morosidad.compiler.nodes.expressions import Arith, Constant
from morosidad.compiler.nodes.lookups import Bins, Lookup, Piecewise, SparseColumn
from morosidad.compiler.readers.dense.blocks import folded, network
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles(
    "sklearn.LinearDiscriminantAnalysis",
    "sklearn.LinearSVC",
    "sklearn.LogisticRegression",
    "sklearn.LogisticRegressionCV",
    "sklearn.PassiveAggressiveClassifier",
    "sklearn.Perceptron",
    "sklearn.RidgeClassifier",
    "sklearn.RidgeClassifierCV",
)
def linear_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile a binary linear classifier; those without probabilities need a calibration around them."""
    if getattr(estimator, "multi_class", "auto") == "multinomial":
        raise NotCompilable("LogisticRegression(multi_class='multinomial') has no compiled form")
    coef = np.ravel(estimator.coef_)
    return linear(coef, np.ravel(estimator.intercept_)[0], columns, compiler)


@compiles("sklearn.SGDClassifier")
def sgd_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile a linear classifier fitted by stochastic gradient descent."""
    if estimator.loss == "modified_huber":
        raise NotCompilable("SGDClassifier(loss='modified_huber') has no compiled form")
    return linear_classifier(estimator, columns, compiler)


@compiles("sklearn.NearestCentroid")
def nearest_centroid(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile the difference of two squared distances, which is a sum."""
    if np.isclose(estimator.class_prior_, 0.5).all():  # predict then takes distances that are not scaled
        raise NotCompilable(
            "NearestCentroid with equal priors has no compiled form: its labels ignore the spread of columns"
        )
    spread = estimator.within_class_std_dev_
    scale = np.where(spread != 0.0, spread, 1.0)
    first, second = estimator.centroids_ / scale
    prior = 2.0 * float(np.log(estimator.class_prior_[1]) - np.log(estimator.class_prior_[0]))
    return linear(2.0 * (second - first) / scale, prior + first @ first - second @ second, columns, compiler)


def linear(coef: Floats, intercept: float, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Make the sum ``intercept + coef @ columns``.

    The columns that are found at one position, as those of one encoded field are, are added up
    beforehand in one table, and the splines of one number in one curve. Products with matrices, as
    those of principal components, are multiplied out; other dense steps make the sum a network.
    """
    coef, intercept, columns = folded(np.ravel(coef), float(intercept), columns)
    if any(isinstance(column, Element) for column in columns):
        last = Affine(np.zeros(len(columns)), coef[:, None], np.array([intercept]))
        return network([last], columns, compiler)
    terms: list[Expr] = []
    tables = _Tables()
    curves: dict[tuple[Expr, int], tuple[Piecewise, Floats]] = {}
    for expr, weight in zip(columns, np.asarray(coef, dtype=np.float64).tolist(), strict=True):
        compiler.require(expr)
        if isinstance(expr, Constant):
            intercept += weight * expr.value
        elif isinstance(expr, Lookup):
            tables.add(expr, weight)
        elif isinstance(expr, Piecewise):
            which = expr.of, id(expr.curve)
            _, rows = curves.get(which, (expr, 0.0))
            curves[which] = expr, rows + weight * expr.curve.rows[:, :, expr.place]
        else:
            terms.append(Arith(expr, "*", weight))
    terms += tables.sums()
    for piecewise, rows in curves.values():
        summed = msgspec.structs.replace(piecewise.curve, rows=rows[:, :, None])
        terms.append(Piecewise(piecewise.of, summed))
    return Additive(float(intercept), tuple(terms), len(compiler.schema))


class _Tables:
    """Sums of weighted columns, one for each position that they are found at."""

    def __init__(self) -> None:
        self._rows: dict[Position, tuple[Lookup, Floats]] = {}
        self._found: dict[tuple[Expr, int], Floats] = {}  # a position of many keys takes long to compare

    def add(self, lookup: Lookup, weight: float) -> None:
        """Add one column times its weight."""
        table = lookup.table
        which = lookup.of, id(table.edges if isinstance(table, Bins) else table.keys)
        rows = self._found.get(which)
        if rows is None:
            _, rows = self._rows.setdefault(lookup.at, (lookup, np.zeros(lookup.at.size)))
            self._found[which] = rows
        if isinstance(table, SparseColumn) and table.usual == 0.0:
            rows[table.places] += weight * table.numbers
        else:
            rows += weight * lookup.numbers

    def sums(self) -> list[Expr]:
        """Give the sums."""
        return [lookup.with_rows(rows) for lookup, rows in self._rows.values()]
