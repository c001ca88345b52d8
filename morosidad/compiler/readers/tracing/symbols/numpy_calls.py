"""Functions of numpy called with symbolic objects, through numpy's own protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Binary, PartialFunction
from morosidad.compiler.nodes.expressions import Arith, Constant, Fill, Missing
from morosidad.compiler.readers.tracing.rules import conversions
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, Trace
from morosidad.compiler.readers.tracing.symbols.conditions import OverRows
from morosidad.compiler.readers.tracing.symbols.elementwise import METHODS, each
from morosidad.compiler.readers.tracing.symbols.rowwise import ROWWISE, reduced
from morosidad.compiler.readers.tracing.symbols.values import (
    Traced,
    columns_of,
    moved,
    real_of,
    spread,
    traced_in,
    wrap,
)


def array_ufunc(self: Traced, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
    """Record a numpy function of each cell."""
    trace, name = self._trace, ufunc.__name__
    if method == "reduce" and name in _REDUCING:
        return _FUNCTIONS[_REDUCING[name]](*inputs, **more)
    if method != "__call__" or ufunc.nout != 1 or set(more) - {"dtype"} or more.get("dtype") is not None:
        trace.end(f"uses numpy.{name}.{method}, which is not recorded")
    if name == "matmul":
        return matmul(trace, *inputs)
    with np.errstate(all="ignore"):
        real = ufunc(*map(real_of, inputs))
    if len(inputs) == 1:
        return each(self, real, lambda expr, _, now: rules.unary(trace, name, expr, now))
    operator = rules.BINARY.get(name)
    if operator is None:
        trace.end(f"uses numpy.{name}, which is not recorded")
    first, second = (spread(trace, value, real) for value in inputs)
    triples = zip(first, second, columns_of(trace, real), strict=True)
    return wrap(trace, real, [rules.binary(trace, operator, *triple) for triple in triples])


_REDUCING = {"add": "sum", "maximum": "max", "minimum": "min", "multiply": "prod", "logical_and": "all",
             "logical_or": "any"}  # fmt: skip


def array_function(self: Traced, function: Any, types: Any, arguments: Any, more: Any) -> Any:
    """Record a numpy function of arrays."""
    known = _FUNCTIONS.get(function.__name__)
    if known is None:
        others = function.__name__ in _OTHER_ROWS
        self._trace.end(OTHER_ROWS if others else f"uses numpy.{function.__name__}, which is not recorded")
    return known(*arguments, **more)


_OTHER_ROWS = frozenset(
    [
        "argmax",
        "argmin",
        "argsort",
        "average",
        "bincount",
        "corrcoef",
        "cov",
        "cumprod",
        "cumsum",
        "diff",
        "ediff1d",
        "flip",
        "histogram",
        "interp",
        "lexsort",
        "median",
        "nancumsum",
        "nanmedian",
        "nanpercentile",
        "nanquantile",
        "partition",
        "percentile",
        "quantile",
        "roll",
        "sort",
        "unique",
        "searchsorted",
        "ptp",
        "argpartition",
    ]
)


def _trace_of(*values: Any) -> Trace:
    return traced_in(*values)[0]._trace


# -- functions ---------------------------------------------------------------------------------------


def where(condition: Any, *chosen: Any) -> Any:
    """Record `numpy.where` of a condition and two choices."""
    trace = _trace_of(condition, *chosen)
    if len(chosen) != 2:
        trace.end(OTHER_ROWS)
    real = np.where(real_of(condition), *map(real_of, chosen))
    parts = [spread(trace, value, real) for value in (condition, *chosen)]
    return wrap(trace, real, [rules.choice(trace, *triple) for triple in zip(*parts, strict=True)])


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Record `numpy.select`: the first condition that holds."""
    trace = _trace_of(condlist, choicelist, default)
    real = np.select([np.asarray(real_of(c)) for c in condlist], real_of(list(choicelist)), real_of(default))
    found = spread(trace, default, real)
    for condition, chosen in reversed(list(zip(condlist, choicelist, strict=True))):
        parts = spread(trace, condition, real), spread(trace, chosen, real), found
        found = [rules.choice(trace, *triple) for triple in zip(*parts, strict=True)]
    return wrap(trace, real, found)


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **more: Any) -> Any:
    """Record `numpy.clip`."""
    if not isinstance(a, Traced) or out is not None:
        _trace_of(a, a_min, a_max, out).end("clips a constant, or in place")
    a_min, a_max = more.pop("min", a_min), more.pop("max", a_max)
    if traced_in(a_min, a_max) and not hasattr(a._real, "index"):
        low = a if a_min is None else np.maximum(a, a_min)
        return low if a_max is None else np.minimum(low, a_max)
    return METHODS["clip"](a, a_min, a_max)


def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Record `numpy.nan_to_num`."""
    trace = x._trace
    real = np.nan_to_num(real_of(x), nan=nan, posinf=posinf, neginf=neginf)

    def rule(expr: Expr, was: Any, now: Any) -> Expr:
        limits = np.finfo(now.dtype) if now.dtype.kind == "f" else np.finfo(np.float64)
        most = float(limits.max) if posinf is None else float(posinf)
        least = float(limits.min) if neginf is None else float(neginf)
        expr = Fill(expr, float(nan))
        infinite = rules.choice(trace, Binary("==", expr, Constant(np.inf)), Constant(most), expr)
        return rules.choice(trace, Binary("==", expr, Constant(-np.inf)), Constant(least), infinite)

    return each(x, real, rule)


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Record `numpy.digitize` with fixed ascending edges."""
    trace = _trace_of(x, bins)
    edges = np.asarray(bins, dtype=float) if not traced_in(bins) else None
    if edges is None or edges.ndim != 1 or (np.diff(edges) < 0).any():
        trace.end("finds intervals whose edges are not fixed and ascending")
    real = np.digitize(real_of(x), edges, right)
    rows = list(range(len(edges) + 1))
    return each(
        x, real, lambda expr, *_: conversions.intervals(expr, edges.tolist(), rows, len(edges), right=right)
    )


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Record `numpy.searchsorted` in fixed ascending edges."""
    trace = _trace_of(a, v)
    if traced_in(a) or sorter is not None or (np.diff(np.asarray(a, dtype=float)) < 0).any():
        trace.end(OTHER_ROWS)
    real: Any = np.searchsorted(a, real_of(v), "right" if side == "right" else "left")
    edges, rows = [float(edge) for edge in a], list(range(len(a) + 1))
    return each(
        v, real, lambda expr, *_: conversions.intervals(expr, edges, rows, len(edges), right=side == "left")
    )


def isin(element: Any, test_elements: Any, *, invert: bool = False, **_: Any) -> Any:
    """Record `numpy.isin` of fixed values."""
    if traced_in(test_elements) or not isinstance(element, Traced):
        _trace_of(element, test_elements).end("looks for values among those of columns")
    values = list(np.asarray(test_elements).ravel().tolist())
    real = np.isin(real_of(element), values, invert=invert)
    known = [value for value in values if value == value]
    inside, outside = float(not invert), float(invert)
    return each(element, real, lambda expr, *_: rules.one_of(expr, known, inside, outside))


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, **_: Any) -> Any:
    """Leave `numpy.isclose` alone."""
    _trace_of(a, b).end("uses numpy.isclose, which is not recorded")


def around(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Record `numpy.round`."""
    return METHODS["round"](a, decimals)


def _moving(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:
        trace = _trace_of(arguments, more)
        return moved(trace, lambda values: function(*values, **more), list(arguments))

    return call


def full_like(a: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    """Record an array of one number for each row."""
    real = np.full_like(real_of(a), real_of(fill_value), dtype=dtype)
    return wrap(a._trace, real, spread(a._trace, fill_value, real))


def _like(value: float) -> Callable[..., Any]:
    return lambda a, dtype=None, **_: full_like(a, value, dtype)


def _reducing(name: str, *, skipna: bool) -> Callable[..., Any]:
    def call(a: Any, axis: Any = None, *arguments: Any, **more: Any) -> Any:
        trace = a._trace
        more = {key: value for key, value in more.items() if key in ("ddof", "keepdims") and value}
        if hasattr(a._real, "columns"):
            return getattr(a, name)(axis=axis, **more)
        if name in ("any", "all") and axis in (None, 0) and not more:
            return OverRows(a, name, whole=axis is None or a._real.ndim == 1)
        if axis not in (1, -1) or a._real.ndim != 2 or arguments:
            trace.end(OTHER_ROWS)
        if name in ("any", "all") and a._real.dtype.kind != "b":
            trace.end("takes numbers for conditions")
        function = getattr(np, f"nan{name}" if skipna else name)
        real = function(a._real, axis=1, **more)
        return reduced(a, name, real, skipna=skipna, ddof=more.get("ddof", 0))

    return call


def product(of: Traced, matrix: Any, real: Any) -> Any:
    """Record the product of columns with constants.

    Parameters
    ----------
    of : Traced
        The columns.
    matrix : ndarray or DataFrame or Series
        The constants: one row for each column.
    real : object
        The product for the sample.

    Returns
    -------
    Traced
    """
    weights = np.asarray(matrix, dtype=np.float64)
    weights = weights[:, None] if weights.ndim == 1 else weights
    exprs = [_weighted(of._exprs, weights[:, place].tolist()) for place in range(weights.shape[1])]
    return wrap(of._trace, real, exprs)


def _weighted(exprs: Sequence[Expr], weights: Sequence[float]) -> Expr:
    parts = [Arith(expr, "*", weight) for expr, weight in zip(exprs, weights, strict=True)]
    while len(parts) > 1:
        parts = [_pair(parts[i : i + 2]) for i in range(0, len(parts), 2)]  # type: ignore[misc]
    return parts[0]


def _pair(parts: Sequence[Expr]) -> Expr:
    return Binary("+", *parts) if len(parts) == 2 else parts[0]


def matmul(trace: Trace, a: Any, b: Any, out: Any = None) -> Any:
    """Record ``a @ b`` of columns and constants."""
    if not isinstance(a, Traced) or isinstance(b, Traced):
        trace.end("multiplies columns as matrices")
    return product(a, b, np.matmul(real_of(a), np.asarray(b)))


def _dot(a: Any, b: Any, out: Any = None) -> Any:
    return matmul(_trace_of(a, b), a, b)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Record the length of each row."""
    if ord not in (None, 2) or axis not in (1, -1):
        x._trace.end(OTHER_ROWS)
    real = np.linalg.norm(real_of(x), axis=1, keepdims=keepdims)
    squares = [PartialFunction(expr, "square") for expr in x._exprs]
    total = rules.totalled(squares, lambda a, b: Binary("+", a, b))
    return wrap(x._trace, real, [PartialFunction(total, "sqrt")])


def _copied(a: Any, *_: Any, **__: Any) -> Any:
    return moved(a._trace, np.array, a)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _moving(getattr(np, name)) for name in ("column_stack", "hstack", "concatenate", "expand_dims",
                                                     "squeeze", "ravel", "reshape", "stack", "delete",
                                                     "atleast_2d", "take")},
    **{name: _reducing(name, skipna=False) for name in ROWWISE if name not in ("count", "median")},
    **{f"nan{name}": _reducing(name, skipna=True) for name in ROWWISE if hasattr(np, f"nan{name}")},
    "amax": _reducing("max", skipna=False),
    "amin": _reducing("min", skipna=False),
    "where": where,
    "select": select,
    "clip": clip,
    "nan_to_num": nan_to_num,
    "digitize": digitize,
    "searchsorted": searchsorted,
    "isin": isin,
    "isclose": isclose,
    "round": around,
    "around": around,
    "full_like": full_like,
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "dot": _dot,
    "norm": norm,
    "copy": _copied,
}  # fmt: skip

__all__ = ["Missing", "array_function", "array_ufunc", "matmul", "product"]
