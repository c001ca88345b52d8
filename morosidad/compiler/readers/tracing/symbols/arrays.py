"""Symbolic numpy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS
from morosidad.compiler.readers.tracing.symbols.elementwise import METHODS
from morosidad.compiler.readers.tracing.symbols.numpy_calls import array_function, array_ufunc, matmul
from morosidad.compiler.readers.tracing.symbols.rowwise import ROWWISE
from morosidad.compiler.readers.tracing.symbols.values import (
    RowCount,
    Traced,
    columns_of,
    moved,
    real_of,
    spread,
    wrap,
    wraps,
)

_ROWS = frozenset(
    [
        "argmax",
        "argmin",
        "argsort",
        "cumsum",
        "cumprod",
        "sort",
        "tolist",
        "item",
        "take",
        "nonzero",
        "ptp",
        "repeat",
        "fill",
        "flat",
    ]
)
_EACH = ("clip", "astype", "round")


@wraps("array")
class TracedArray(Traced):
    """A symbolic array of one or two dimensions, whose first counts the rows."""

    __array_ufunc__ = array_ufunc
    __array_function__ = array_function
    __array_priority__ = 1000

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(self._real, name):
            raise AttributeError(name)
        self._end(OTHER_ROWS if name in _ROWS else f"uses {name}, which is not recorded")

    @property
    def shape(self) -> tuple[Any, ...]:
        return (RowCount(self._trace), *self._real.shape[1:])

    @property
    def ndim(self) -> int:
        return int(self._real.ndim)

    @property
    def dtype(self) -> Any:
        return self._real.dtype

    @property
    def T(self) -> Any:
        if self._real.ndim == 1:
            return self
        return Turned(self)

    def copy(self, order: str = "C") -> Any:
        return moved(self._trace, lambda real: real.copy(), self)

    def reshape(self, *shape: Any, **_: Any) -> Any:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        sizes = tuple(-1 if isinstance(size, RowCount) else size for size in sizes)
        return moved(self._trace, lambda real: real.reshape(sizes), self)

    def ravel(self, order: str = "C") -> Any:
        return moved(self._trace, lambda real: real.ravel(), self)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Any:
        return moved(self._trace, lambda real: real.squeeze(), self)

    def dot(self, other: Any) -> Any:
        return matmul(self._trace, self, other)

    __matmul__ = dot

    def __getitem__(self, key: Any) -> Any:
        key = key if isinstance(key, tuple) else (key,)
        if not (key[0] is Ellipsis or (isinstance(key[0], slice) and key[0] == slice(None))):
            self._end(OTHER_ROWS)
        if any(isinstance(part, Traced) for part in key):
            self._end(OTHER_ROWS)
        return moved(self._trace, lambda real: real[key], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        real = self._real.copy()
        if isinstance(rows, slice) and rows == slice(None):
            chosen = np.arange(len(self._exprs))[columns] if real.ndim == 2 else np.zeros(1, dtype=int)
            real[(rows, columns) if real.ndim == 2 else rows] = real_of(value)
            picked = real[:, np.atleast_1d(chosen)] if real.ndim == 2 else real
            made = spread(self._trace, value, picked)
            for place, expr in zip(np.atleast_1d(chosen).tolist(), made, strict=True):
                self._exprs[place] = expr
        elif isinstance(rows, Traced) and rows._real.dtype == bool:
            self._mask(real, rows, columns, value)
        else:
            self._end(OTHER_ROWS)
        made = wrap(self._trace, real, self._exprs)
        self._real, self._exprs = made._real, made._exprs

    def _mask(self, real: Any, rows: Traced, columns: Any, value: Any) -> None:
        if real.ndim == 2 and rows._real.ndim == 2:
            real[rows._real] = real_of(value) if not isinstance(value, Traced) else value._real[rows._real]
            conditions, places = rows._exprs, range(len(self._exprs))
        else:
            places = np.atleast_1d(np.arange(len(self._exprs))[columns] if real.ndim == 2 else 0).tolist()
            at = (rows._real, columns) if real.ndim == 2 else rows._real
            real[at] = real_of(value) if not isinstance(value, Traced) else value._real[rows._real]
            conditions = rows._exprs * len(places)
        for place, condition in zip(places, conditions, strict=True):
            other = spread(self._trace, value, columns_of(self._trace, real)[place])[0]
            self._exprs[place] = rules.choice(self._trace, condition, other, self._exprs[place])


class Turned:
    """An array whose rows stand in columns: only to be turned back, or taken apart."""

    def __init__(self, of: TracedArray) -> None:
        self._of = of

    @property
    def T(self) -> TracedArray:
        return self._of

    def __iter__(self) -> Any:
        return iter([self._of[:, place] for place in range(len(self._of._exprs))])

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, int):
            return self._of[:, place]
        self._of._end(OTHER_ROWS)

    def __getattr__(self, name: str) -> Any:
        self._of._end(OTHER_ROWS)


def _elementwise(name: str) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **more: Any) -> Any:
        return METHODS[name](self, *arguments, **more)

    return call


def _figure(name: str) -> Callable[..., Any]:
    def call(self: Any, axis: Any = None, **more: Any) -> Any:
        return getattr(np, name)(self, axis=axis, **more)

    return call


for _name in _EACH:
    setattr(TracedArray, _name, _elementwise(_name))
for _name in ROWWISE:
    if _name not in ("count", "median"):
        setattr(TracedArray, _name, _figure(_name))
