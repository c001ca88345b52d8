"""Readers of scalers, power transformers and numpy functions of one number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.expressions import Arith, Clip, Elementwise, Fill, Narrow
from morosidad.compiler.nodes.functions import DOMAINS, UFUNCS, Function
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.encoders import intervals
from morosidad.compiler.readers.tracing.calls.reading import traced_function, traced_transformer
from morosidad.compiler.registry import Compiler, compiles, compiles_others

compiles_others(traced_transformer)

LARGEST_HALF = float(np.finfo(np.float16).max)


@compiles("sklearn.StandardScaler")
def standard_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - mean) / scale``."""
    rounded = all(map(_is_half, columns)) and _rounds_its_numbers()
    shifted = _each(columns, "-", estimator.mean_ if estimator.with_mean else None, rounded=rounded)
    return _finite(_each(shifted, "/", estimator.scale_, rounded=rounded), columns, compiler)


@compiles("sklearn.RobustScaler")
def robust_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - median) / interquartile range``."""
    shifted = _each(columns, "-", estimator.center_ if estimator.with_centering else None)
    scaled = _each(shifted, "/", estimator.scale_ if estimator.with_scaling else None)
    return _finite(scaled, columns, compiler)


@compiles("sklearn.MaxAbsScaler")
def max_abs_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x / largest absolute value``."""
    scaled = _each(columns, "/", estimator.scale_)
    clipped = _clipped(scaled, -1.0, 1.0) if getattr(estimator, "clip", False) else scaled
    return _finite(clipped, columns, compiler)


@compiles("sklearn.MinMaxScaler")
def min_max_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x * scale + min``, clipped where asked."""
    scaled = _each(_each(columns, "*", estimator.scale_), "+", estimator.min_)
    clipped = _clipped(scaled, *map(float, estimator.feature_range)) if estimator.clip else scaled
    return _finite(clipped, columns, compiler)


def _each(columns: Sequence[Expr], operator: Any, values: Any, *, rounded: bool = False) -> list[Expr]:
    """Reckon with one number for each column, in float16 where all of them are of that type."""
    if values is None:
        return list(columns)
    numbers = np.asarray(values, dtype=np.float16 if rounded else np.float64).tolist()
    pairs = zip(columns, numbers, strict=True)
    found = [fold_constants(Arith(column, operator, number)) for column, number in pairs]
    halves = all(map(_is_half, columns))
    return [fold_constants(Narrow(column, "float16")) for column in found] if halves else found


def _finite(found: list[Expr], columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Demand that float16 holds what becomes of its largest numbers."""
    if all(map(_is_half, columns)):
        pairs = zip(found, columns, strict=True)
        compiler.demands |= {
            made: None for made, column in pairs if not np.isfinite(_of_largest(made, column)).all()
        }
    return found


def _of_largest(expr: Expr, column: Expr) -> Floats:
    if expr == column:
        return np.array([-LARGEST_HALF, LARGEST_HALF])
    assert isinstance(expr, Elementwise)
    return expr.compute(_of_largest(expr.of, column))


def _is_half(column: Expr) -> bool:
    """Tell whether a column reaches an estimator as float16."""
    if isinstance(column, (Fill, Clip)):
        return _is_half(column.of)
    return isinstance(column, Narrow) and column.dtype == "float16"


@cache
def _rounds_its_numbers() -> bool:
    """Tell whether this version's standard scaler first rounds its own numbers to the type of its input."""
    from sklearn.preprocessing import StandardScaler

    tenth = np.array([[0.1]], dtype=np.float16)
    return bool(np.asarray(StandardScaler().fit([[0.1]]).transform(tenth)).item() == 0.0)


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
