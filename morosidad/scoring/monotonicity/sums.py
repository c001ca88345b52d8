"""Whether a sum of terms rises with a field: jumps between pieces, and slopes within them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.expressions import fields_of
from morosidad.compiler.nodes.lookups import Grid, Lookup, Piecewise
from morosidad.schema.field import Row, Value
from morosidad.scoring.monotonicity.finding import HELD, UNDECIDED, DirectionFinding, Question
from morosidad.scoring.monotonicity.lines import (
    MOST_VALUES,
    chain_of,
    complete,
    level_where_given,
    possible_values,
    turning_values,
    valid_numbers,
)

ROUNDING = 1e-12
"""Steps against the direction that are no larger than this, relative to the score, are rounding."""
_WITHIN = 17


def rises(form: Additive, sign: int, question: Question) -> DirectionFinding:
    """Decide whether a sum of terms rises with a field, or falls where the sign is -1.

    Parameters
    ----------
    form : Additive
        The sum.
    sign : {1, -1}
        The direction.
    question : Question
        Which field.

    Returns
    -------
    DirectionFinding
    """
    place = question.field
    mine = [term for term in form.terms if place in fields_of(term) and not level_where_given(term)]
    if not mine:
        return HELD
    if any(len(fields_of(term)) > 1 and not isinstance(term, Grid) for term in mine):
        return UNDECIDED
    turns = turning_values(mine, place)
    numbers = valid_numbers(question.schema.fields[place], turns or ())
    question.left -= len(numbers)
    if len(numbers) > MOST_VALUES or question.left < 0:
        return UNDECIDED
    found = _jumps(mine, sign, question, numbers)
    if found is not None:
        return found
    if complete(question.schema.fields[place], numbers):
        return HELD
    own = [term for term in mine if not isinstance(term, Grid)]
    found = _slopes(own, sign, question, numbers)
    return UNDECIDED if turns is None and found.verdict == "held" else found


def _total(terms: Sequence[Expr], rows: Sequence[Row], n_fields: int) -> Floats:
    batch = ColumnBatch.of_records(rows, n_fields)
    total = np.zeros(len(rows))
    with np.errstate(all="ignore"):
        for term in terms:
            total += batch.value(term)
    return total


def _jumps(
    terms: Sequence[Expr], sign: int, question: Question, numbers: list[float]
) -> DirectionFinding | None:
    """Compare neighbouring numbers, with each partner of an interaction where that is worst."""
    n, mine = len(question.schema), question.field
    rows = [question.row(**{f"f{mine}": question.typed(number)}) for number in numbers]
    own = [term for term in terms if not isinstance(term, Grid)]
    level = sign * _total(own, rows, n)
    steps = np.where(level[1:] == level[:-1], 0.0, np.diff(level))  # also where both are infinite
    tolerance = ROUNDING * (1.0 + np.abs(level[1:]) + np.abs(level[:-1]))
    worst: list[dict[int, Value]] = [{} for _ in steps]
    partners = sorted({f for term in terms if isinstance(term, Grid) for f in fields_of(term)} - {mine})
    for partner in partners:
        shared = [term for term in terms if isinstance(term, Grid) and partner in fields_of(term)]
        values = possible_values(question.schema.fields[partner], shared, partner)
        question.left -= len(values) * len(rows)
        if question.left < 0:
            return UNDECIDED
        table = np.array(
            [sign * _total(shared, [_changed(row, partner, value) for row in rows], n) for value in values]
        )
        moves = np.diff(table, axis=1)
        chosen = moves.argmin(axis=0)
        steps = steps + moves[chosen, np.arange(moves.shape[1])]
        for at, choice in enumerate(chosen.tolist()):
            worst[at][partner] = values[choice]
    wrong = np.flatnonzero(~(steps >= -tolerance))
    for at in wrong[np.argsort(steps[wrong], kind="stable")][:50].tolist():
        pair = question.pair(numbers[at], numbers[at + 1], worst[at])
        if question.confirm(*pair):
            return DirectionFinding("broken", pair)
    return UNDECIDED if len(wrong) else None


def _changed(row: Row, place: int, value: Value) -> Row:
    return (*row[:place], value, *row[place + 1 :])


def _slopes(terms: Sequence[Expr], sign: int, question: Question, numbers: list[float]) -> DirectionFinding:
    """Look at each stretch between two numbers: all terms must move in the direction there."""
    mine, n = question.field, len(question.schema)
    whole = question.schema.fields[mine].kind == "integer"
    doubtful: list[tuple[float, float]] = []
    for low, high in pairwise(numbers):
        if high <= (low + 1.0 if whole else np.nextafter(low, np.inf)):
            continue  # the jump between them was looked at
        directions = {_direction(term, low, high) for term in terms}
        if directions <= {0, sign}:
            continue
        doubtful.append((low, high))
    for low, high in doubtful[:200]:
        if not (np.isfinite(high - low) and high > low):
            low, high = max(low, -1e15), min(high, 1e15)
        points = np.unique([float(question.typed(x)) for x in np.linspace(low, high, _WITHIN)])  # type: ignore[arg-type]
        rows = [question.row(**{f"f{mine}": question.typed(x)}) for x in points.tolist()]
        level = sign * _total(terms, rows, n)
        for at in np.argsort(np.diff(level), kind="stable")[:3].tolist():
            if level[at + 1] < level[at]:
                pair = question.pair(float(points[at]), float(points[at + 1]), {})
                if question.confirm(*pair):
                    return DirectionFinding("broken", pair)
    return UNDECIDED if doubtful else HELD


def _direction(term: Expr, low: float, high: float) -> int | None:
    """Give the sign of a term's slope from one number up to the next, 0 for level, None if not known."""
    if isinstance(term, Lookup):
        return 0
    if isinstance(term, Piecewise):
        return _curve_direction(term, low, high)
    chain = chain_of(term)
    return None if chain is None else (1 if chain.rising else -1)


def _curve_direction(term: Piecewise, low: float, high: float) -> int | None:
    chain = chain_of(term.of)
    if chain is None:
        return None
    ends = chain(np.array([low, high]))
    at = term.curve.edges.find(ends)
    if at[0] != at[1] or not np.isfinite(ends).all():
        return None if at[0] != at[1] else _outer_direction(term, int(at[0]), chain.rising)
    d = np.sort(ends - term.curve.anchors[at[0]])
    rows = term.curve.rows[at[0], :, term.place]
    derivative = np.polynomial.Polynomial(rows).deriv()
    turning = derivative.deriv().roots() if len(rows) > 2 and derivative.degree() > 0 else np.empty(0)
    inside = [float(x.real) for x in np.atleast_1d(turning) if abs(x.imag) < 1e-12 and d[0] < x.real < d[1]]
    slopes = derivative(np.array([*d, *inside]))
    tolerance = 1e-12 * (1.0 + float(np.abs(rows[1:]).max(initial=0.0)))
    if (np.abs(slopes) <= tolerance).all():
        return 0
    signs = {int(np.sign(slope)) for slope in slopes if abs(slope) > tolerance}
    if len(signs) > 1:
        return None
    return signs.pop() * (1 if chain.rising else -1)


def _outer_direction(term: Piecewise, at: int, rising: bool) -> int | None:
    rows = term.curve.rows[at, :, term.place]
    if np.abs(rows[2:]).max(initial=0.0) > 0.0:
        return None
    slope = int(np.sign(rows[1])) if len(rows) > 1 else 0
    return slope * (1 if rising else -1)
