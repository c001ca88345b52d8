"""Symbolic pandas objects: the columns and frames that a traced function is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from morosidad.compiler.readers.tracing import rules
from morosidad.compiler.readers.tracing.accessors import DateMethods, TextMethods
from morosidad.compiler.readers.tracing.cells import applied, mapped
from morosidad.compiler.readers.tracing.elementwise import METHODS
from morosidad.compiler.readers.tracing.numpy_calls import array_function, array_ufunc, product
from morosidad.compiler.readers.tracing.rowwise import ROWWISE, of_frame
from morosidad.compiler.readers.tracing.trace import OTHER_ROWS
from morosidad.compiler.readers.tracing.values import (
    RowCount,
    RowLabels,
    Traced,
    moved,
    real_of,
    spread,
    traced_in,
    wrap,
    wraps,
)

ROWS = frozenset(
    """agg aggregate apply corr cov cummax cummin cumprod cumsum describe diff drop_duplicates dropna duplicated
    ewm expanding factorize ffill bfill groupby head tail idxmax idxmin interpolate iat at item kurt join
    max mean median merge min mode nlargest nsmallest nunique pct_change pivot pivot_table prod quantile
    rank rolling sample sem shift size skew sort_index sort_values stack std sum transform truncate tolist
    unique unstack value_counts var any all is_unique hasnans array items iteritems to_list to_dict
    itertuples iterrows explode searchsorted query eval count argmax argmin argsort""".split()
)
"""What is known to look at other rows, or at rows one by one."""
MOVES = frozenset(
    """copy drop rename reindex filter add_prefix add_suffix set_axis rename_axis to_frame squeeze
    insert pop get reset_index to_numpy""".split()
)
"""What only moves columns about."""


class _Pandas(Traced):
    """What columns and frames share."""

    __array_ufunc__ = array_ufunc
    __array_function__ = array_function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if hasattr(self._real, "columns") and name in self._real.columns:
            return self[name]
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
class TracedSeries(_Pandas):
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
            self._real.str  # noqa: B018 - pandas says what is wrong
        return TextMethods(self)

    @property
    def dt(self) -> DateMethods:
        self._real.dt  # noqa: B018 - pandas says what is wrong
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


@wraps("frame")
class TracedFrame(_Pandas):
    """A symbolic frame."""

    @property
    def columns(self) -> Any:
        return self._real.columns

    @columns.setter
    def columns(self, names: Any) -> None:
        self._real = self._real.set_axis(list(names), axis=1)

    @property
    def dtypes(self) -> Any:
        return self._real.dtypes

    @property
    def loc(self) -> _Place:
        return _Place(self, "loc")

    @property
    def iloc(self) -> _Place:
        return _Place(self, "iloc")

    def __iter__(self) -> Iterable[Any]:  # type: ignore[override]
        return iter(self._real.columns)

    def keys(self) -> Any:
        return self._real.columns

    def items(self) -> Any:
        return [(name, self[name]) for name in self._real.columns]

    def copy(self, *_: Any, **__: Any) -> Any:
        return type(self)(self._trace, self._real.copy(), self._exprs)

    def select_dtypes(self, *arguments: Any, **more: Any) -> Any:
        return self[list(self._real.select_dtypes(*arguments, **more).columns)]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Traced) or (isinstance(key, (slice, np.ndarray)) and not isinstance(key, str)):
            if not (isinstance(key, np.ndarray) and key.dtype.kind in "OU"):
                self._end(OTHER_ROWS)
        return moved(self._trace, lambda real: real[key], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        names = key if isinstance(key, list) else [key]
        if isinstance(key, Traced):
            self._become(METHODS["mask"](self, key, value))
            return
        real = self._real.copy()
        real[key] = real_of(value)
        made = spread(self._trace, value, real[names])
        known = dict(zip(self._real.columns, self._exprs, strict=True))
        known |= dict(zip(names, made, strict=True))
        self._become(wrap(self._trace, real, [known[name] for name in real.columns]))

    def __delitem__(self, key: Any) -> None:
        self._become(moved(self._trace, lambda real: real.drop(columns=[key]), self))

    def insert(self, loc: int, column: Any, value: Any, allow_duplicates: bool = False) -> None:
        names = list(self._real.columns)
        self[column] = value
        self._become(self[[*names[:loc], column, *names[loc:]]])

    def assign(self, **columns: Any) -> Any:
        made = self.copy()
        for name, value in columns.items():
            made[name] = value(made) if callable(value) else value
        return made

    def join(self, other: Any, **more: Any) -> Any:
        return moved(self._trace, lambda a, b: a.join(b, **more), self, other)

    def apply(self, function: Any, axis: Any = 0, **more: Any) -> Any:
        if axis in (1, "columns"):
            return applied(self, function, more)
        import pandas as pd

        made = {name: function(self[name], **more) for name in self._real.columns}
        if not all(isinstance(column, TracedSeries) for column in made.values()):
            self._end(OTHER_ROWS)
        return moved(self._trace, lambda *parts: pd.concat(parts, axis=1, keys=list(made)), *made.values())

    def dot(self, other: Any) -> Any:
        return self @ other

    def __matmul__(self, other: Any) -> Any:
        return rules_product(self, other)


for _name in ROWWISE:
    def _figure(self: Any, *arguments: Any, _name: str = _name, **more: Any) -> Any:
        return of_frame(self, _name, *arguments, **more)

    setattr(TracedFrame, _name, _figure)


class _Place:
    """`loc` and `iloc` of a frame: columns chosen for all rows, and values set where a condition holds."""

    def __init__(self, of: TracedFrame, kind: str) -> None:
        self._of, self._kind = of, kind

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        if not (isinstance(rows, slice) and rows == slice(None)) or isinstance(columns, Traced):
            self._of._end(OTHER_ROWS)
        return moved(self._of._trace, lambda real: getattr(real, self._kind)[:, columns], self._of)

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        of = self._of
        if self._kind == "iloc":
            of._end("sets values by place")
        if isinstance(rows, slice) and rows == slice(None):
            of[columns] = value
            return
        if not isinstance(rows, Traced) or rows._real.dtype != bool:
            of._end(OTHER_ROWS)
        names = list(of._real.columns) if isinstance(columns, slice) else columns
        for name in names if isinstance(names, list) else [names]:
            if name not in of._real.columns:
                of[name] = None if isinstance(value, str) else np.nan
            chosen = value[name] if hasattr(value, "columns") else value
            self._set(name, rows, chosen)

    def _set(self, name: Any, rows: Traced, value: Any) -> None:
        of, trace = self._of, self._of._trace
        real = of._real.copy()
        real.loc[rows._real, name] = real_of(value) if not isinstance(value, Traced) else value._real[rows._real]
        own = of[name]._exprs[0]
        made = rules.choice(trace, rows._exprs[0], spread(trace, value, real[name])[0], own)
        known = dict(zip(of._real.columns, of._exprs, strict=True)) | {name: made}
        of._become(wrap(trace, real, [known[each_name] for each_name in real.columns]))


def rules_product(self: Traced, other: Any) -> Any:
    """Give a product with a matrix or a vector of constants."""
    if isinstance(other, Traced):
        self._end("multiplies columns as matrices")
    return product(self, other, self._real @ other)
