"""Probe rows: records made to find differences between a compiled form and the original.

Each field missing, categories never seen, numbers at and beyond every limit, and whatever rows the
form itself makes at the discontinuities of its answer (both sides of a split).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from morosidad.errors import InvalidRecord
from morosidad.schema.field import Field, Row, Value
from morosidad.schema.schema import Schema

Probes = Callable[[Schema, Sequence[Row]], Iterable[Row]]

MAX_REFERENCE_ROWS = 2000
MAX_GROUPS = 64
"""So many groups of fields are changed, each alone where there are no more fields than that."""
WHOLE = 2.0**53
MAX_LEVELS = 300
"""So many categories of each field are tried, evenly over all."""


def probe_rows(
    schema: Schema,
    reference: Sequence[Row],
    probes: Probes | None = None,
    *,
    seed: int = 0,
) -> list[Row]:
    """Make the rows that the gate asks about; all are valid under the schema.

    Parameters
    ----------
    schema : Schema
        What a record is.
    reference : sequence of tuple
        Real rows; without any, rows are drawn from the schema's limits.
    probes : callable, optional
        What a form knows of where its answer jumps: `Form.probes`.
    seed : int, default=0
        The same seed gives the same rows.

    Returns
    -------
    list of tuple
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    valid = Validity(schema)
    known = list(reference[:: max(1, len(reference) // MAX_REFERENCE_ROWS)])
    drawn = [_draw(schema, rng) for _ in range(50 if known else 500)]
    bases = [*rng.sample(known, min(3, len(known))), *drawn[: 1 if known else 3]]
    made = [*_fields_changed(schema, valid, bases), *_none_given(schema, bases)]
    if probes is not None:
        made += probes(schema, bases)
    return known + valid.keep([*drawn, *made])


def _fields_changed(schema: Schema, valid: Validity, bases: Sequence[Row]) -> Iterator[Row]:
    """Change one field at a time to each of its values; of many fields, some at a time.

    So the number of rows is bounded, and the work grows with the number of fields and not its square.
    """
    tries = [
        [value for value in _values_to_try(field) if valid.value(place, value)]
        for place, field in enumerate(schema.fields)
    ]
    groups = max(1, -(-len(tries) // MAX_GROUPS))
    for first in range(0, len(tries), groups):
        together = tries[first : first + groups]
        for turn in range(max(map(len, together), default=0)):
            for base in bases:
                row = list(base)
                for offset, values in enumerate(together):
                    if values:
                        row[first + offset] = values[(turn + offset) % len(values)]
                yield tuple(row)


def _none_given(schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
    for base in bases:
        yield tuple(value if f.required else None for f, value in zip(schema.fields, base, strict=True))


def unseen(field: Field) -> str | int:
    """Give a category that a field has never held."""
    numbers = [level for level in field.usual_levels or () if isinstance(level, int)]
    return max(numbers) + 1 if numbers else "categoría nunca vista"


def changed(row: Sequence[Value], place: int, value: Value) -> Row:
    """Give a row with one of its values replaced."""
    return (*row[:place], value, *row[place + 1 :])


def _values_to_try(field: Field) -> list[Value]:
    if field.kind == "boolean":
        return [None, True, False]
    if field.kind == "category" or field.categories is not None:
        levels = list(dict.fromkeys([*(field.categories or ()), *(field.usual_levels or ())]))
        return [None, unseen(field), *levels[:: 1 + len(levels) // MAX_LEVELS]]
    low, high = _range(field)
    limits = [x for x in (field.ge, field.gt, field.le, field.lt) if x is not None]
    numbers = [0.0, 1.0, -1.0, low, high, low - 1, high + 1, 10 * high + 1, 10 * low - 1, 1e9, -1e9, *limits]
    return [None, *(_typed(field, number) for number in numbers)]


def _typed(field: Field, number: float) -> Value:
    return round(number) if field.kind == "integer" else float(number)


def _range(field: Field) -> tuple[float, float]:
    seen = field.observed
    low, high = field.interval
    if seen is not None and seen.low is not None and seen.high is not None:
        low, high = max(low, seen.low), min(high, seen.high)
    if np.isinf(low):
        low = min(0.0, high - 1.0)
    return low, low + 1e6 if np.isinf(high) else high


def _draw(schema: Schema, rng: random.Random) -> Row:
    return tuple(_draw_one(field, rng) for field in schema.fields)


def _draw_one(field: Field, rng: random.Random) -> Value:
    if not field.required and rng.random() < 0.1:
        return None
    if field.kind == "boolean":
        return rng.random() < 0.5
    levels = field.categories or field.usual_levels
    if levels is not None or field.kind == "category":
        return rng.choice(levels or (unseen(field),))
    return _typed(field, rng.uniform(*_range(field)))


class Validity:
    """Whether a schema accepts rows; each different value of a field is read once.

    Parameters
    ----------
    schema : Schema
        What a record is.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._fields = schema.fields
        self._known: list[dict[tuple[type, Value], bool]] = [{} for _ in schema.fields]
        self._limits = [_open_limits(field) for field in schema.fields]

    def value(self, place: int, value: Value) -> bool:
        """Say whether a field accepts a value."""
        known, key = self._known[place], (type(value), value)
        found = known.get(key)
        if found is None:
            found = known[key] = self._reads(self._fields[place], value)
        return found

    @staticmethod
    def _reads(field: Field, value: Value) -> bool:
        if value is None:
            return not field.required
        try:
            return field.read(value) is not None
        except ValueError:
            return False

    def row(self, row: Row) -> bool:
        """Say whether the schema accepts a row."""
        if self._schema.wants_a_value and all(value is None for value in row):
            return False
        for place, (value, limits) in enumerate(zip(row, self._limits, strict=True)):
            if limits is not None and _lies_within(value, limits):
                continue  # most values do
            if not self.value(place, value):
                return False
        return True

    def keep(self, rows: Iterable[Row]) -> list[Row]:
        """Leave out the rows that the schema refuses."""
        return [row for row in rows if self.row(row)]


def _lies_within(value: Value, limits: tuple[float, float, bool]) -> bool:
    low, high, whole = limits
    return isinstance(value, float) and low < value < high and (not whole or value.is_integer())


def _open_limits(field: Field) -> tuple[float, float, bool] | None:
    """Give limits between which a field accepts any number, and whether it must be a whole one."""
    if field.kind not in ("number", "integer") or field.categories is not None:
        return None
    (low, high), whole = field.interval, field.kind == "integer"
    return (max(low, -WHOLE), min(high, WHOLE), True) if whole else (low, high, False)


def valid_rows(schema: Schema, rows: Iterable[Row]) -> list[Row]:
    """Leave out the rows that the schema refuses.

    Parameters
    ----------
    schema : Schema
        What a record is.
    rows : iterable of tuple
        Values in the order of the fields.

    Returns
    -------
    list of tuple
    """
    return Validity(schema).keep(rows)


def as_rows(schema: Schema, records: Iterable[dict[Any, Any]]) -> list[Row]:
    """Read records, leaving out those that the schema refuses."""
    rows: list[Row] = []
    for record in records:
        try:
            rows.append(schema.read(record)[0])
        except InvalidRecord:
            continue
    return rows
