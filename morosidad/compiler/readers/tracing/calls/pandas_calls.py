"""Functions and classes of pandas, numpy and scikit-learn that know nothing of symbolic objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from morosidad.compiler.nodes.expressions import Missing
from morosidad.compiler.readers.tracing.rules import conversions
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, Trace
from morosidad.compiler.readers.tracing.symbols.accessors import read_dates
from morosidad.compiler.readers.tracing.symbols.arrays import TracedArray
from morosidad.compiler.readers.tracing.symbols.cells import Cell
from morosidad.compiler.readers.tracing.symbols.elementwise import METHODS, each
from morosidad.compiler.readers.tracing.symbols.frames import TracedFrame
from morosidad.compiler.readers.tracing.symbols.values import (
    RowCount,
    RowLabels,
    Traced,
    constant,
    moved,
    real_of,
    spread,
    traced_in,
    wrap,
)

REFUSED = frozenset(
    [
        "get_dummies",
        "qcut",
        "factorize",
        "merge",
        "crosstab",
        "pivot_table",
        "unique",
        "value_counts",
        "melt",
        "wide_to_long",
        "rank",
        "zscore",
    ]
)
"""Functions that look at other rows."""


def is_missing(trace: Trace, value: Any) -> Any:
    """Record `pandas.isna`."""
    if isinstance(value, Cell):
        return value.missing()
    if isinstance(value, TracedArray):
        import pandas as pd

        return each(value, pd.isna(value._real), lambda e, *_: Missing(e))
    return METHODS["isna"](value) if isinstance(value, Traced) else _pandas().isna(value)


def is_there(trace: Trace, value: Any) -> Any:
    """Record `pandas.notna`."""
    if isinstance(value, Cell):
        return value._with(rules.compared("==", Missing(value.expr), 0.0), truth=True)
    if not isinstance(value, Traced):
        return _pandas().notna(value)
    return ~is_missing(trace, value)


def to_numeric(trace: Trace, arg: Any, errors: str = "raise", downcast: Any = None, **more: Any) -> Any:
    """Record `pandas.to_numeric`."""
    pd = _pandas()
    if not isinstance(arg, Traced):
        return pd.to_numeric(arg, errors=errors, downcast=downcast, **more)
    if downcast is not None or more or errors not in ("raise", "coerce"):
        trace.end("reads numbers with further settings")
    real = pd.to_numeric(arg._real, errors=errors)

    def rule(expr: Any, *_: Any) -> Any:
        if not trace.is_text(expr):
            return expr
        return conversions.number_of_text(trace, expr, coerce=errors == "coerce")

    return each(arg, real, rule)


def to_datetime(trace: Trace, arg: Any, errors: str = "raise", **more: Any) -> Any:
    """Record `pandas.to_datetime`."""
    pd = _pandas()
    if not isinstance(arg, Traced):
        if isinstance(arg, str) and arg.strip().lower() in ("now", "today"):
            trace.end("asks what day it is")
        return pd.to_datetime(real_of(arg), errors=errors, **more)
    if set(more) - {"format"} or errors not in ("raise", "coerce") or not hasattr(arg, "str"):
        trace.end("reads dates with further settings")
    return read_dates(arg, pd.to_datetime(arg._real, errors=errors, **more), more.get("format"),
                      coerce=errors == "coerce")  # fmt: skip


def cut(trace: Trace, x: Any, bins: Any, right: bool = True, labels: Any = None, **more: Any) -> Any:
    """Record `pandas.cut` with fixed edges."""
    pd = _pandas()
    settings: dict[str, Any] = {"right": right, "labels": labels, **more}
    if not isinstance(x, Traced):
        return pd.cut(x, bins, **settings)
    ordered, lowest = more.get("ordered", True), bool(more.get("include_lowest"))
    if not isinstance(bins, (list, tuple, np.ndarray)) or more.get("retbins") or traced_in(bins, labels):
        trace.end(OTHER_ROWS)
    edges = [float(edge) for edge in bins]
    if any(a >= b for a, b in pairwise(edges)):
        trace.end("cuts at edges that do not ascend")
    real = pd.cut(x._real, bins, **settings)
    if labels is False:
        names: list[Any] = list(range(len(edges) - 1))
    else:
        names = (
            [str(name) if isinstance(name, (str, pd.Interval)) else name for name in real.cat.categories]
            if ordered
            else list(labels)
        )
    if len(names) != len(edges) - 1:
        trace.end("cuts into intervals with the same name")
    text = any(isinstance(name, str) for name in names)
    none: Any = None if text else np.nan
    rows = [none, *names, none]
    return each(x, real, lambda expr, *_: conversions.intervals(
        expr, edges, rows, none, right=right, lowest=lowest))  # fmt: skip


def concat(trace: Trace, objs: Any, axis: Any = 0, **more: Any) -> Any:
    """Record `pandas.concat` of columns side by side."""
    pd = _pandas()
    if not traced_in(objs):
        return pd.concat(objs, axis=axis, **more)
    if axis not in (1, "columns"):
        trace.end(OTHER_ROWS)
    parts = [part for part in objs if part is not None]
    return moved(trace, lambda values: pd.concat(values, axis=1, **more), parts)


def as_array(trace: Trace, a: Any, dtype: Any = None, *_: Any, **more: Any) -> Any:
    """Record `numpy.asarray` and its kin."""
    if not traced_in(a) and not isinstance(a, Traced):
        return np.asarray(a, dtype) if more.get("copy") is None else np.array(a, dtype)
    if isinstance(a, (list, tuple)):
        trace.end("makes an array whose rows are columns")
    made = a if isinstance(a, TracedArray) else moved(trace, lambda real: np.array(real), a)
    if isinstance(a, TracedArray):
        made = a.copy()
    return made if dtype is None else made.astype(dtype)


def new_array(value: float | None) -> Callable[..., Any]:
    """Give the function that records an array of one number."""

    def make_array(trace: Trace, shape: Any, fill_value: Any = value, dtype: Any = None, **_: Any) -> Any:
        sizes = shape if isinstance(shape, tuple) else (shape,)
        if not sizes or not isinstance(sizes[0], RowCount):
            return np.full(shape, fill_value, dtype=dtype or float)
        if traced_in(fill_value):
            trace.end("fills an array with a column")
        kind = dtype if dtype is not None else (None if value is None else float)
        real = np.full(real_of(tuple(sizes)), fill_value, dtype=kind)
        width = 1 if len(sizes) == 1 else int(sizes[1])
        return wrap(trace, real, [constant(trace, fill_value)] * width)

    return make_array


def standing_in(make: Callable[[Trace], Any]) -> Callable[[Trace], Any]:
    """Mark what makes an object that stands in for another, and is not a function that does."""
    make.stands_in = True  # type: ignore[attr-defined]
    return make


@standing_in
class _Stacked:
    """`numpy.c_`."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __getitem__(self, parts: Any) -> Any:
        parts = parts if isinstance(parts, tuple) else (parts,)
        return moved(self._trace, lambda values: np.c_[tuple(values)], list(parts))


def _class(real: type, build: Callable[..., Any]) -> Callable[[Trace], Any]:
    """Give a class of pandas or numpy as a traced function sees it."""

    @standing_in
    def make(trace: Trace) -> Any:
        class Kind(type):
            _plain = real

            def __call__(cls, *arguments: Any, **more: Any) -> Any:
                if traced_in(*arguments, *more.values()) or any(
                    isinstance(v, (RowLabels, RowCount)) for v in (*arguments, *more.values())
                ):
                    return build(trace, *arguments, **more)
                return real(*arguments, **more)

            def __instancecheck__(cls, value: Any) -> bool:
                return isinstance(value._real if isinstance(value, Traced) else value, real)

            def __getattr__(cls, name: str) -> Any:
                if name in ("now", "today", "utcnow"):
                    trace.end("asks what day it is")
                return getattr(real, name)

        return Kind(real.__name__, (), {})

    return make


def _frame(trace: Trace, data: Any = None, index: Any = None, columns: Any = None, **more: Any) -> Any:
    pd = _pandas()
    if more:
        trace.end("makes a frame with further settings")
    if isinstance(data, dict):
        names = list(data)
        lengths = [value for value in data.values() if isinstance(value, Traced)]
        labels = real_of(index) if index is not None else _labels(trace, lengths)
        real = pd.DataFrame(real_of(data), index=labels, columns=columns)
        exprs = [spread(trace, data[name], real[name])[0] for name in names]
        kept = dict(zip(names, exprs, strict=True))
        return wrap(trace, real, [kept[name] for name in real.columns])
    if data is None:
        return TracedFrame(trace, pd.DataFrame(index=real_of(index)), [])
    return moved(trace, lambda real: pd.DataFrame(real, index=real_of(index), columns=real_of(columns)), data)


def _labels(trace: Trace, parts: list[Traced]) -> Any:
    found = [part._real.index for part in parts if hasattr(part._real, "index")]
    return found[0] if found else None


def _series(trace: Trace, data: Any = None, index: Any = None, dtype: Any = None, name: Any = None) -> Any:
    pd = _pandas()
    if not isinstance(data, Traced):
        if isinstance(data, (list, tuple, np.ndarray)):
            trace.end("makes a column of rows of its own")
        real = pd.Series(data, index=real_of(index), dtype=dtype, name=name)
        return wrap(trace, real, [constant(trace, data)])
    made = moved(trace, lambda real: pd.Series(real, index=real_of(index), name=name), data)
    return made if dtype is None else made.astype(dtype)


def _no_class(trace: Trace, *_: Any, **__: Any) -> Any:
    trace.end("makes an object of columns, which is not recorded")


def check_array(trace: Trace, X: Any, *_: Any, **more: Any) -> Any:
    """Record scikit-learn's check of its input: an array of numbers, without missing ones unless allowed."""
    if not isinstance(X, Traced):
        trace.end("checks an array that is not its input")
    made = X if isinstance(X, TracedArray) else as_array(trace, X)
    if made._real.dtype.kind == "O" or more.get("dtype") not in (None, "numeric"):
        made = made.astype(more.get("dtype") if more.get("dtype") not in (None, "numeric") else float)
    finite = more.get("ensure_all_finite", more.get("force_all_finite", True))
    for expr in made._exprs if finite is not False else ():
        trace.demand(rules.filled(trace, expr, constant(trace, 0.0)) if finite == "allow-nan" else expr)
    return made


def validate_data(
    trace: Trace, _estimator: Any, X: Any = None, *_: Any, reset: bool = True, **more: Any
) -> Any:
    """Record scikit-learn's check of an estimator's input."""
    more.pop("skip_check_array", None)
    return check_array(trace, X, **more)


def _check_is_fitted(trace: Trace, *_: Any, **__: Any) -> None:
    return None


def _pandas() -> Any:
    import pandas as pd

    return pd


@cache
def pandas_stand_ins() -> dict[Any, Any]:
    """Give what stands in for functions and classes of pandas and of the standard library."""
    pd = _pandas()
    return {
        pd.isna: is_missing,
        pd.notna: is_there,
        pd.to_numeric: to_numeric,
        pd.to_datetime: to_datetime,
        pd.cut: cut,
        pd.concat: concat,
        pd.DataFrame: _class(pd.DataFrame, _frame),
        pd.Series: _class(pd.Series, _series),
        pd.Timestamp: _class(pd.Timestamp, _no_class),
        datetime: _class(datetime, _no_class),
        date: _class(date, _no_class),
    }


@cache
def numpy_stand_ins() -> dict[Any, Any]:
    """Give what stands in for functions of numpy that do not ask their arguments."""
    return {
        **dict.fromkeys((np.asarray, np.array, np.asanyarray, np.ascontiguousarray), as_array),
        np.zeros: new_array(0.0),
        np.ones: new_array(1.0),
        np.empty: new_array(float("nan")),
        np.full: new_array(None),
        np.c_: _Stacked,
        np.ndarray: _class(np.ndarray, _no_class),
    }


@cache
def sklearn_stand_ins() -> dict[Any, Any]:
    """Give what stands in for scikit-learn's checks of input."""
    from sklearn.utils import check_array as check
    from sklearn.utils.validation import check_is_fitted

    found: dict[Any, Any] = {check: check_array, check_is_fitted: _check_is_fitted}
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:  # before 1.6 it was a method
        return found
    return found | {validate: validate_data}
