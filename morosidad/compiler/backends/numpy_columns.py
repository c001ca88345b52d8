"""Column-wise evaluation with numpy: each expression over many records, computed once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Bools, Expr, Floats, Places, Position
from morosidad.frames.reading import Coded, Column


class ColumnBatch:
    """Validated columns in schema order: numbers with NaN where missing, categories coded.

    Parameters
    ----------
    columns : sequence of (ndarray of float64, or Coded)
        One per field, all of one length.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._values: dict[Expr, Floats] = {}
        self._positions: dict[Position, Places] = {}

    @classmethod
    def of_records(cls, rows: Iterable[tuple[Any, ...]], n_fields: int) -> ColumnBatch:
        """Make a batch of values as the schema reads them."""
        some = list(rows)
        return cls([_column([row[field] for row in some]) for field in range(n_fields)])

    def __len__(self) -> int:
        return len(self.columns[0])

    def number(self, field: int) -> Floats:
        """Give a field as numbers."""
        column = self.columns[field]
        if isinstance(column, Coded):
            levels = np.array([*map(float, column.levels), np.nan])
            column = levels.take(column.codes)
        return column

    def missing(self, field: int) -> Bools:
        """Tell where a field has no value."""
        column = self.columns[field]
        return column.codes < 0 if isinstance(column, Coded) else np.isnan(column)

    def value(self, expr: Expr) -> Floats:
        """Compute an expression, once."""
        if expr not in self._values:
            self._values[expr] = expr.batch(self)
        return self._values[expr]

    def position(self, at: Position) -> Places:
        """Find each row's position, once."""
        if at not in self._positions:
            self._positions[at] = at.find(self)
        return self._positions[at]


def _column(values: list[Any]) -> Column:
    if not any(issubclass(kind, str) for kind in set(map(type, values))):
        return np.array(values, dtype=np.float64)  # None becomes NaN
    levels = list(dict.fromkeys(value for value in values if value is not None))
    place = {level: i for i, level in enumerate(levels)} | {None: -1}
    return Coded(np.array([place[value] for value in values], dtype=np.intp), levels)
