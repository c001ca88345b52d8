"""Readers of scalers, power transformers and numpy functions of one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Arith, Clip
from morosidad.compiler.nodes.functions import DOMAINS, UFUNCS, Function
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.encoders import intervals
from morosidad.compiler.readers.tracing.calls.reading import traced_function, traced_transformer
from morosidad.compiler.registry import Compiler, compiles, compiles_others

compiles_others(traced_transformer)


@compiles("sklearn.StandardScaler")
def standard_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - mean) / scale``."""
    shifted = _each(columns, "-", estimator.mean_ if estimator.with_mean else None)
    return _each(shifted, "/", estimator.scale_)


@compiles("sklearn.RobustScaler")
def robust_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - median) / interquartile range``."""
    shifted = _each(columns, "-", estimator.center_ if estimator.with_centering else None)
    return _each(shifted, "/", estimator.scale_ if estimator.with_scaling else None)


@compiles("sklearn.MaxAbsScaler")
def max_abs_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x / largest absolute value``."""
    scaled = _each(columns, "/", estimator.scale_)
    return _clipped(scaled, -1.0, 1.0) if getattr(estimator, "clip", False) else scaled


@compiles("sklearn.MinMaxScaler")
def min_max_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x * scale + min``, clipped where asked."""
    scaled = _each(_each(columns, "*", estimator.scale_), "+", estimator.min_)
    return _clipped(scaled, *map(float, estimator.feature_range)) if estimator.clip else scaled


def _each(columns: Sequence[Expr], operator: Any, values: Any) -> list[Expr]:
    if values is None:
        return list(columns)
    pairs = zip(columns, values, strict=True)
    return [fold_constants(Arith(column, operator, float(value))) for column, value in pairs]


def _clipped(columns: Sequence[Expr], low: float, high: float) -> list[Expr]:
    return [fold_constants(Clip(column, low, high)) for column in columns]


@compiles("sklearn.Binarizer")
def binarizer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile 1 above a threshold, else 0."""
    compiler.require(*columns)
    edges = np.nextafter([float(estimator.threshold)], np.inf)
    return [intervals(column, edges, np.array([[0.0], [1.0]]))[0] for column in columns]


@compiles("sklearn.FunctionTransformer")
def function_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a numpy function of one number, or trace any other."""
    if estimator.func is None:
        return list(columns)
    name = getattr(estimator.func, "__name__", "")
    if UFUNCS.get(name) is not estimator.func or estimator.kw_args:
        return traced_function(estimator, columns, compiler)
    return [_function(column, compiler, name) for column in columns]


def _function(column: Expr, compiler: Compiler, name: str, *parameters: float) -> Expr:
    if name in DOMAINS:
        limit, strictly = DOMAINS[name]
        compiler.above(column, limit, strictly=strictly)
    return fold_constants(Function(column, name, parameters))


@compiles("sklearn.PowerTransformer")
def power_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the Yeo-Johnson or Box-Cox power of each column, scaled where asked."""
    name = estimator.method.replace("-", "_")
    powers = zip(columns, estimator.lambdas_.tolist(), strict=True)
    raised = [_function(column, compiler, name, power) for column, power in powers]
    return compiler.transform(estimator._scaler, raised) if estimator.standardize else raised
