"""Readers of imputers that fill a gap from a record's other columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import DEEPEST, Expr, Floats
from morosidad.compiler.nodes.dense.imputing import Filling, Imputed, LinearChain
from morosidad.compiler.nodes.dense.step import DenseBlock, DenseVector
from morosidad.compiler.readers.composition import indicated, seen
from morosidad.compiler.readers.dense.regressors import LINEAR
from morosidad.compiler.registry import Compiler, NotCompilable, class_name, compiles


@compiles("sklearn.KNNImputer")
def nearest_rows(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Leave gaps that are filled from the nearest fitted rows to the original.

    Raises
    ------
    NotCompilable
        Always: how a distance is rounded differs from version to version.
    """
    raise NotCompilable(
        "KNNImputer has no compiled form: of rows equally far the last bit of a distance decides which count"
    )


@compiles("sklearn.IterativeImputer")
def chained_lines(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile gaps that are filled by linear models, one after the other."""
    if estimator.sample_posterior:
        raise NotCompilable("IterativeImputer(sample_posterior=True) has no compiled form: it draws numbers")
    start = np.array(estimator.initial_imputer_.statistics_, dtype=np.float64)
    lines = estimator.imputation_sequence_ if estimator.n_iter_ else []
    weights = np.zeros((len(lines), len(start)))
    for row, line in zip(weights, lines, strict=True):
        if class_name(type(line.estimator)) not in LINEAR:
            raise NotCompilable(f"IterativeImputer({type(line.estimator).__name__}) has no compiled form")
        row[line.neighbor_feat_idx] = np.ravel(line.estimator.coef_)
    step = LinearChain(
        start,
        np.array([line.feat_idx for line in lines], dtype=np.int32),
        weights,
        np.array([float(np.ravel(line.estimator.intercept_)[0]) for line in lines], dtype=np.float64),
        *(_limit(estimator, name, start) for name in ("_min_value", "_max_value")),
    )
    return _imputed(step, bool(np.isnan(start).any()), estimator, columns, compiler)


def _limit(estimator: Any, name: str, start: Floats) -> Floats:
    """Give what is filled in is held below or above; nothing is where there are no rounds."""
    return np.array(np.broadcast_to(getattr(estimator, name, np.nan), start.shape), dtype=np.float64)


def _imputed(
    step: Filling, empty: bool, estimator: Any, columns: Sequence[Expr], compiler: Compiler
) -> list[Expr]:
    name = type(estimator).__name__
    if empty or step.width != len(columns):
        raise NotCompilable(f"{name} of a column without any number has no compiled form")
    if not all(seen(estimator, column, compiler, True) for column in columns):
        raise NotCompilable(f"{name} of missing values that it does not take for such has no compiled form")
    block = DenseBlock(tuple(columns), step)
    if block.depth > DEEPEST:
        raise NotCompilable(f"more than {DEEPEST} dense steps stand one behind the other")
    filled = DenseVector(block)
    found: list[Expr] = [Imputed(column, filled, place) for place, column in enumerate(columns)]
    if estimator.indicator_ is not None:
        found += indicated(columns, estimator.indicator_, compiler, as_floats=True)
    compiler.sparse = False
    return found
