"""Readers of naive Bayes classifiers, and of the classifier that always says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.computed import Binary
from morosidad.compiler.nodes.expressions import Arith, Constant, Raw
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import Lookup, Table, fold_constants
from morosidad.compiler.readers.linear import linear
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.GaussianNB")
def gaussian_nb(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile Gaussian naive Bayes: two squared distances for each column."""
    (prior_0, prior_1), means, variances = estimator.class_prior_, estimator.theta_, estimator.var_
    intercept = np.log(prior_1 / prior_0) - 0.5 * np.log(variances[1] / variances[0]).sum()
    distances: list[Expr] = []
    for column, mean in zip([*columns, *columns], means.ravel().tolist(), strict=True):
        distances.append(fold_constants(Function(fold_constants(Arith(column, "-", mean)), "square")))
    weights = np.concatenate([0.5 / variances[0], -0.5 / variances[1]])
    return linear(weights, intercept, distances, compiler)


@compiles("sklearn.MultinomialNB")
def multinomial_nb(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile counts times the log-ratios of their frequencies."""
    weights, prior = np.diff(estimator.feature_log_prob_, axis=0)[0], np.diff(estimator.class_log_prior_)[0]
    return linear(weights, float(prior), columns, compiler)


@compiles("sklearn.ComplementNB")
def complement_nb(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile counts times the log-ratios of their frequencies in the other class."""
    return linear(np.diff(estimator.feature_log_prob_, axis=0)[0], 0.0, columns, compiler)


@compiles("sklearn.BernoulliNB")
def bernoulli_nb(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile whether each column is above a threshold, times log-ratios of odds."""
    compiler.require(*columns)
    found = estimator.feature_log_prob_
    absent = np.log(1.0 - np.exp(found))
    weights = np.diff(found - absent, axis=0)[0]
    prior = float(np.diff(estimator.class_log_prior_)[0] + np.diff(absent, axis=0)[0].sum())
    if estimator.binarize is None:
        return linear(weights, prior, columns, compiler)
    limit = float(estimator.binarize)
    return linear(weights, prior, [_above(column, limit) for column in columns], compiler)


def _above(column: Expr, limit: float) -> Expr:
    """Tell whether a column is above a limit: 1 or 0."""
    if isinstance(column, Lookup):
        return column.with_rows((column.numbers > limit).astype(np.float64))
    return Binary(">", column, Constant(limit))


@compiles("sklearn.CategoricalNB")
def categorical_nb(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive | Network:
    """Compile a log-ratio for each category, of columns whose codes an encoder gives."""
    terms: list[Expr] = []
    for column, found in zip(columns, estimator.feature_log_prob_, strict=True):
        ratios = np.append(np.diff(found, axis=0)[0], np.nan)  # what is no code is refused
        if not isinstance(column, Lookup):
            terms.append(_of_whole(column, ratios, compiler))
            continue
        codes = column.numbers
        known = (codes > -1.0) & (codes < len(ratios) - 1)
        terms.append(column.with_rows(ratios[np.where(known, codes, -1.0).astype(np.intp)]))
    prior = float(np.diff(estimator.class_log_prior_)[0])
    return linear(np.ones(len(terms)), prior, terms, compiler)


def _of_whole(column: Expr, ratios: Floats, compiler: Compiler) -> Expr:
    """Find the log-ratio of a field of whole numbers, which are the codes."""
    whole = isinstance(column, Raw) and compiler.schema.fields[column.field].kind == "integer"
    if not whole:
        raise NotCompilable("CategoricalNB of fractions that no encoder gives has no compiled form")
    return Lookup(column, Table(tuple(range(len(ratios) - 1)), np.append(ratios, np.nan)[:, None]))


@compiles("sklearn.DummyClassifier")
def dummy_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive:
    """Compile the same probability for every record."""
    if estimator.strategy not in ("prior", "most_frequent", "constant"):
        raise NotCompilable(f"DummyClassifier(strategy={estimator.strategy!r}) has no compiled form")
    p = float(estimator.predict_proba(np.zeros((1, max(1, len(columns)))))[0, 1])
    odds = math.log(p / (1.0 - p)) if 0.0 < p < 1.0 else math.copysign(math.inf, p - 0.5)
    return Additive(odds, (), len(compiler.schema))
