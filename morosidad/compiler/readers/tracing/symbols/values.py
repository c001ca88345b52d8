"""Symbolic columns, frames and arrays: what a traced function is given, and what it makes of them.

Each holds the real object of the sample beside one expression for each column. What only moves columns
about (selection, renaming, stacking) is done to numbered cells as well, and is read off them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Constant
from morosidad.compiler.nodes.text import TextConstant
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, Trace


class Traced:
    """A symbolic object: real data of the sample, and an expression for each column.

    Parameters
    ----------
    trace : Trace
        The run that it belongs to.
    real : Series, DataFrame or ndarray
        The same for the sample.
    exprs : sequence of Expr
        What each column is.
    """

    __hash__ = object.__hash__

    def __init__(self, trace: Trace, real: Any, exprs: Sequence[Expr]) -> None:
        self._trace = trace
        self._real = real
        self._exprs = list(exprs)

    def _end(self, reason: str) -> NoReturn:
        self._trace.end(reason)

    def __bool__(self) -> bool:
        self._end("branches on the values of a row")

    def __len__(self) -> int:
        self._end("depends on how many rows there are")

    def __iter__(self) -> Any:
        self._end(OTHER_ROWS)

    def __array__(self, *_: Any, **__: Any) -> Any:
        self._end("takes the values themselves, which can't be recorded")

    def _number(self) -> NoReturn:
        self._end("takes a value itself, which can't be recorded")

    __float__ = __int__ = __index__ = __complex__ = _number

    def __contains__(self, item: Any) -> bool:
        if hasattr(self._real, "columns"):
            return item in self._real.columns
        self._end(OTHER_ROWS)

    def __deepcopy__(self, memo: Any) -> Any:
        return wrap(self._trace, self._real.copy(), self._exprs)

    __copy__ = None


class RowCount:
    """The number of rows, which is another one each time; it may only say how long a new array is."""

    __hash__ = object.__hash__

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __index__(self) -> int:
        self._trace.end("depends on how many rows there are")

    def _compared(self, other: Any) -> bool:
        self._trace.end("depends on how many rows there are")

    __lt__ = __le__ = __ge__ = __add__ = __radd__ = __sub__ = __mul__ = __rmul__ = _compared
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = _compared

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RowCount):
            return True
        return False if other == 0 else self._compared(other)

    def __gt__(self, other: Any) -> bool:
        return True if other == 0 else self._compared(other)

    def __bool__(self) -> bool:
        return True


class RowLabels:
    """The index of the rows, to be handed on."""

    def __init__(self, trace: Trace, real: Any) -> None:
        self._trace = trace
        self._real = real

    def __getattr__(self, name: str) -> Any:
        self._trace.end("depends on the index of the rows")

    def __len__(self) -> int:
        self._trace.end("depends on how many rows there are")


_CLASSES: dict[str, type[Traced]] = {}


def wraps(kind: str) -> Callable[[type[Traced]], type[Traced]]:
    """Register the class of symbolic series, frames or arrays."""

    def register(cls: type[Traced]) -> type[Traced]:
        _CLASSES[kind] = cls
        return cls

    return register


def wrap(trace: Trace, real: Any, exprs: Sequence[Expr]) -> Any:
    """Make the symbolic object that stands for a real one, each expression compared with its column.

    Parameters
    ----------
    trace : Trace
        The run.
    real : Series, DataFrame or ndarray
        The sample's.
    exprs : sequence of Expr
        One for each column.

    Returns
    -------
    Traced
    """
    columns = columns_of(trace, real)
    if len(columns) != len(exprs):
        trace.end("makes another number of columns than was recorded")
    kind = "frame" if hasattr(real, "columns") else "series" if hasattr(real, "index") else "array"
    checked = [trace.recorded(expr, column) for expr, column in zip(exprs, columns, strict=True)]
    return _CLASSES[kind](trace, real, checked)


def columns_of(trace: Trace, real: Any) -> list[Any]:
    """Give the columns of a real object.

    Parameters
    ----------
    trace : Trace
        The run.
    real : Series, DataFrame, ndarray or extension array
        With one row for each of the sample.

    Returns
    -------
    list of (Series or ndarray)
    """
    if not hasattr(real, "shape") or not real.shape or real.shape[0] != len(trace.rows):
        trace.end(OTHER_ROWS)
    if len(real.shape) == 1:
        return [real]
    if len(real.shape) != 2:
        trace.end("makes an array of more than two dimensions")
    pick = real.iloc if hasattr(real, "iloc") else real
    return [pick[:, place] for place in range(real.shape[1])]


def real_of(value: Any) -> Any:
    """Give the real object of a symbolic one; lists, tuples and mappings are looked through."""
    if isinstance(value, (Traced, RowLabels)):
        return value._real
    if isinstance(value, RowCount):
        return len(value._trace.rows)
    if type(value) in (list, tuple):
        return type(value)(real_of(item) for item in value)
    if type(value) is dict:
        return {key: real_of(item) for key, item in value.items()}
    return value


def traced_in(*values: Any) -> list[Traced]:
    """Give the symbolic objects among some values, in order; containers are looked through."""
    found: list[Traced] = []
    for value in values:
        if isinstance(value, Traced):
            found.append(value)
        elif type(value) in (list, tuple):
            found += traced_in(*value)
        elif type(value) is dict:
            found += traced_in(*value.values())
    return found


# -- constants -------------------------------------------------------------------------------------


def constant(trace: Trace, value: Any) -> Expr:
    """Give a constant as an expression: a number, a text, a date or nothing."""
    import pandas as pd

    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if isinstance(value, str):
        return TextConstant(str(value))
    if value is None or value is pd.NA or value is pd.NaT:
        return Constant(float("nan"))
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return Constant(float(value))
    moment = _moment(value, pd)
    if moment is not None:
        return Constant(moment)
    trace.end(f"uses a constant of the type {type(value).__name__}")


def _moment(value: Any, pd: Any) -> float | None:
    from datetime import date, timedelta

    if isinstance(value, timedelta):  # pandas' own are such too
        return float(pd.Timedelta(value) // pd.Timedelta(microseconds=1))
    if isinstance(value, date) and getattr(value, "tzinfo", None) is None:
        return float((pd.Timestamp(value) - pd.Timestamp(0)) // pd.Timedelta(microseconds=1))
    return None


def spread(trace: Trace, operand: Any, real: Any) -> list[Expr]:
    """Give an operand of an elementwise operation as one expression for each column of the result.

    Parameters
    ----------
    trace : Trace
        The run.
    operand : object
        A symbolic object, a constant, or constants for each column.
    real : Series, DataFrame or ndarray
        The result.

    Returns
    -------
    list of Expr
    """
    width = real.shape[1] if len(real.shape) == 2 else 1
    if isinstance(operand, Traced):
        if len(operand._exprs) not in (1, width):
            trace.end("combines columns of different shapes")
        return operand._exprs * (width if len(operand._exprs) == 1 else 1)
    if isinstance(operand, (list, tuple)):
        operand = np.asarray(operand)
    if isinstance(operand, dict) or (hasattr(operand, "index") and hasattr(operand, "get")):
        if not hasattr(real, "columns"):
            trace.end("combines a column with constants that have labels")
        return [constant(trace, operand.get(name, np.nan)) for name in real.columns]
    if isinstance(operand, np.ndarray) and operand.size != 1:
        if operand.size != width or operand.shape[-1] != width:
            trace.end("combines columns with an array that has rows of its own")
        return [constant(trace, value) for value in operand.ravel()]
    return [constant(trace, operand)] * width


# -- columns that are moved --------------------------------------------------------------------------


def moved(trace: Trace, move: Callable[..., Any], *operands: Any) -> Any:
    """Do what only moves columns about, and read off numbered cells which column went where.

    Parameters
    ----------
    trace : Trace
        The run.
    move : callable
        Does it to real objects.
    *operands : object
        Symbolic objects among them.

    Returns
    -------
    Traced or object
    """
    real = move(*map(real_of, operands))
    if not hasattr(real, "shape"):
        return real
    numbered, exprs = _Numbered(trace), []
    cells = columns_of(trace, move(*map(numbered.of, operands)))
    for column in cells:
        first = np.asarray(column)
        place = numbered.place_of(first)
        if place is None:
            trace.end(OTHER_ROWS)
        exprs.append(numbered.exprs[place])
    return wrap(trace, real, exprs)


class _Numbered:
    """Objects of the same shapes as symbolic ones, in which each cell has a number of its own."""

    def __init__(self, trace: Trace) -> None:
        self._n = len(trace.rows)
        self.exprs: list[Expr] = []

    def of(self, value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(self.of(item) for item in value)
        if type(value) is dict:
            return {key: self.of(item) for key, item in value.items()}
        if not isinstance(value, Traced):
            return real_of(value)
        real, start = value._real, len(self.exprs)
        self.exprs += value._exprs
        cells = start * self._n + np.arange(float(len(value._exprs) * self._n)).reshape(-1, self._n).T
        if len(real.shape) == 1:
            cells = cells[:, 0]
        if not hasattr(real, "index"):
            return np.array(cells)
        more = {"columns": real.columns} if hasattr(real, "columns") else {"name": real.name}
        return real._constructor(cells, index=real.index, **more)

    def place_of(self, column: Any) -> int | None:
        """Find which column some cells are; None where rows went elsewhere."""
        if column.dtype.kind != "f" or np.isnan(column[0]):
            return None
        place = int(column[0] // self._n)
        whole = np.array_equal(column, place * self._n + np.arange(float(self._n)))
        return place if whole and 0 <= place < len(self.exprs) else None
