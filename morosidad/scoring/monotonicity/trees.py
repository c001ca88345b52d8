"""Whether a sum of trees rises with a field: branch and bound over what the other fields may hold.

From one number of the field to the next one at which some tree turns, only the trees that split there
change. What each of them adds is a tree over the other columns. The least sum of these is bounded from
below by the sum of their least leaves, and the columns' ranges are divided, the most promising first, until
no range may be below zero, or one is and has no test left open. As in the verification of tree ensembles
by Chen, Zhang, Si, Li, Boning & Hsieh (2019), doi:10.48550/arXiv.1906.03849.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.walked import Walked
from morosidad.compiler.nodes.base import Floats, Position
from morosidad.compiler.nodes.expressions import Fill, Raw, fields_of
from morosidad.compiler.nodes.lookups import CategoryPosition, IntervalPosition
from morosidad.compiler.nodes.trees import Trees
from morosidad.schema.field import Value
from morosidad.scoring.monotonicity.finding import HELD, UNDECIDED, DirectionFinding, Question
from morosidad.scoring.monotonicity.lines import MOST_VALUES, possible_values, valid_numbers

ROUNDING = 1e-10


class Range(NamedTuple):
    """What a column may hold: numbers from above `low` up to `high`, nothing, or some places.

    Attributes
    ----------
    low, high : float
        ``low < x <= high``.
    absent : bool
        Whether it may be missing.
    places : frozenset of int, or None
        Of a category, the places that it may have.
    """

    low: float
    high: float
    absent: bool
    places: frozenset[int] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        if self.places is not None:
            return not self.places
        return not self.absent and not self.low < self.high


class _OutOfWorkError(Exception):
    """The work that was allowed is done."""


def rises(form: Walked, sign: int, question: Question) -> DirectionFinding:
    """Decide whether a sum of trees rises with a field, or falls where the sign is -1.

    Parameters
    ----------
    form : Walked
        The trees.
    sign : {1, -1}
        The direction.
    question : Question
        Which field.

    Returns
    -------
    DirectionFinding
    """
    place = question.field
    mine = [c for c, column in enumerate(form.columns) if place in fields_of(column)]
    if not mine or not np.isin(form.column[form.child > 0], mine).any():
        return HELD
    if any(len(fields_of(form.columns[c])) > 1 for c in mine):
        return UNDECIDED
    numbers = _numbers(form, mine, question)
    if numbers is None:
        return UNDECIDED
    rows = [question.row(**{f"f{place}": question.typed(number)}) for number in numbers]
    table = form.matrix(ColumnBatch.of_records(rows, len(question.schema)))
    left = _left(form, mine, table)
    trees = _Differences(form, np.isin(form.column, mine), sign, question)
    turned = left[:, 1:] != left[:, :-1]
    owner = _owner(form)
    try:
        for at in np.flatnonzero(turned.any(axis=0)).tolist():
            some = np.unique(owner[turned[:, at]]).tolist()
            found = trees.least(some, left[:, at], left[:, at + 1])
            if found is None:
                continue
            others = _values(form, found, question)
            if others is None:
                return UNDECIDED
            pair = question.pair(numbers[at], numbers[at + 1], others)
            return DirectionFinding("broken", pair) if question.confirm(*pair) else UNDECIDED
    except _OutOfWorkError:
        return UNDECIDED
    return HELD


def _numbers(form: Trees, mine: Sequence[int], question: Question) -> list[float] | None:
    """Give numbers of the field on both sides of each test of it; None where one is not understood."""
    edges: list[float] = []
    for c in mine:
        column = form.columns[c]
        if isinstance(column, Raw):
            tests = (form.child > 0) & (form.column == c)
            edges += np.nextafter(form.number[tests], np.inf).tolist()
        elif isinstance(column, CategoryPosition | IntervalPosition) and isinstance(_source(column), Raw):
            if isinstance(column, IntervalPosition):
                edges += column.edges.values.tolist()
            else:
                keys = [float(key) for key in column.keys if not isinstance(key, str)]
                edges += [*keys, *(math.nextafter(key, math.inf) for key in keys)]
        else:
            return None
    numbers = valid_numbers(question.schema.fields[question.field], edges)
    return numbers if len(numbers) <= MOST_VALUES else None


def _source(column: Position) -> Any:
    return column.of.of if isinstance(column.of, Fill) else column.of


def _left(form: Trees, mine: Sequence[int], table: Floats) -> Any:
    """Say for each node that tests the field, and each number, whether it goes left; else False."""
    left = np.zeros((len(form.child), table.shape[1]), dtype=bool)
    tests = (form.child > 0) & np.isin(form.column, mine)
    nodes = np.flatnonzero(tests)
    for at in range(table.shape[1]):
        left[nodes, at] = form.go_left(np.nan_to_num(table[:, at], nan=0.0))[nodes]
    return left


def _owner(form: Trees) -> Any:
    """Give each node's tree."""
    owner = np.zeros(len(form.child), dtype=np.intp)
    owner[: form.n_trees] = np.arange(form.n_trees)
    for node in np.flatnonzero(form.child).tolist():
        owner[form.child[node]] = owner[form.child[node] + 1] = owner[node]
    return owner


class _Differences:
    """The trees over the other columns that say what some trees add from one number to the next."""

    def __init__(self, form: Walked, own: Any, sign: int, question: Question) -> None:
        self.form, self.sign, self.question = form, sign, question
        self.child, self.column = form.child.tolist(), form.column.tolist()
        self.number, self.absent = form.number.tolist(), form.missing_left.tolist()
        self.subset, self.own = form.subset.tolist(), own.tolist()
        self.start = {c: self._start(c) for c in range(len(form.columns))}
        self.sets = lru_cache(maxsize=None)(self._set)

    def _start(self, column: int) -> Range:
        """Give what a column may hold by the schema."""
        expr, schema = self.form.columns[column], self.question.schema
        if isinstance(expr, Position):
            fields = sorted(fields_of(expr))
            if len(fields) == 1 and isinstance(expr, CategoryPosition) and isinstance(_source(expr), Raw):
                values = possible_values(schema.fields[fields[0]], [expr], fields[0])
                rows = [self.question.row(**{f"f{fields[0]}": value}) for value in values]
                found = expr.find(ColumnBatch.of_records(rows, len(schema)))
                return Range(0.0, 0.0, False, frozenset(found.tolist()))
            return Range(0.0, 0.0, False, frozenset(range(expr.size)))
        if not isinstance(expr, Raw):
            return Range(-math.inf, math.inf, True)
        field = schema.fields[expr.field]
        low, high = field.interval
        return Range(math.nextafter(low, -math.inf), high, not field.required)

    def _set(self, start: int, column: int) -> frozenset[int]:
        size = self.form.columns[column].size  # type: ignore[attr-defined]
        return frozenset(np.flatnonzero(self.form.members[start : start + size]).tolist())

    def divided(self, node: int, range_: Range) -> tuple[Range, Range]:
        """Divide what a column may hold by a node's test: what goes left, and what goes right."""
        if self.subset[node] >= 0:
            chosen = self.sets(self.subset[node], self.column[node])
            places = range_.places or frozenset()
            return range_._replace(places=places & chosen), range_._replace(places=places - chosen)
        bound, absent = self.number[node], self.absent[node]
        if range_.places is not None:  # a place that is compared with a threshold
            return (
                range_._replace(places=frozenset(p for p in range_.places if p <= bound)),
                range_._replace(places=frozenset(p for p in range_.places if p > bound)),
            )
        low, high = range_.low, range_.high
        return (
            Range(low, min(high, bound), range_.absent and absent),
            Range(max(low, bound), high, range_.absent and not absent),
        )

    def least(self, trees: Sequence[int], below: Any, above: Any) -> dict[int, Range] | None:
        """Find what the other columns may hold where the trees' sum falls; None if it falls nowhere."""
        start: dict[int, Range] = {}
        heap: list[tuple[float, int, dict[int, Range]]] = []
        bound, _ = self._bound(trees, below, above, start)
        heapq.heappush(heap, (bound, 0, start))
        turn = 1
        while heap and heap[0][0] < -ROUNDING:
            _, _, ranges = heapq.heappop(heap)
            value, test = self._bound(trees, below, above, ranges)
            if test is None:
                if value < -ROUNDING:
                    return ranges
                continue
            column = self.column[test]
            for part in self.divided(test, ranges.get(column, self.start[column])):
                if part.empty:
                    continue
                inner = {**ranges, column: part}
                lower, _ = self._bound(trees, below, above, inner)
                if lower < -ROUNDING:
                    heapq.heappush(heap, (lower, turn, inner))
                    turn += 1
        return None

    def _bound(
        self, trees: Sequence[int], below: Any, above: Any, ranges: dict[int, Range]
    ) -> tuple[float, int | None]:
        """Bound the sum from below, and give an open test of the tree that lowers it most."""
        total, lowest, test = 0.0, math.inf, None
        for root in trees:
            least, open_ = self._least_of(root, root, below, above, dict(ranges))
            total += least
            if open_ is not None and least < lowest:
                lowest, test = least, open_
        return total, test

    def _least_of(
        self, low: int, high: int, below: Any, above: Any, ranges: dict[int, Range]
    ) -> tuple[float, int | None]:
        """Give the least difference of the leaves that two nodes lead to, and the first open test."""
        self.question.left -= 1
        if self.question.left < 0:
            raise _OutOfWorkError
        while self.child[low] and self.own[low]:
            low = self.child[low] + (not below[low])
        while self.child[high] and self.own[high]:
            high = self.child[high] + (not above[high])
        if not self.child[low] and not self.child[high]:
            move = self.number[high] - self.number[low]
            return self.sign * move * self.form.weight, None
        if low == high and not self._below_own(low):
            return 0.0, None
        node = low if self.child[low] else high
        column = self.column[node]
        range_ = ranges.get(column, self.start[column])
        found: list[float] = []
        inner: int | None = None
        parts = self.divided(node, range_)
        for side, part in enumerate(parts):
            if part.empty:
                continue
            next_low = self.child[node] + side if node == low else low
            next_high = self.child[node] + side if node == high else high
            least, open_ = self._least_of(next_low, next_high, below, above, {**ranges, column: part})
            found.append(least)
            inner = open_ if inner is None else inner
        return min(found, default=math.inf), node if len(found) == 2 else inner

    def _below_own(self, node: int) -> bool:
        """Tell whether a node, or one below it, tests the field."""
        return bool(self._reach[node])

    @property
    def _reach(self) -> list[bool]:
        if not hasattr(self, "_reached"):
            reached = list(self.own)
            for node in range(len(self.child) - 1, -1, -1):
                if self.child[node]:
                    child = self.child[node]
                    reached[node] = self.own[node] or reached[child] or reached[child + 1]
                else:
                    reached[node] = False
            self._reached = reached
        return self._reached


def _values(form: Trees, ranges: dict[int, Range], question: Question) -> dict[int, Value] | None:
    """Give values of the other fields that lie in the ranges; None where a column is not understood."""
    values: dict[int, Value] = {}
    for column, range_ in ranges.items():
        expr: Any = form.columns[column]
        source = _source(expr) if isinstance(expr, CategoryPosition) else expr
        if not isinstance(source, Raw):
            return None
        field = question.schema.fields[source.field]
        if range_.places is not None:
            fitting = _with_place(expr, range_.places, source.field, question)
            if fitting is None:
                return None
            values[source.field] = fitting[0]
            continue
        number = _number_in(range_, field.kind == "integer", question.base[source.field])
        if number is None and not range_.absent:
            return None
        values[source.field] = number
    return values


def _with_place(
    expr: CategoryPosition, places: frozenset[int], place: int, question: Question
) -> tuple[Value] | None:
    for value in possible_values(question.schema.fields[place], [expr], place):
        row = question.row(**{f"f{place}": value})
        if int(expr.find(ColumnBatch.of_records([row], len(question.schema)))[0]) in places:
            return (value,)
    return None


def _number_in(range_: Range, whole: bool, usual: Value) -> int | float | None:
    if isinstance(usual, int | float) and not isinstance(usual, bool) and range_.low < usual <= range_.high:
        return usual
    if not range_.low < range_.high:
        return None
    if whole:
        number = math.floor(range_.high) if math.isfinite(range_.high) else math.floor(range_.low) + 1
        return number if range_.low < number else None
    return range_.high if math.isfinite(range_.high) else max(math.nextafter(range_.low, math.inf), -1e300)
