"""The trace: the sample that a function is run on, what its columns are, and how a trace ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.nodes.base import Expr, Floats, Text
from morosidad.compiler.nodes.expressions import Fill, Narrow, Raw
from morosidad.compiler.nodes.text import coded
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_NODES = 2000
"""So many nodes an expression may have."""
MAX_DEPTH = 60
MAX_OPERATIONS = 20_000
MAX_COLUMNS = 2000
MAX_QUESTIONS = 20
"""So many questions about all rows a function may ask."""
NEAR = 1e-12
OTHER_ROWS = "depends on the values of other rows"

_OUTSIDE = ("morosidad", "pandas", "numpy", "sklearn", "scipy", "functools", "importlib")


class TraceEnds(BaseException):
    """A function did what can't be recorded. Not an `Exception`: the function's own handlers pass it on."""


class Trace:
    """One run of a function on symbolic columns, each beside the real column of a sample.

    Whatever is recorded is computed for the sample too, and compared with what pandas or numpy made
    of it, so that a rule that is wrong ends the trace.

    Parameters
    ----------
    schema : Schema
        The record's fields.
    rows : sequence of tuple
        The sample.
    turned : int
        The question about all rows, counted from 1, that this run answers otherwise than the sample says.
    """

    def __init__(self, schema: Schema, rows: Sequence[Row], turned: int = 0) -> None:
        self.schema = schema
        self.rows = rows
        self.rebound: Callable[[Any], Any] = lambda function: function
        self.batch: ColumnBatch = ColumnBatch.of_records(rows, len(schema))
        self.demands: dict[Expr, None] = {}
        self.questions: list[str] = []
        self.ended: str | None = None
        self.transform: Callable[[Any, Sequence[Expr]], list[Expr]] | None = None
        self._turned = turned
        self._left = MAX_OPERATIONS
        self._sizes: dict[int, tuple[Expr, int, int]] = {}

    def end(self, reason: str) -> NoReturn:
        """End the trace, with the line of the user's code that is being run.

        Raises
        ------
        TraceEnds
            Always.
        """
        place = user_line()
        self.ended = self.ended or (f"{place}: {reason}" if place else reason)
        raise TraceEnds(self.ended)

    def demand(self, expr: Expr) -> None:
        """Say that the original has no answer where a number is missing or infinite."""
        self.demands[expr] = None

    def turns(self) -> bool:
        """Count a question about all rows, and tell whether it is answered otherwise than the sample says."""
        self.questions.append(user_line())
        if len(self.questions) > MAX_QUESTIONS:
            self.end(OTHER_ROWS)
        return len(self.questions) == self._turned

    def is_text(self, expr: Expr) -> bool:
        """Tell whether an expression is a text."""
        if isinstance(expr, Fill):
            return isinstance(expr.value, str)
        if isinstance(expr, Raw):
            field = self.schema.fields[expr.field]
            return field.kind == "category" and not field.holds_integers
        return isinstance(expr, Text)

    def recorded(self, expr: Expr, real: Any) -> Expr:
        """Take an expression into the trace, if it gives what pandas or numpy made of the sample.

        Parameters
        ----------
        expr : Expr
            What is recorded.
        real : Series, ndarray or extension array, of shape (n_rows,)
            The column of the sample.

        Returns
        -------
        Expr
        """
        self._left -= 1
        size, depth = self.size(expr)
        if self._left < 0 or size > MAX_NODES or depth > MAX_DEPTH:
            self.end("is too long to be recorded")
        known = plain(real)
        if known is None:
            self.end(f"makes a column of {getattr(real, 'dtype', 'objects')}, which can't be recorded")
        if not same(known, self.value(expr)):
            self.end("makes numbers that what was recorded does not give")
        return expr

    def value(self, expr: Expr) -> Any:
        """Compute an expression for the sample: an array of numbers, or a list of texts."""
        if self.is_text(expr):
            return texts(expr, self.batch)
        return self.batch.value(expr)

    def size(self, expr: Expr) -> tuple[int, int]:
        """Count the nodes of an expression, and the levels that they are nested in."""
        known = self._sizes.get(id(expr))
        if known is None:
            parts = [self.size(part) for part in expr.parts()]
            total = 1 + sum(size for size, _ in parts)
            known = self._sizes[id(expr)] = (expr, total, 1 + max((deep for _, deep in parts), default=0))
        return known[1], known[2]


def texts(expr: Expr, batch: ColumnBatch) -> list[Any]:
    """Compute a text for many rows.

    Parameters
    ----------
    expr : Expr
        A text.
    batch : ColumnBatch
        The rows.

    Returns
    -------
    list of (str or None)
    """
    source = expr.of if isinstance(expr, Fill) else expr
    found = coded(source, batch)
    levels = [*found.levels, expr.value if isinstance(expr, Fill) else None]
    return [levels[code] for code in found.codes.tolist()]


def plain(real: Any) -> Floats | list[Any] | None:
    """Give a real column as numbers with NaN where missing, or as texts with None where missing.

    Parameters
    ----------
    real : Series, ndarray or extension array
        A column.

    Returns
    -------
    ndarray of float64, list, or None
        None where it holds neither.
    """
    import pandas as pd

    dtype = getattr(real, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return np.asarray(real).astype(np.float64)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        moments = np.asarray(real).astype(f"{'timedelta' if dtype.kind == 'm' else 'datetime'}64[us]")
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
    if isinstance(dtype, np.dtype) and dtype.kind == "U":
        return [str(value) for value in np.asarray(real)]
    cells = [None if _absent(value, pd) else value for value in pd.Series(real).astype(object)]
    if all(value is None or isinstance(value, (bool, int, float, np.number, np.bool_)) for value in cells):
        if isinstance(dtype, pd.StringDtype) or (cells and all(value is None for value in cells)):
            return cells
        return np.array([np.nan if value is None else float(value) for value in cells])
    if all(value is None or isinstance(value, (str, pd.Interval)) for value in cells):
        return [None if value is None else str(value) for value in cells]
    return None


def _absent(value: Any, pd: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def same(first: Any, second: Any) -> bool:
    """Tell whether two plain columns hold the same: texts exactly, numbers within 1e-12 of themselves."""
    if isinstance(first, list) and all(value is None for value in first):
        missing = [value is None or value != value for value in second]
        return all(missing)
    if isinstance(first, list) or isinstance(second, list):
        return isinstance(first, list) and isinstance(second, list) and first == second
    with np.errstate(all="ignore"):
        near = np.abs(first - second) <= NEAR * np.maximum(1.0, np.abs(first))
    return bool((near | (first == second) | (np.isnan(first) & np.isnan(second))).all())


def user_line() -> str:
    """Name the file and line of the user's code that is being run; empty where there is none."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if _of_user(frame):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def raised_by_user(error: BaseException) -> bool:
    """Tell whether an exception comes from the user's own code, and from nothing that it called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and _of_user(trace.tb_frame)


def _of_user(frame: Any) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package not in _OUTSIDE and not frame.f_code.co_filename.startswith("<frozen")


def narrowed(expr: Expr, real: Any) -> Expr:
    """Round an expression as a column of a narrow type holds it."""
    name = str(getattr(real, "dtype", ""))
    return Narrow(expr, name) if name in ("float32", "float16") else expr  # type: ignore[arg-type]


def described(value: Any) -> Any:
    """Give expressions as plain data that can be compared, their tables too."""
    if isinstance(value, msgspec.Struct):
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return (type(value).__name__, *map(described, fields))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (list, tuple)):
        return tuple(map(described, value))
    return repr(value)
