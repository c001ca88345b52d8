"""Symbolic frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS
from morosidad.compiler.readers.tracing.symbols.cells import applied
from morosidad.compiler.readers.tracing.symbols.elementwise import METHODS
from morosidad.compiler.readers.tracing.symbols.numpy_calls import product
from morosidad.compiler.readers.tracing.symbols.rowwise import ROWWISE, of_frame
from morosidad.compiler.readers.tracing.symbols.series import TracedPandas, TracedSeries
from morosidad.compiler.readers.tracing.symbols.values import (
    Traced,
    moved,
    real_of,
    spread,
    wrap,
    wraps,
)


@wraps("frame")
class TracedFrame(TracedPandas):
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

    def __iter__(self) -> Any:
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
        names = isinstance(key, np.ndarray) and key.dtype.kind in "OU"
        if isinstance(key, (Traced, slice, np.ndarray)) and not names:
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
        real.loc[rows._real, name] = (
            real_of(value) if not isinstance(value, Traced) else value._real[rows._real]
        )
        own = of[name]._exprs[0]
        made = rules.choice(trace, rows._exprs[0], spread(trace, value, real[name])[0], own)
        known = dict(zip(of._real.columns, of._exprs, strict=True)) | {name: made}
        of._become(wrap(trace, real, [known[each_name] for each_name in real.columns]))


def rules_product(self: Traced, other: Any) -> Any:
    """Give a product with a matrix or a vector of constants."""
    if isinstance(other, Traced):
        self._end("multiplies columns as matrices")
    return product(self, other, self._real @ other)
