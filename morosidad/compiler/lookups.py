"""Tables: numbers found by a category or by the interval that a number lies in.

A table's rows are many columns at once, so that the columns of one encoded field can share it and
a linear model can add them up beforehand.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.expressions import Arith, Constant, Elementwise, Expr, Floats, Key, Raw

if TYPE_CHECKING:
    from morosidad.compiler.batch import Batch
    from morosidad.compiler.code import Code


class Shared(msgspec.Struct, frozen=True, eq=False):
    """Data that several expressions hold; a model file holds it once."""


# -- positions -------------------------------------------------------------------------------------


class Position(Expr, frozen=True):
    """Where an expression's value stands in a table: a whole number."""

    of: Expr

    @property
    def size(self) -> int:
        """How many positions there are."""
        raise NotImplementedError

    def find(self, batch: Batch) -> NDArray[np.intp]:
        """Find the positions of many rows."""
        raise NotImplementedError

    def batch(self, batch: Batch) -> Floats:
        return batch.position(self).astype(np.float64)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Level(Position, frozen=True):
    """The place of a value among `keys`; then one for any other value, and one for none."""

    keys: tuple[Key, ...]

    @property
    def size(self) -> int:
        return len(self.keys) + 2

    def emit(self, code: Code) -> str:
        n = len(self.keys)
        return _emit_get(code, self.of, {key: i for i, key in enumerate(self.keys)}, n, n + 1)

    def find(self, batch: Batch) -> NDArray[np.intp]:
        return batch.places(self.of, self.keys)


class Edges(Shared, frozen=True, eq=False):
    """Where the intervals of numbers begin, ascending; each holds its own beginning."""

    values: Floats

    def find(self, x: Floats) -> NDArray[np.intp]:
        """Find the intervals of many numbers; a missing one has a place of its own after the last."""
        places = np.searchsorted(self.values, x, side="right")
        return np.where(np.isnan(x), len(self.values) + 1, places)


class Interval(Position, frozen=True):
    """The place of the interval that a number lies in; then one for no number."""

    edges: Edges

    @property
    def size(self) -> int:
        return len(self.edges.values) + 2

    def emit(self, code: Code) -> str:
        find, edges = code.constant(bisect_right), code.constant(self.edges.values.tolist())
        # a whole number becomes a float first: that is how it was fitted, and floats compare faster
        name = code.value(Arith(self.of, "+", 0.0) if isinstance(self.of, Raw) else self.of)
        found = f"{find}({edges}, {name})"
        if not self.of.may_be_missing(code.missing):
            return found
        return f"{self.size - 1} if {name} != {name} else {found}"

    def find(self, batch: Batch) -> NDArray[np.intp]:
        return self.edges.find(batch.value(self.of))


def _emit_get(code: Code, of: Expr, known: dict[Key, Any], other: Any, missing: Any) -> str:
    """Write a look-up by value."""
    if isinstance(of, Raw):
        with_none: dict[Any, Any] = {**known, None: missing}
        get = code.constant(with_none.get)
        return f"{get}({code.field(of.field)}, {code.constant(other)})"
    name, get = code.value(of), code.constant(known.get)
    found = f"{get}({name}, {code.constant(other)})"
    if not of.may_be_missing(code.missing):
        return found
    return f"{found} if {name} == {name} else {code.constant(missing)}"


# -- tables ----------------------------------------------------------------------------------------


class Table(Shared, frozen=True, eq=False):
    """Rows of numbers, one for each key, then one for any other key, then one for a missing value.

    Attributes
    ----------
    keys : tuple
        Categories, or numbers that stand for categories.
    rows : ndarray of shape (n_keys + 2, n_columns)
        What each becomes.
    """

    keys: tuple[Key, ...]
    rows: Floats

    def position(self, of: Expr) -> Position:
        """Say where a value is found."""
        return Level(of, self.keys)

    def emit(self, code: Code, of: Expr, column: int) -> str:
        """Write the look-up of one column."""
        *numbers, other, missing = self.rows[:, column].tolist()
        return _emit_get(code, of, dict(zip(self.keys, numbers, strict=True)), other, missing)


class Bins(Shared, frozen=True, eq=False):
    """Rows of numbers, one for each interval, then one for a missing value.

    Attributes
    ----------
    edges : Edges
        Where the intervals after the first begin.
    rows : ndarray of shape (n_edges + 2, n_columns)
        What each becomes.
    """

    edges: Edges
    rows: Floats

    def position(self, of: Expr) -> Position:
        """Say where a value is found."""
        return Interval(of, self.edges)

    def emit(self, code: Code, of: Expr, column: int) -> str:
        """Write the look-up of one column."""
        return f"{code.constant(self.rows[:, column].tolist())}[{code.value(self.position(of))}]"


class Lookup(Expr, frozen=True):
    """One column of a table, found by an expression's value."""

    of: Expr
    table: Table | Bins
    place: int = 0

    def emit(self, code: Code) -> str:
        return self.table.emit(code, self.of, self.place)

    def batch(self, batch: Batch) -> Floats:
        column: Floats = self.table.rows[:, self.place].take(batch.position(self.table.position(self.of)))
        return column

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        rows = self.table.rows[:, self.place]
        return bool(np.isnan(rows[:-1]).any() or (self.of.may_be_missing(missing) and np.isnan(rows[-1])))

    def with_rows(self, rows: Floats) -> Lookup:
        """Give a look-up of other numbers, one for each row."""
        return Lookup(self.of, msgspec.structs.replace(self.table, rows=rows[:, None]))


def worked_out(expr: Elementwise) -> Expr:
    """Give an expression, computed beforehand where it is a function of a table's numbers."""
    of = expr.of
    if isinstance(of, Lookup):
        return of.with_rows(expr.compute(of.table.rows[:, of.place]))
    if isinstance(of, Constant):
        return Constant(float(expr.compute(np.array([of.value]))[0]))
    return expr


class Cells(Shared, frozen=True, eq=False):
    """Numbers found by two positions."""

    values: Floats


class Grid(Expr, frozen=True):
    """A number found by two positions: what two fields do together."""

    first: Position
    second: Position
    cells: Cells

    def emit(self, code: Code) -> str:
        cells = code.constant(self.cells.values.tolist())
        return f"{cells}[{code.value(self.first)}][{code.value(self.second)}]"

    def batch(self, batch: Batch) -> Floats:
        found: Floats = self.cells.values[batch.position(self.first), batch.position(self.second)]
        return found

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return bool(np.isnan(self.cells.values).any())


# -- curves ----------------------------------------------------------------------------------------


class Curve(Shared, frozen=True, eq=False):
    """Polynomials, one for each interval of numbers, then one for a missing number.

    Attributes
    ----------
    edges : Edges
        Where the intervals after the first begin.
    anchors : ndarray of shape (n_edges + 2,)
        What is taken from the number before it enters the interval's polynomial.
    rows : ndarray of shape (n_edges + 2, degree + 1, n_columns)
        The coefficients, the constant first; those for a missing number are NaN.
    """

    edges: Edges
    anchors: Floats
    rows: Floats

    def emit(self, code: Code, x: str, at: str, column: int = 0) -> str:
        """Write one column at the number in a variable, whose interval is in another."""
        rows = np.column_stack([self.anchors, self.rows[:, :, column]])
        piece = code.assign(f"{code.constant(rows.tolist())}[{at}]")
        d = code.assign(f"{x} - {piece}[0]")
        result = f"{piece}[{rows.shape[1] - 1}]"
        for power in range(rows.shape[1] - 2, 0, -1):
            result = f"{piece}[{power}] + {d} * ({result})"
        return result

    def compute(self, x: Floats, at: NDArray[np.intp], column: int = 0) -> Floats:
        """Compute one column at many numbers, whose intervals are known."""
        d = x - self.anchors.take(at)
        result: Floats
        *lower, result = (coefficients.take(at) for coefficients in self.rows[:, :, column].T)
        for coefficient in reversed(lower):
            result = coefficient + d * result
        return result


class Piecewise(Elementwise, frozen=True):
    """One column of a `Curve`, at an expression's number."""

    curve: Curve
    place: int = 0

    @property
    def interval(self) -> Interval:
        """Where the number lies."""
        return Interval(self.of, self.curve.edges)

    def emit(self, code: Code) -> str:
        return self.curve.emit(code, code.value(self.of), code.value(self.interval), self.place)

    def compute(self, x: Floats) -> Floats:
        return self.curve.compute(x, self.curve.edges.find(x), self.place)

    def batch(self, batch: Batch) -> Floats:
        return self.curve.compute(batch.value(self.of), batch.position(self.interval), self.place)
