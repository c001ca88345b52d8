"""Symbolic columns of pandas, and what they share with frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS
from morosidad.compiler.readers.tracing.symbols.accessors import DateMethods, TextMethods
from morosidad.compiler.readers.tracing.symbols.cells import mapped
from morosidad.compiler.readers.tracing.symbols.conditions import OverRows
from morosidad.compiler.readers.tracing.symbols.elementwise import METHODS
from morosidad.compiler.readers.tracing.symbols.numpy_calls import array_function, array_ufunc
from morosidad.compiler.readers.tracing.symbols.values import (
    RowCount,
    RowLabels,
    Traced,
    moved,
    traced_in,
    wraps,
)

ROWS = frozenset(
    [
        "agg",
        "aggregate",
        "apply",
        "corr",
        "cov",
        "cummax",
        "cummin",
        "cumprod",
        "cumsum",
        "describe",
        "diff",
        "drop_duplicates",
        "dropna",
        "duplicated",
        "ewm",
        "expanding",
        "factorize",
        "ffill",
        "bfill",
        "groupby",
        "head",
        "tail",
        "idxmax",
        "idxmin",
        "interpolate",
        "iat",
        "at",
        "item",
        "kurt",
        "join",
        "max",
        "mean",
        "median",
        "merge",
        "min",
        "mode",
        "nlargest",
        "nsmallest",
        "nunique",
        "pct_change",
        "pivot",
        "pivot_table",
        "prod",
        "quantile",
        "rank",
        "rolling",
        "sample",
        "sem",
        "shift",
        "size",
        "skew",
        "sort_index",
        "sort_values",
        "stack",
        "std",
        "sum",
        "transform",
        "truncate",
        "tolist",
        "unique",
        "unstack",
        "value_counts",
        "var",
        "is_unique",
        "hasnans",
        "array",
        "items",
        "iteritems",
        "to_list",
        "to_dict",
        "itertuples",
        "iterrows",
        "explode",
        "searchsorted",
        "query",
        "eval",
        "count",
        "argmax",
        "argmin",
        "argsort",
    ]
)
"""What is known to look at other rows, or at rows one by one."""
MOVES = frozenset(
    [
        "copy",
        "drop",
        "rename",
        "reindex",
        "filter",
        "add_prefix",
        "add_suffix",
        "set_axis",
        "rename_axis",
        "to_frame",
        "squeeze",
        "insert",
        "pop",
        "get",
        "reset_index",
        "to_numpy",
    ]
)
"""What only moves columns about."""


class TracedPandas(Traced):
    """What columns and frames share."""

    __array_ufunc__ = array_ufunc
    __array_function__ = array_function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if hasattr(self._real, "columns") and name in self._real.columns:
            return moved(self._trace, lambda real: real[name], self)
        if name in METHODS:
            return _bound(METHODS[name], self)
        if name in MOVES and hasattr(self._real, name):
            return self._mover(name)
        if not hasattr(self._real, name):
            raise AttributeError(f"{type(self._real).__name__!r} object has no attribute {name!r}")
        self._end(OTHER_ROWS if name in ROWS else f"uses {name}, which is not recorded")

    def _mover(self, name: str) -> Callable[..., Any]:
        def move(*arguments: Any, **more: Any) -> Any:
            if traced_in(*arguments, *more.values()):
                self._end(f"gives columns to {name}, which is not recorded")
            inplace = bool(more.pop("inplace", False))
            if name == "reset_index" and not (more.get("drop") or (arguments and arguments[-1] is True)):
                self._end("depends on the index of the rows")
            if name == "get" and isinstance(self._real, _series_type()):
                self._end(OTHER_ROWS)
            made = moved(self._trace, lambda real: getattr(real, name)(*arguments, **more), self)
            if name == "pop":
                del self[arguments[0]]
            return self._become(made) if inplace else made

        return move

    def _become(self, other: Traced) -> None:
        self._real, self._exprs = other._real, other._exprs

    @property
    def shape(self) -> tuple[Any, ...]:
        return (RowCount(self._trace), *self._real.shape[1:])

    @property
    def index(self) -> RowLabels:
        return RowLabels(self._trace, self._real.index)

    @property
    def ndim(self) -> int:
        return int(self._real.ndim)

    @property
    def empty(self) -> bool:
        return False

    @property
    def values(self) -> Any:
        return moved(self._trace, lambda real: real.values, self)

    @property
    def size(self) -> Any:
        self._end("depends on how many rows there are")

    def pipe(self, function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return function(self, *arguments, **more)


def _bound(method: Callable[..., Any], of: Traced) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:
        inplace = bool(more.pop("inplace", False))
        made = method(of, *arguments, **more)
        if not inplace:
            return made
        of._real, of._exprs = made._real, made._exprs
        return None

    return call


def _series_type() -> Any:
    import pandas as pd

    return pd.Series


@wraps("series")
class TracedSeries(TracedPandas):
    """A symbolic column."""

    @property
    def name(self) -> Any:
        return self._real.name

    @name.setter
    def name(self, name: Any) -> None:
        self._real = self._real.rename(name)

    @property
    def dtype(self) -> Any:
        return self._real.dtype

    @property
    def str(self) -> TextMethods:
        if not self._trace.is_text(self._exprs[0]):
            getattr(self._real, "str")  # noqa: B009 - pandas says what is wrong
        return TextMethods(self)

    @property
    def dt(self) -> DateMethods:
        getattr(self._real, "dt")  # noqa: B009 - pandas says what is wrong
        return DateMethods(self)

    @property
    def cat(self) -> Any:
        self._end("uses the categories of a column, which depend on other rows")

    @property
    def loc(self) -> _Where:
        return _Where(self)

    def rename(self, name: Any = None, **_: Any) -> Any:
        return moved(self._trace, lambda real: real.rename(name), self)

    def map(self, arg: Any = None, na_action: Any = None, **more: Any) -> Any:
        if isinstance(arg, Mapping) or hasattr(arg, "to_dict") or not callable(arg):
            return METHODS["map"](self, arg, na_action, **more)
        return mapped(self, arg, na_action)

    def apply(self, function: Any, *arguments: Any, **more: Any) -> Any:
        if isinstance(function, np.ufunc):
            return function(self)
        return mapped(self, function, None, more.pop("args", arguments), more)

    def any(self, *_: Any, **__: Any) -> OverRows:
        return OverRows(self, "any", whole=True)

    def all(self, *_: Any, **__: Any) -> OverRows:
        return OverRows(self, "all", whole=True)

    def __getitem__(self, key: Any) -> Any:
        self._end(OTHER_ROWS)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not (isinstance(key, Traced) and key._real.dtype == bool):
            self._end(OTHER_ROWS)
        made = METHODS["mask"](self, key, value)
        self._real, self._exprs = made._real, made._exprs


class _Where:
    """`loc` of a column: values set where a condition holds."""

    def __init__(self, of: TracedSeries) -> None:
        self._of = of

    def __getitem__(self, key: Any) -> Any:
        self._of._end(OTHER_ROWS)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._of[key] = value
