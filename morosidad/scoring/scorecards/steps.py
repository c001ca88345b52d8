"""Additive models whose every term is a step function, as tables over the values of fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form
from morosidad.compiler.forms.guarded import Guarded
from morosidad.compiler.nodes.base import Expr, Floats, Key, Places, Position, Text, walk
from morosidad.compiler.nodes.expressions import Fill, Missing, Raw
from morosidad.compiler.nodes.lookups import CategoryPosition, Edges, Grid, IntervalPosition, Lookup
from morosidad.compiler.nodes.terms import Term, term_of
from morosidad.compiler.nodes.thresholds import Steps, as_given, origin
from morosidad.schema.field import Field, Value
from morosidad.schema.schema import Schema

MOST_CELLS = 1_000_000
"""So many numbers a table of two fields may hold."""


class NoStepsError(ValueError):
    """A model is no sum of steps; its text says why, in English."""


class StepTable(NamedTuple):
    """What one field, or two together, add to the log-odds of default.

    Attributes
    ----------
    at : tuple of Position
        Where the values of each field are found.
    numbers : ndarray of float64
        What is found there, with an axis for each field.
    own : tuple of (Position, ndarray of intp)
        Where the model itself looks, for each field, and which place there each cell of the field is; empty
        where it looks several times.
    """

    at: tuple[CategoryPosition | IntervalPosition, ...]
    numbers: Floats
    own: tuple[tuple[Position, Places], ...] = ()

    @property
    def fields(self) -> tuple[int, ...]:
        """The fields, by their places in the schema."""
        return tuple(place for place in (_raw(at) for at in self.at) if place is not None)


class StepModel(NamedTuple):
    """A model as a constant and tables, which add up to its log-odds of default."""

    intercept: float
    tables: tuple[StepTable, ...]

    def times(self, slope: float, intercept: float = 0.0) -> StepModel:
        """Give a line of the log-odds, ``slope * z + intercept``, as a sum of the same kind."""
        tables = tuple(table._replace(numbers=slope * table.numbers) for table in self.tables)
        return StepModel(slope * self.intercept + intercept, tables)


def steps_of(form: Form | None, schema: Schema) -> StepModel:
    """Take a compiled model apart into tables.

    Parameters
    ----------
    form : Form, optional
        The compiled classifier.
    schema : Schema
        What a record is.

    Returns
    -------
    StepModel

    Raises
    ------
    NoStepsError
        If it is no sum of steps in one field or two.
    """
    if isinstance(form, Guarded):
        return steps_of(form.of, schema)
    if isinstance(form, Complement):
        return steps_of(form.of, schema).times(-1.0)
    if isinstance(form, Sigmoid) and form.on_log_odds:
        return steps_of(form.of, schema).times(form.slope, form.intercept)
    if not isinstance(form, Additive):
        raise NoStepsError("it is no sum of what each field adds to the log-odds")
    intercept, own, pairs = form.intercept, dict[int, list[Expr]](), list[Term]()
    for term in map(term_of, form.terms):
        if not term.fields:
            intercept += float(term.expr.batch(ColumnBatch([np.zeros(1)]))[0])
        elif len(term.fields) == 1:
            own.setdefault(term.fields[0], []).append(term.expr)
        elif isinstance(term.expr, Grid):
            pairs.append(term)
        else:
            names = ", ".join(schema.names[field] for field in term.fields)
            raise NoStepsError(f"it holds a number that is computed from several fields: {names}")
    tables = [_table(schema, place, exprs) for place, exprs in sorted(own.items())]
    return StepModel(intercept, (*tables, *(_pair(schema, term.expr) for term in pairs)))


def _table(schema: Schema, place: int, exprs: Sequence[Expr]) -> StepTable:
    at = _cells(schema.fields[place], place, exprs)
    batch = _batch(schema, at, place)
    own = exprs[0].at if len(exprs) == 1 and isinstance(exprs[0], Lookup) else None
    numbers = np.sum([batch.value(expr) for expr in exprs], axis=0)
    return StepTable((at,), numbers, () if own is None else ((own, batch.position(own)),))


def _pair(schema: Schema, grid: Expr) -> StepTable:
    assert isinstance(grid, Grid)
    both, places = [], []
    for position in (grid.first, grid.second):
        place = next(node.field for node in walk(position) if isinstance(node, Raw))
        both.append(_cells(schema.fields[place], place, [position]))
        places.append(_batch(schema, both[-1], place).position(position))
    if math.prod(at.size for at in both) > MOST_CELLS:
        raise NoStepsError("a table of two fields is too large")
    own = tuple(zip((grid.first, grid.second), places, strict=True))
    return StepTable(tuple(both), grid.cells.values[np.ix_(*places)], own)


# -- where a field's number changes ----------------------------------------------------------------


def _cells(field: Field, place: int, exprs: Sequence[Expr]) -> CategoryPosition | IntervalPosition:
    """Give positions that tell all values of a field apart between which some expressions differ."""
    if field.kind == "boolean":
        return CategoryPosition(Raw(place), (False, True))
    if field.categories is not None:
        return CategoryPosition(Raw(place), field.categories)
    numeric = field.kind != "category"
    edges, keys = set[float](), dict[Key, None]()
    for expr in exprs:
        _collect(field, expr, edges, keys, numeric)
    if keys and edges:
        raise NoStepsError(f"{field.name}: its numbers are both intervals and categories")
    if keys or not numeric:
        return CategoryPosition(Raw(place), tuple(keys))
    return IntervalPosition(Raw(place), Edges(np.array(sorted(edges), dtype=np.float64)))


def _collect(field: Field, expr: Expr, edges: set[float], keys: dict[Key, None], numeric: bool) -> None:
    """Collect where intervals of a field begin, and which categories are told apart."""
    if isinstance(expr, Lookup):
        expr = expr.at
    if isinstance(expr, IntervalPosition) and numeric and isinstance(_start(expr.of), Raw):
        edges |= _moved(expr.of, expr.edges.values)
    elif isinstance(expr, CategoryPosition) and isinstance(_unfilled(expr.of), Raw):
        keys.update(dict.fromkeys(expr.keys))
    elif isinstance(expr, Missing) and isinstance(_start(expr.of) if numeric else expr.of, Raw):
        pass
    elif isinstance(expr, (Raw, Text)):
        how = "it enters the model as a number, not in bins" if numeric else "its text is changed first"
        raise NoStepsError(f"{field.name}: {how}")
    else:
        for part in expr.parts():
            _collect(field, part, edges, keys, numeric)


def _start(expr: Expr) -> Expr:
    return origin(expr, lambda _: True)


def _unfilled(expr: Expr) -> Expr:
    return expr.of if isinstance(expr, Fill) else expr


def _moved(of: Expr, edges: Floats) -> set[float]:
    """Say where intervals of a column begin in the numbers of the field that it is made of."""
    below = np.nextafter(edges, -np.inf)
    last, _ = Steps(of, _start(of), as_given).move(below, np.zeros(len(below), dtype=np.bool_))
    return set(np.nextafter(last[np.isfinite(last)], np.inf).tolist())


# -- one value of each cell ------------------------------------------------------------------------


def _batch(schema: Schema, at: Position, place: int) -> ColumnBatch:
    """Make rows of which each lies in another cell of a field; other fields are missing."""
    rows = [[None] * len(schema) for _ in range(at.size)]
    cells: list[list[Value]] = [list(row) for row in rows]
    for row, value in zip(cells, _values(at), strict=True):
        row[place] = value
    return ColumnBatch.of_records(map(tuple, cells), len(schema))


def _values(at: Position) -> Iterable[Value]:
    if isinstance(at, IntervalPosition):
        edges = at.edges.values.tolist()
        return [math.nextafter(edges[0], -math.inf) if edges else 0.0, *edges, None]
    assert isinstance(at, CategoryPosition)
    return [*at.keys, _other(at.keys), None]


def _other(keys: tuple[Key, ...]) -> Value:
    """Make a value that is no key."""
    if all(isinstance(key, str) for key in keys):
        return "".join(map(str, keys)) + "?"
    return 1 + int(max(float(key) for key in keys if not isinstance(key, str)))


def _raw(at: Position) -> int | None:
    return at.of.field if isinstance(at.of, Raw) else None
