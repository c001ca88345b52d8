"""The gate: a compiled form is used only where it answers as the original does.

Both are asked about the reference rows and about rows made to find differences: each field
missing, categories never seen, numbers at and beyond every limit, whatever rows the form itself
makes to stand where its answer jumps (both sides of a split), and the real rows nearest to where a
decision changes.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.nodes.expressions import Floats
from morosidad.errors import InvalidRecord
from morosidad.schema.field import Field, Row, Value
from morosidad.schema.schema import Schema

Probes = Callable[[Schema, Sequence[Row]], Iterable[Row]]

MAX_REFERENCE_ROWS = 2000
MAX_SEARCHED_ROWS = 20_000
ROWS_AT_CUTOFF = 25


class ParityReport(msgspec.Struct, frozen=True):
    """How a compiled form compared with the original.

    Attributes
    ----------
    rows : int
        Rows on which both were asked.
    max_difference : float
        The largest absolute difference between the two probabilities of default.
    labels_differing : int
        Rows on which the two labels differ, or on which side of a cut-off the probability is.
    refused : int
        Rows that the original refuses and the compiled form answers.
    tolerance : float
        The largest difference allowed.
    threshold : float
        Probability above which the label is 1.
    """

    rows: int
    max_difference: float
    labels_differing: int
    refused: int
    tolerance: float
    threshold: float = 0.5

    @property
    def passed(self) -> bool:
        """Whether the compiled form may be used."""
        return self.max_difference <= self.tolerance and not self.labels_differing and not self.refused

    def __str__(self) -> str:
        words = f"{self.rows} rows, |Δp| ≤ {self.max_difference:.1e} (allowed {self.tolerance:.0e})"
        return f"{words}, {self.labels_differing} labels differ, {self.refused} refused by the original"


def compare(
    predict_one: Callable[[Row], float],
    original: Callable[[Sequence[Row]], Floats],
    rows: Sequence[Row],
    *,
    tolerance: float,
    threshold: float = 0.5,
    cutoffs: Sequence[float] = (),
    predict_many: Callable[[Sequence[Row]], Floats] | None = None,
) -> ParityReport:
    """Ask both about the same rows.

    Parameters
    ----------
    predict_one : callable
        The compiled form: a record's values to a probability of default.
    original : callable
        The original: rows to probabilities.
    rows : sequence of tuple
        Validated values.
    tolerance : float
        The largest absolute difference allowed.
    threshold : float, default=0.5
        Probability above which the label is 1.
    cutoffs : sequence of float
        Probabilities from which on another decision is made.
    predict_many : callable, optional
        The compiled form again: rows to probabilities.

    Returns
    -------
    ParityReport
        NaN on one side only counts as an infinite difference.
    """
    expected, accepted = _ask(original, rows)
    asked = [row for row, kept in zip(rows, accepted, strict=True) if kept]
    answers = [np.array([predict_one(row) for row in asked], dtype=np.float64)]
    if predict_many is not None and asked:
        answers.append(predict_many(asked))
    differs = np.zeros(len(asked), dtype=np.bool_)
    for found in answers:
        differs |= (found > threshold) != (expected > threshold)
        for cutoff in cutoffs:
            differs |= (found >= cutoff) != (expected >= cutoff)
    return ParityReport(
        rows=len(asked),
        max_difference=max(_gap(found, expected) for found in answers),
        labels_differing=int(differs.sum()),
        refused=len(rows) - len(asked),
        tolerance=tolerance,
        threshold=threshold,
    )


def _gap(found: Floats, expected: Floats) -> float:
    """Give the largest difference; NaN on one side only is infinitely far."""
    gap = np.abs(found - expected)
    gap[np.isnan(found) & np.isnan(expected)] = 0.0
    return float(np.nan_to_num(gap, nan=np.inf, posinf=np.inf).max(initial=0.0))


def _ask(original: Callable[[Sequence[Row]], Floats], rows: Sequence[Row]) -> tuple[Floats, list[bool]]:
    """Give the original's answers, and which rows it answered at all."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, about the odd rows: they are meant to be odd
            return original(rows), [True] * len(rows)
    except Exception:
        if len(rows) <= 1:
            return np.empty(0), [False] * len(rows)
    half = len(rows) // 2
    (left, left_kept), (right, right_kept) = _ask(original, rows[:half]), _ask(original, rows[half:])
    return np.concatenate([left, right]), left_kept + right_kept


def rows_near(
    original: Callable[[Sequence[Row]], Floats], rows: Sequence[Row], cutoffs: Iterable[float]
) -> list[Row]:
    """Choose the rows whose answer is nearest to some probabilities.

    Parameters
    ----------
    original : callable
        Rows to probabilities.
    rows : sequence of tuple
        To choose from.
    cutoffs : iterable of float
        The probabilities.
    """
    searched = rows[:: 1 + len(rows) // MAX_SEARCHED_ROWS]
    expected, accepted = _ask(original, searched)
    asked = [row for row, kept in zip(searched, accepted, strict=True) if kept]
    near = [np.argsort(np.abs(expected - cutoff), kind="stable")[:ROWS_AT_CUTOFF] for cutoff in cutoffs]
    return [asked[i] for i in np.unique(np.concatenate(near)).tolist()] if near else []


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
