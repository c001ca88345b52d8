"""Look-up tables and piecewise curves, indexed by a category or by the interval of a number.

A table's rows are many columns at once, so that the columns of one encoded field can share it and
a linear model can add them up beforehand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.nodes.base import (
    ColumnEvaluator,
    Expr,
    Floats,
    Ints,
    Key,
    Places,
    Position,
    Shared,
    SourceWriter,
    Text,
)
from morosidad.compiler.nodes.expressions import Arith, Constant, Elementwise, Fill, Raw
from morosidad.frames.reading import Coded

# -- positions -------------------------------------------------------------------------------------


class CategoryPosition(Position, frozen=True):
    """The place of a value among `keys`; then one for any other value, and one for none."""

    keys: tuple[Key, ...]

    @property
    def size(self) -> int:
        return len(self.keys) + 2

    def find(self, batch: ColumnEvaluator) -> Places:
        other, missing = len(self.keys), len(self.keys) + 1
        source = self.of.of if isinstance(self.of, Fill) else self.of
        column: Any = batch.columns[source.field] if isinstance(source, Raw) else None
        if isinstance(source, Text):
            column = source.coded(batch)
        if not isinstance(column, Coded):
            return _search(batch.value(self.of), self.keys)
        place = {key: i for i, key in enumerate(self.keys)}
        if isinstance(self.of, Fill):
            missing = place.get(self.of.value, other)
        found = np.array([*(place.get(level, other) for level in column.levels), missing], dtype=np.intp)
        return found.take(column.codes)

    def emit_item(self, code: SourceWriter, items: Sequence[Any]) -> str:
        *known, other, missing = items
        found: dict[Any, Any] = dict(zip(self.keys, known, strict=True))
        if isinstance(self.of, Raw):
            found[None] = missing
            return f"{code.constant(found.get)}({code.field(self.of.field)}, {code.constant(other)})"
        name = code.value(self.of)
        if isinstance(self.of, Text):
            found[None] = missing
        item = f"{code.constant(found.get)}({name}, {code.constant(other)})"
        if isinstance(self.of, Text):
            return item
        if not self.of.may_be_missing(code.missing):
            return item
        return f"{item} if {name} == {name} else {code.constant(missing)}"

    def union(self, others: Sequence[CategoryPosition]) -> tuple[Position, list[list[int]]]:
        keys = tuple(dict.fromkeys(key for other in others for key in other.keys))
        maps = []
        for other in others:
            place = {key: i for i, key in enumerate(other.keys)}
            n = len(other.keys)
            maps.append([*(place.get(key, n) for key in keys), n, n + 1])
        return CategoryPosition(self.of, keys), maps


def _search(column: Floats, keys: tuple[Key, ...]) -> Places:
    """Find each number's key: its place among `keys`, then one for any other, one for missing."""
    numbers = [(float(key), i) for i, key in enumerate(keys) if not isinstance(key, str)]
    numbers.sort()
    order = np.array([i for _, i in numbers] or [len(keys)], dtype=np.intp)
    values = np.array([key for key, _ in numbers] or [np.nan])
    near = np.minimum(np.searchsorted(values, column), len(values) - 1)
    places = np.where(values[near] == column, order[near], len(keys))
    return np.where(np.isnan(column), len(keys) + 1, places)


class Edges(Shared, frozen=True, eq=False):
    """Where the intervals of numbers begin, ascending; each holds its own beginning."""

    values: Floats

    def find(self, x: Floats) -> Places:
        """Find the intervals of many numbers; a missing one has a place of its own after the last."""
        places = np.searchsorted(self.values, x, side="right")
        return np.where(np.isnan(x), len(self.values) + 1, places)


class IntervalPosition(Position, frozen=True):
    """The place of the interval that a number lies in; then one for no number."""

    edges: Edges

    @property
    def size(self) -> int:
        return len(self.edges.values) + 2

    def find(self, batch: ColumnEvaluator) -> Places:
        return self.edges.find(batch.value(self.of))

    def emit(self, code: SourceWriter) -> str:
        find, edges = code.constant(bisect_right), code.constant(self.edges.values.tolist())
        # a whole number becomes a float first: that is how it was fitted, and floats compare faster
        name = code.value(Arith(self.of, "+", 0.0) if isinstance(self.of, Raw) else self.of)
        found = f"{find}({edges}, {name})"
        if not self.of.may_be_missing(code.missing):
            return found
        return f"{self.size - 1} if {name} != {name} else {found}"

    def emit_item(self, code: SourceWriter, items: Sequence[Any]) -> str:
        return f"{code.constant(list(items))}[{code.value(self)}]"

    def union(self, others: Sequence[IntervalPosition]) -> tuple[Position, list[list[int]]]:
        edges = Edges(np.unique(np.concatenate([other.edges.values for other in others])))
        inside = np.concatenate([[-np.inf], edges.values, [np.nan]])
        return IntervalPosition(self.of, edges), [other.edges.find(inside).tolist() for other in others]


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
        return CategoryPosition(of, self.keys)

    def column(self, place: int) -> Floats:
        """Give one column, a number for each position."""
        column: Floats = self.rows[:, place]
        return column


class SparseColumn(Shared, frozen=True, eq=False):
    """One column of a `Table` of which most rows hold the same number, as those of one-hot encoding do.

    Attributes
    ----------
    keys : tuple
        As in `Table`.
    usual : float
        What most rows hold.
    places : ndarray of int32, shape (n,)
        The other rows.
    numbers : ndarray of float64, shape (n,)
        What they hold.
    """

    keys: tuple[Key, ...]
    usual: float
    places: Ints
    numbers: Floats

    def position(self, of: Expr) -> Position:
        """Say where a value is found."""
        return CategoryPosition(of, self.keys)

    def column(self, place: int = 0) -> Floats:
        """Give the column, a number for each position."""
        column = np.full(len(self.keys) + 2, self.usual)
        column[self.places] = self.numbers
        return column

    def mapped(self, compute: Callable[[Floats], Floats]) -> SparseColumn:
        """Give a function of the column, a number at a time."""
        usual = float(compute(np.array([self.usual]))[0])
        return SparseColumn(self.keys, usual, self.places, compute(self.numbers))


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
        return IntervalPosition(of, self.edges)

    def column(self, place: int) -> Floats:
        """Give one column, a number for each position."""
        column: Floats = self.rows[:, place]
        return column


class Lookup(Expr, frozen=True):
    """One column of a table, found by an expression's value."""

    of: Expr
    table: Table | Bins | SparseColumn
    place: int = 0

    @property
    def at(self) -> Position:
        """Where the number is found."""
        return self.table.position(self.of)

    @property
    def numbers(self) -> Floats:
        """What may be found, one number for each position."""
        return self.table.column(self.place)

    def emit(self, code: SourceWriter) -> str:
        return self.at.emit_item(code, self.numbers.tolist())

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return self.numbers.take(batch.position(self.at))

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        if (
            isinstance(self.table, SparseColumn)
            and not np.isnan([self.table.usual, *self.table.numbers]).any()
        ):
            return False
        numbers = self.numbers
        absent = self.of.may_be_missing(missing) and np.isnan(numbers[-1])
        return bool(absent or np.isnan(numbers[:-1]).any())

    @property
    def known_keys(self) -> list[Key] | None:
        """The categories that have a number, where others have none; None where others are no matter."""
        if isinstance(self.table, Bins):
            return None
        numbers = self.numbers[: len(self.table.keys)]
        return [
            key for key, number in zip(self.table.keys, numbers.tolist(), strict=True) if number == number
        ]

    def with_rows(self, rows: Floats) -> Lookup:
        """Give a look-up of other numbers, one for each row."""
        if isinstance(self.table, SparseColumn):
            return Lookup(self.of, Table(self.table.keys, rows[:, None]))
        return Lookup(self.of, msgspec.structs.replace(self.table, rows=rows[:, None]))


def fold_constants(expr: Elementwise) -> Expr:
    """Fold an expression into its operand where that is a table's number or a constant."""
    of = expr.of
    if isinstance(of, Lookup) and isinstance(of.table, SparseColumn):
        return Lookup(of.of, of.table.mapped(expr.compute))
    if isinstance(of, Lookup):
        return of.with_rows(expr.compute(of.numbers))
    if isinstance(of, Constant):
        return Constant(float(expr.compute(np.array([of.value]))[0]))
    return expr


class Cells(Shared, frozen=True, eq=False):
    """Numbers found by two positions."""

    values: Floats


class Grid(Expr, frozen=True):
    """A number found by two positions: the interaction of two fields."""

    first: Position
    second: Position
    cells: Cells

    def emit(self, code: SourceWriter) -> str:
        cells = code.constant(self.cells.values.tolist())
        return f"{cells}[{code.value(self.first)}][{code.value(self.second)}]"

    def batch(self, batch: ColumnEvaluator) -> Floats:
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

    def emit(self, code: SourceWriter, x: str, at: str, column: int = 0) -> str:
        """Write one column at the number in a variable, whose interval is in another."""
        rows = np.column_stack([self.anchors, self.rows[:, :, column]])
        piece = code.assign(f"{code.constant(rows.tolist())}[{at}]")
        d = code.assign(f"{x} - {piece}[0]")
        result = f"{piece}[{rows.shape[1] - 1}]"
        for power in range(rows.shape[1] - 2, 0, -1):
            result = f"{piece}[{power}] + {d} * ({result})"
        return result

    def compute(self, x: Floats, at: Places, column: int = 0) -> Floats:
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
    def interval(self) -> IntervalPosition:
        """Where the number lies."""
        return IntervalPosition(self.of, self.curve.edges)

    def emit(self, code: SourceWriter) -> str:
        return self.curve.emit(code, code.value(self.of), code.value(self.interval), self.place)

    def compute(self, x: Floats) -> Floats:
        return self.curve.compute(x, self.curve.edges.find(x), self.place)

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return self.curve.compute(batch.value(self.of), batch.position(self.interval), self.place)
