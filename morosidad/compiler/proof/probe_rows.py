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
    known = list(reference[:: max(1, len(reference) // MAX_REFERENCE_ROWS)])
    drawn = [_draw(schema, rng) for _ in range(50 if known else 500)]
    bases = [*rng.sample(known, min(3, len(known))), *drawn[: 1 if known else 3]]
    made = [*_one_field_changed(schema, bases), *_none_given(schema, bases)]
    if probes is not None:
        made += probes(schema, bases)
    return known + valid_rows(schema, [*drawn, *made])


def _one_field_changed(schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
    for i, field in enumerate(schema.fields):
        for value in _values_to_try(field):
            for base in bases:
                yield changed(base, i, value)


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
        levels = [*(field.categories or ()), *(field.usual_levels or ())]
        return [None, unseen(field), *levels]
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


def valid_rows(schema: Schema, rows: Iterable[Row]) -> list[Row]:
    """Leave out the rows that the schema refuses."""
    return [row for row in rows if _valid(schema, row)]


def _valid(schema: Schema, row: Row) -> bool:
    try:
        schema.read({name: value for name, value in zip(schema.names, row, strict=True) if value is not None})
    except InvalidRecord:
        return False
    return True


def as_rows(schema: Schema, records: Iterable[dict[Any, Any]]) -> list[Row]:
    """Read records, leaving out those that the schema refuses."""
    rows: list[Row] = []
    for record in records:
        try:
            rows.append(schema.read(record)[0])
        except InvalidRecord:
            continue
    return rows
