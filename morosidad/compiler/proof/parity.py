"""The parity gate: a compiled form is used only where it answers as the original does.

Both are asked about the reference rows and about `probe_rows` that are made to find differences, and
about the real rows nearest to where a decision changes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.report import ParityReport
from morosidad.schema.field import Row, Value

MAX_SEARCHED_ROWS = 20_000
ROWS_AT_CUTOFF = 25


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
        refused=_answered([row for row, kept in zip(rows, accepted, strict=True) if not kept], predict_one),
        tolerance=tolerance,
        threshold=threshold,
    )


def _answered(refused: Sequence[Row], predict_one: Callable[[Row], float]) -> int:
    """Count the rows that the original refuses and the compiled form answers."""
    return sum(not np.isnan(predict_one(row)) for row in refused)


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


def rows_between(
    rows: Sequence[Row],
    original: Callable[[Sequence[Row]], Floats],
    threshold: float,
    *,
    pairs: int = 8,
    steps: int = 24,
) -> list[Row]:
    """Make rows ever nearer to the threshold, between real ones below and above it, by bisection.

    Parameters
    ----------
    rows : sequence of tuple
        Real rows.
    original : callable
        Rows to probabilities; NaN where it refuses one.
    threshold : float
        Probability above which the label is 1.
    pairs, steps : int
        So many pairs of rows, and so many rows between the two of each.

    Returns
    -------
    list of tuple
        With the numbers between those of both, and all else from one of them. Empty where all rows
        lie on one side.
    """
    if not rows:
        return []
    expected = original(rows)
    low = [rows[i] for i in np.flatnonzero(expected <= threshold)[:pairs].tolist()]
    high = [rows[i] for i in np.flatnonzero(expected > threshold)[:pairs].tolist()]
    ends = list(zip(low, high, strict=False))
    below, above = np.zeros(len(ends)), np.ones(len(ends))
    made: list[Row] = []
    for _ in range(steps if ends else 0):
        middle = (below + above) / 2
        between = [
            tuple(map(partial(_between, share), *pair))
            for share, pair in zip(middle.tolist(), ends, strict=True)
        ]
        over = original(between) > threshold
        below, above = np.where(over, below, middle), np.where(over, middle, above)
        made += between
    return made


def _between(share: float, low: Value, high: Value) -> Value:
    if type(low) is float and type(high) is float:
        between = low + share * (high - low)
        return float(round(between)) if low.is_integer() and high.is_integer() else between
    return low if share < 0.5 else high


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

    Returns
    -------
    list of tuple
        `ROWS_AT_CUTOFF` for each probability at most.
    """
    searched = rows[:: 1 + len(rows) // MAX_SEARCHED_ROWS]
    expected, accepted = _ask(original, searched)
    asked = [row for row, kept in zip(searched, accepted, strict=True) if kept]
    near = [np.argsort(np.abs(expected - cutoff), kind="stable")[:ROWS_AT_CUTOFF] for cutoff in cutoffs]
    return [asked[i] for i in np.unique(np.concatenate(near)).tolist()] if near else []
