"""Many records as columns, each computed once however many expressions ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.expressions import Expr, Fill, Floats, Key, Raw
from morosidad.compiler.nodes.lookups import Position
from morosidad.frames.reading import Coded, Column


class Batch:
    """Validated columns in schema order: numbers with NaN where missing, categories coded.

    Parameters
    ----------
    columns : sequence of (ndarray of float64, or Coded)
        One per field, all of one length.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._values: dict[Expr, Floats] = {}
        self._positions: dict[Position, NDArray[np.intp]] = {}

    @classmethod
    def of_records(cls, rows: Iterable[tuple[Any, ...]], n_fields: int) -> Batch:
        """Make a batch of values as the schema reads them."""
        columns = list(zip(*rows, strict=True)) or [()] * n_fields
        return cls([_column(column) for column in columns])

    def __len__(self) -> int:
        return len(self.columns[0])

    def number(self, field: int) -> Floats:
        """Give a field as numbers."""
        column = self.columns[field]
        if isinstance(column, Coded):
            levels = np.array([*map(float, column.levels), np.nan])
            column = levels.take(column.codes)
        return column

    def missing(self, field: int) -> NDArray[np.bool_]:
        """Tell where a field has no value."""
        column = self.columns[field]
        return column.codes < 0 if isinstance(column, Coded) else np.isnan(column)

    def value(self, expr: Expr) -> Floats:
        """Compute an expression, once."""
        if isinstance(expr, Raw):
            return expr.batch(self)
        if expr not in self._values:
            self._values[expr] = expr.batch(self)
        return self._values[expr]

    def position(self, at: Position) -> NDArray[np.intp]:
        """Find each row's position, once."""
        if at not in self._positions:
            self._positions[at] = at.find(self)
        return self._positions[at]

    def places(self, expr: Expr, keys: tuple[Key, ...]) -> NDArray[np.intp]:
        """Find each row's key: its place among `keys`, then one for any other, one for missing."""
        other, missing = len(keys), len(keys) + 1
        if (
            isinstance(expr, Fill)
            and isinstance(expr.of, Raw)
            and isinstance(self.columns[expr.of.field], Coded)
        ):
            places = self.places(expr.of, keys)
            filled = keys.index(expr.value) if expr.value in keys else other
            return np.where(places == missing, filled, places)
        column = self.columns[expr.field] if isinstance(expr, Raw) else self.value(expr)
        if isinstance(column, Coded):
            place = {key: i for i, key in enumerate(keys)}
            found = np.array([*(place.get(level, other) for level in column.levels), missing], dtype=np.intp)
            return found.take(column.codes)
        return _search(column, keys)


def _search(column: Floats, keys: tuple[Key, ...]) -> NDArray[np.intp]:
    numbers = [(float(key), i) for i, key in enumerate(keys) if not isinstance(key, str)]
    numbers.sort()
    order = np.array([i for _, i in numbers] or [len(keys)], dtype=np.intp)
    values = np.array([key for key, _ in numbers] or [np.nan])
    near = np.minimum(np.searchsorted(values, column), len(values) - 1)
    places = np.where(values[near] == column, order[near], len(keys))
    return np.where(np.isnan(column), len(keys) + 1, places)


def _column(values: Sequence[Any]) -> Column:
    if not any(isinstance(value, str) for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    levels = list(dict.fromkeys(value for value in values if value is not None))
    place = {level: i for i, level in enumerate(levels)} | {None: -1}
    return Coded(np.array([place[value] for value in values], dtype=np.intp), levels)
