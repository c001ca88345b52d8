"""The other values that a field of a record may take: on steps that people use, and what each costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from sys import float_info
from typing import Any, NamedTuple

import numpy as np

from morosidad.monitoring.drift_reference import DriftReference, FieldReference
from morosidad.schema.field import Field, Value

MOST_VALUES = 80
"""So many values of a number are offered at most: steps are wide enough for that."""
MOST_LEVELS = 80
"""So many categories are."""
LARGEST, LEAST = 1e300, 1e-290
"""The middle of a field's values lies within the one, and is no narrower than the other."""
_NUMBERS = ("integer", "number")


class OtherValue(NamedTuple):
    """Another value that a field may take.

    Attributes
    ----------
    place : int
        The field's place in the schema.
    value : int, float, str or bool
        The value.
    cost : float
        What the change costs.
    """

    place: int
    value: Value
    cost: float


class Spread(NamedTuple):
    """Where the middle of a field's values lies.

    Attributes
    ----------
    low, high : float
        About the 10th and the 90th percentile.
    """

    low: float
    high: float

    @property
    def unit(self) -> float:
        """The unit of costs: half of the distance between them."""
        return (self.high - self.low) / 2.0


def choices_of(
    field: Field, place: int, value: Value, spread: Spread, *, cost: float = 1.0, limit: Any = None
) -> list[OtherValue]:
    """Give the other values that a field may take, cheapest first.

    Parameters
    ----------
    field : Field
        The field. Where it declares a direction of the risk, only values of less risk are offered.
    place : int
        Its place in the schema.
    value : int, float, str, bool or None
        What it holds.
    spread : Spread
        Of its values.
    cost : float, default=1.0
        Of a change by one spread, or to another category.
    limit : (low, high), or collection, optional
        Between which numbers it may be, None where there is no end; or the categories that it may take.

    Returns
    -------
    list of OtherValue
    """
    if field.kind in _NUMBERS and field.categories is None:
        found = [
            OtherValue(place, number, cost * _distance(number, value, spread))
            for number in _numbers(field, value, spread, limit)
        ]
        return sorted(found, key=lambda choice: choice.cost)
    levels: Sequence[Value] = [True, False] if field.kind == "boolean" else _levels(field)
    allowed = [level for level in levels if level != value and (limit is None or level in limit)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = _open_ways(field, value)
        allowed = [level for level in allowed if isinstance(level, int | float) and low <= level <= high]
    return [OtherValue(place, level, cost) for level in allowed[:MOST_LEVELS]]


def _open_ways(field: Field, here: float) -> tuple[float, float]:
    """Give between which numbers a value may end: directions of the risk and of change both count."""
    up = field.monotonic_cst <= 0 and field.change != "decrease"
    down = field.monotonic_cst >= 0 and field.change != "increase"
    return -math.inf if down else here, math.inf if up else here


def _levels(field: Field) -> Sequence[Value]:
    return field.categories or field.usual_levels or ()


def _distance(number: float, value: Value, spread: Spread) -> float:
    """Count the spreads from a value; from a missing one, at least one."""
    if isinstance(value, int | float):
        return abs(number - value) / spread.unit
    return max(1.0, abs(number - (spread.low + spread.high) / 2.0) / spread.unit)


def _numbers(field: Field, value: Value, spread: Spread, limit: Any) -> list[int | float]:
    """Give multiples of a round step that the field, the limits and the declared direction allow."""
    here = float(value) if isinstance(value, int | float) else None
    low = min(spread.low - spread.unit, math.inf if here is None else here - 2.0 * spread.unit)
    high = max(spread.high + spread.unit, -math.inf if here is None else here + 2.0 * spread.unit)
    ends = (None, None) if limit is None else limit
    low = max(low, field.interval[0], -math.inf if ends[0] is None else ends[0])
    high = min(high, field.interval[1], math.inf if ends[1] is None else ends[1])
    if here is not None:
        lowest, highest = _open_ways(field, here)
        low, high = max(low, lowest), min(high, highest)
    if not low <= high:
        return []
    step = round_step(max(spread.unit / 10.0, (high - low) / MOST_VALUES), whole=field.kind == "integer")
    first, last = math.ceil(low / step), math.floor(high / step)
    numbers = [_multiple(count, step, field) for count in range(first, last + 1)]
    return [x for x in numbers if x != here and low <= x <= high and x not in (field.gt, field.lt)]


def round_step(size: float, *, whole: bool = False) -> float:
    """Give the least of 1, 2 or 5 times a power of ten that is no smaller.

    Parameters
    ----------
    size : float
        Above 0.
    whole : bool, default=False
        Whether it has to be a whole number.

    Returns
    -------
    float
    """
    if whole and size <= 1.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next(float(f"{factor * power:.3g}") for factor in (1, 2, 5, 10) if factor * power >= size)


def _multiple(count: int, step: float, field: Field) -> int | float:
    if field.kind == "integer":
        return int(count * step)
    return float(f"{count * step:.12g}")  # 0.3, not 0.30000000000000004


def spreads_of(
    fields: Sequence[Field], typical: Sequence[float | None], reference: DriftReference | None
) -> list[Spread]:
    """Give the spread of each field's values among the reference rows.

    Parameters
    ----------
    fields : sequence of Field
        Of the schema.
    typical : sequence of float or None
        What is usual for each number.
    reference : DriftReference, optional
        How the reference rows were distributed; without it, spreads follow the limits of the fields or
        what is usual.

    Returns
    -------
    list of Spread
    """
    known: Mapping[str, FieldReference] = (
        {} if reference is None else {each.field: each for each in reference.fields}
    )
    return [
        _spread(field, usual, known.get(field.name)) for field, usual in zip(fields, typical, strict=True)
    ]


def _spread(field: Field, usual: float | None, seen: FieldReference | None) -> Spread:
    found = None if seen is None else _of_cells(seen)
    if found is None:
        low, high = field.interval
        found = (low, high) if math.isfinite(high - low) else (usual or 0.0, usual or 0.0)
    low, high = (min(max(end, -LARGEST), LARGEST) for end in found)
    if high - low < LEAST:
        reach = max(abs(low), 1.0) / 2.0
        low, high = low - reach, high + reach
    return Spread(low, high)


def _of_cells(seen: FieldReference) -> tuple[float, float] | None:
    """Give the outermost cuts of a number, or percentiles of one with few values."""
    if seen.cuts:
        return seen.cuts[0], seen.cuts[-1]
    held = [
        (float(level), count)
        for level, count in zip(seen.categories, seen.counts, strict=False)
        if isinstance(level, int | float) and not isinstance(level, bool)
    ]
    if not held:
        return None
    levels, counts = map(np.array, zip(*sorted(held), strict=True))
    share = np.cumsum(counts) / max(1, counts.sum())
    low, high = levels[np.searchsorted(share, [0.1, 0.9])].tolist()
    return low, high


def allowed_limit(field: Field, limit: Any) -> str | None:
    """Say what is wrong with the limit that was given for a field, or None.

    Parameters
    ----------
    field : Field
        The field.
    limit : object
        As in `choices_of`.

    Returns
    -------
    str or None
    """
    if field.kind in _NUMBERS and field.categories is None:
        pair = isinstance(limit, tuple | list) and len(limit) == 2
        good = pair and all(end is None or _is_finite(end) for end in limit)
        return None if good else "a pair (low, high) of numbers was expected, None where there is no end"
    good = isinstance(limit, Collection) and not isinstance(limit, str | bytes)
    return None if good else "a collection of categories was expected"


def _is_finite(end: object) -> bool:
    if not isinstance(end, int | float) or isinstance(end, bool):
        return False
    return -float_info.max <= end <= float_info.max  # an integer may be larger than any float
