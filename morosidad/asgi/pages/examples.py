"""Made-up applicants to try the form with: a usual one, one of less risk and one of more."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate

from morosidad.monitoring.drift_reference import DriftReference, FieldReference
from morosidad.schema.field import Field, Value
from morosidad.schema.schema import Schema

_TILTS = (0.0, -0.3, 0.35)  # how far from the middle, in the direction in which risk falls or rises
_DIGITS = 2
_GUESS = 1000.0  # where a number's limits say nothing


def examples(schema: Schema, reference: DriftReference | None = None) -> list[dict[str, Value]]:
    """Make up records that the schema accepts.

    Parameters
    ----------
    schema : Schema
        What a record is.
    reference : DriftReference, optional
        How the training data was spread; without it, the limits alone say what is plausible.

    Returns
    -------
    list of dict
        Three records, all fields with a value.
    """
    spread = {} if reference is None else {field.field: field for field in reference.fields}
    return [
        {
            field.name: _value(field, spread.get(field.name), 0.5 + tilt * (field.monotonic_cst or 0))
            for field in schema.fields
        }
        for tilt in _TILTS
    ]


def _value(field: Field, spread: FieldReference | None, level: float) -> Value:
    """Give a value of which a share of about `level` lies below."""
    if field.kind == "boolean":
        return level > 0.5
    if field.usual_levels is not None:
        return _likely(field.usual_levels, spread)
    if field.kind == "category":
        return str(_likely(spread.categories, spread)) if spread and spread.categories else "otro"
    number = _seen(spread, level)
    if number is None:
        number = _between(field, level)
    return _fit(field, number)


def _likely(levels: tuple[Value, ...], spread: FieldReference | None) -> Value:
    """Give the level that was seen most."""
    if spread is None or not spread.categories:
        return levels[0]
    seen: dict[Value, int] = dict(zip(spread.categories, spread.counts, strict=False))
    return max(levels, key=lambda level: seen.get(level, 0))


def _seen(spread: FieldReference | None, level: float) -> float | None:
    """Give a quantile of what was seen, from the reference's cells."""
    if spread is None:
        return None
    if spread.cuts:
        reached = [*accumulate(spread.counts[:-1])]
        cell = bisect_left(reached, level * reached[-1])
        return spread.cuts[min(cell, len(spread.cuts) - 1)]
    values = sorted(zip(spread.categories, spread.counts, strict=False))
    reached = [*accumulate(count for _, count in values)]
    return float(values[bisect_left(reached, level * reached[-1])][0]) if values else None


def _between(field: Field, level: float) -> float:
    """Give a number within the limits, declared and observed."""
    low, high = field.interval
    if field.observed is not None and field.observed.low is not None and field.observed.high is not None:
        low, high = field.observed.low, field.observed.high
    if math.isfinite(low) and math.isfinite(high):
        return low + level * (high - low)
    if math.isfinite(low):
        return low + _GUESS * level
    return high - _GUESS * level if math.isfinite(high) else _GUESS * level


def _fit(field: Field, number: float) -> int | float:
    """Round a number to what a person would write, as far as the field accepts that."""
    places = _DIGITS - 1 - math.floor(math.log10(abs(number))) if number else 0
    near = (round(number, places), round(number), math.floor(number), math.ceil(number), number)
    candidates = [int(one) for one in near] if field.kind == "integer" else near
    return next((one for one in candidates if _accepted(field, one)), candidates[0])


def _accepted(field: Field, number: float) -> bool:
    try:
        field.read(number)
    except ValueError:
        return False
    return True
