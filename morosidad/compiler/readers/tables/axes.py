"""What a transformer is asked about one column: values to try, and the cells that stand for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats, Key
from morosidad.compiler.nodes.expressions import Constant, Elementwise, Fill, Narrow, Raw
from morosidad.compiler.nodes.labels import Label
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Edges,
    IntervalPosition,
    Lookup,
    Table,
)
from morosidad.compiler.registry import Compiler, NotCompilable
from morosidad.frames.layout import ColumnLayout, FrameBuilder, FrameLayout
from morosidad.schema.field import Field

UNSEEN = ("categoría nunca vista", "¿?", "Zz 12345")
"""Texts that no encoder was fitted on: all must be treated alike."""
ORDINARY = (0.0, 1.0, -1.0, 7.0, 1234.0, -98765.0, 1e6)
"""Numbers that are tried besides those that a transformer holds."""

Cell = Key | None


class Axis(msgspec.Struct, frozen=True, eq=False):
    """One input column of a transformer, with the values that it is asked about.

    Attributes
    ----------
    column : Expr
        The column.
    of : Expr
        What its values are found by.
    keys : tuple
        The categories, of a column that has categories.
    edges : Edges or None
        Where intervals begin, of a column that is found in intervals already.
    cells : list
        What stands in the column for each key, then for any other, then for none; of numbers, the
        numbers in ascending order and then none.
    layout : ColumnLayout or None
        How the column is laid out.
    others : tuple
        Further cells that stand for no key.
    """

    column: Expr
    of: Expr
    keys: tuple[Key, ...]
    edges: Edges | None
    cells: list[Cell]
    layout: ColumnLayout | None
    others: tuple[Cell, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers that are not counted."""
        return not self.keys and self.edges is None and len(self.cells) > 2

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return self.layout is not None and self.layout.dtype.lower().lstrip("u").startswith("int")

    @property
    def at(self) -> CategoryPosition | IntervalPosition:
        """Where a value is found, of a column that is found in a table."""
        if self.edges is not None:
            return IntervalPosition(self.of, self.edges)
        return CategoryPosition(self.of, self.keys)

    def lookups(self, rows: Floats) -> list[Expr]:
        """Make columns of numbers, one row of them for each cell."""
        table: Table | Bins
        if self.edges is not None:
            table = Bins(self.edges, rows)
        else:
            telling = [i for i in range(len(self.keys)) if not _same(rows[i], rows[-2])]
            table = Table(tuple(self.keys[i] for i in telling), rows[[*telling, -2, -1]])
        return [Lookup(self.of, table, place) for place in range(rows.shape[1])]


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def axis_of(column: Expr, values: Iterable[Any], compiler: Compiler) -> Axis:
    """Choose what a transformer is asked about one column.

    Parameters
    ----------
    column : Expr
        The column.
    values : iterable
        Texts and numbers that the transformer holds for it.
    compiler : Compiler
        The compilation.

    Returns
    -------
    Axis

    Raises
    ------
    NotCompilable
        If the column is neither numbers nor found in a table.
    """
    if isinstance(column, Label):
        return _of_label(column, values)
    if isinstance(column, Lookup):
        return _of_lookup(column)
    if isinstance(column, Constant):
        raise NotCompilable("a column that was left out reaches an encoder")
    field = _field(column, compiler)
    layout = _layout(column, field, compiler)
    if field is not None and (field.kind in ("category", "boolean")):
        return _of_categories(column, field, values, layout)
    numbers = _numbers(values)
    whole = layout is not None and layout.dtype.lower().lstrip("u").startswith("int")
    tried = {*ORDINARY, *([] if whole else [0.5, -2.25, 1e-9])}
    for number in numbers:
        around = (number - 1, number, number + 1) if number.is_integer() else ()
        beside = (math.nextafter(number, -math.inf), number, math.nextafter(number, math.inf))
        tried |= {*around, math.floor(number), math.ceil(number)} if whole else {*beside, *around}
    tried |= {float(math.floor(min(tried)) - 1), float(math.ceil(max(tried)) + 1)}
    cells: list[Cell] = [*sorted(float(x) for x in tried if math.isfinite(x)), None]
    return Axis(column, column, (), None, cells, layout)


def _of_categories(column: Expr, field: Field, values: Iterable[Any], layout: ColumnLayout | None) -> Axis:
    levels: list[Key] = [*(field.categories or ()), *(field.usual_levels or ())]
    unseen: list[Cell] = list(UNSEEN)
    if field.kind == "boolean":
        levels, unseen = [False, True], [None]
    elif field.holds_integers:
        levels += [int(number) for number in _numbers(values) if number.is_integer()]
        numbers = [int(level) for level in levels] or [0]
        unseen = [max(numbers) + 1, max(numbers) + 1000, min(numbers) - 1]
    else:
        levels += [value for value in values if isinstance(value, str)]
    keys = tuple(dict.fromkeys(levels))
    source, missing = (column.of, column.value) if isinstance(column, Fill) else (column, None)
    return Axis(column, source, keys, None, [*keys, unseen[0], missing], layout, tuple(unseen[1:]))


def _of_label(column: Label, values: Iterable[Any]) -> Axis:
    if isinstance(column.at, IntervalPosition):
        return Axis(column, column.at.of, (), column.at.edges, list(column.labels), None)
    if not isinstance(column.at, CategoryPosition):
        raise NotCompilable("text that is found otherwise than by a category has no compiled form")
    *known, other, missing = column.labels
    cells = dict(zip(column.at.keys, known, strict=True))
    for value in values:
        if isinstance(value, str):
            cells.setdefault(value, value if column.keeps_others else other)
    return Axis(column, column.at.of, tuple(cells), None, [*cells.values(), other, missing], None)


def _of_lookup(column: Lookup) -> Axis:
    cells: list[Cell] = [None if x != x else x for x in column.numbers.tolist()]
    if isinstance(column.table, Bins):
        return Axis(column, column.of, (), column.table.edges, cells, None)
    return Axis(column, column.of, column.table.keys, None, cells, None)


def _field(column: Expr, compiler: Compiler) -> Field | None:
    source = column.of if isinstance(column, Fill) else column
    if isinstance(source, Raw):
        return compiler.schema.fields[source.field]
    if not isinstance(column, Elementwise):
        raise NotCompilable("a column that is made of others reaches an encoder")
    return None


def _layout(column: Expr, field: Field | None, compiler: Compiler) -> ColumnLayout | None:
    """Give the layout of a column that comes as the user gave it, or filled with more of its kind."""
    layout = None if field is None else compiler.layouts.get(field.name)
    if layout is None or isinstance(column, Narrow) or layout.narrow is not None:
        return None
    as_given = isinstance(column, Raw) or layout.dtype not in ("category", "bool")
    return layout if as_given else None


def _numbers(values: Iterable[Any]) -> list[float]:
    found = {float(x) for x in values if isinstance(x, int | float) and not isinstance(x, bool)}
    return sorted(x for x in found if math.isfinite(x))


def cells_as_column(axis: Axis, cells: Sequence[Cell]) -> Any:
    """Put cells of one column into a column, as the transformer would be given it.

    Parameters
    ----------
    axis : Axis
        The column.
    cells : sequence
        One for each row; None where there is none.

    Returns
    -------
    Series of shape (n_rows,)
    """
    import pandas as pd

    if axis.layout is not None:
        layout = msgspec.structs.replace(axis.layout, name="x", field="x")
        frame = FrameBuilder(FrameLayout((layout,)), ["x"]).frame([(cell,) for cell in cells])
        return pd.Series(frame["x"])
    if any(isinstance(cell, str) for cell in axis.cells):
        texts = [float("nan") if cell is None else cell for cell in cells]
        return pd.Series(texts, dtype=object)
    return pd.Series([math.nan if cell is None else float(cell) for cell in cells], dtype=np.float64)
