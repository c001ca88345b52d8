"""Probe rows on either side of a tree's splits.

A split deep in a tree is reached by few real rows. So rows are made for it: a real one is changed,
in the fields that the path to the split tests and as little as need be, until it arrives there with
the very threshold, and with the next number on each side; with a category that goes left, and one
that goes right; and with nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Elementwise, Raw
from morosidad.compiler.nodes.lookups import CategoryPosition, IntervalPosition
from morosidad.compiler.nodes.trees import Trees
from morosidad.compiler.proof.probe_rows import changed, unseen
from morosidad.schema.field import Field, Row, Value
from morosidad.schema.schema import Schema

MAX_SPLITS = 6000
"""So many splits are tried at most, evenly over all trees."""

Passed = Sequence[tuple[int, bool]]
"""Nodes on the path to a split that test one column, and whether the path goes left there."""


def rows_at_splits(trees: Trees, schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
    """Make the rows; some may not fit the schema.

    Parameters
    ----------
    trees : Trees
        Whose splits are meant.
    schema : Schema
        What a record is.
    bases : sequence of tuple
        The rows that are changed, in turns.

    Yields
    ------
    tuple
    """
    inputs = [_input(column, schema, trees) for column in trees.columns]
    splits = np.flatnonzero(trees.child)
    parents = np.zeros(len(trees.child), dtype=np.intp)
    parents[trees.child[splits]] = parents[trees.child[splits] + 1] = splits
    for turn, split in enumerate(splits[:: math.ceil(len(splits) / MAX_SPLITS) or 1].tolist()):
        path = _path(trees, parents, split)
        row = list(bases[turn % len(bases)])
        for column, passed in path.items():
            given = inputs[column]
            if given is not None:
                row[given.place] = given.through(passed, row[given.place])
        tested = inputs[trees.column[split]]
        if tested is not None:
            for value in tested.around(split, path.get(int(trees.column[split]), ())):
                yield changed(row, tested.place, value)


def _path(trees: Trees, parents: NDArray[np.intp], split: int) -> dict[int, list[tuple[int, bool]]]:
    """Give the nodes above a split by the column that they test."""
    path: dict[int, list[tuple[int, bool]]] = {}
    while split >= trees.n_trees:
        parent = int(parents[split])
        path.setdefault(int(trees.column[parent]), []).append((parent, split == trees.child[parent]))
        split = parent
    return path


def _input(column: Expr, schema: Schema, trees: Trees) -> _Number | _Category | None:
    """Say how a column is set by a field, if it is by one alone."""
    below = column.of if isinstance(column, (CategoryPosition, IntervalPosition)) else column
    while isinstance(below, Elementwise):
        below = below.of
    if not isinstance(below, Raw):
        return None
    field = schema.fields[below.field]
    if isinstance(column, (CategoryPosition, IntervalPosition)):
        return _Category(below.field, field, trees, column)
    return _Number(below.field, field, trees)


class _Number:
    """A column that is a field's number."""

    def __init__(self, place: int, field: Field, trees: Trees) -> None:
        self.place = place
        self._kind = field.kind
        self._trees = trees

    def through(self, passed: Passed, value: Value) -> Value:
        """Give the value nearest to one given that takes the path."""
        low, high, missing = -math.inf, math.inf, True
        for node, left in passed:
            bound = float(self._trees.number[node])
            low, high = (low, min(high, bound)) if left else (max(low, bound), high)
            missing = missing and bool(self._trees.missing_left[node]) == left
        if low == math.inf or high == -math.inf:  # a split of those that are missing from all others
            return None
        if value is None and not missing:
            value = 0.0
        if value is None or isinstance(value, str) or low < value <= high:
            return value
        return self._typed(high if value > high else self._above(low))

    def around(self, split: int, passed: Passed) -> list[Value]:
        """Give the values next to a split."""
        bound = float(self._trees.number[split])
        if not math.isfinite(bound):
            return [None]
        numbers = [bound, self._above(bound), math.nextafter(bound, -math.inf)]
        return [None, *map(self._typed, numbers)]

    def _above(self, bound: float) -> float:
        whole = self._kind != "number" and math.isfinite(bound)
        return math.floor(bound) + 1 if whole else math.nextafter(bound, math.inf)

    def _typed(self, number: float) -> Value:
        if self._kind == "number":
            return float(number)
        return number > 0 if self._kind == "boolean" else math.floor(number)


class _Category:
    """A column that is the place of a field's category, or of the interval of its number."""

    def __init__(
        self, place: int, field: Field, trees: Trees, column: CategoryPosition | IntervalPosition
    ) -> None:
        self.place = place
        self._trees = trees
        self._column = column
        if isinstance(column, CategoryPosition):
            self._values = [*(_as_kind(field, key) for key in column.keys), unseen(field), None]
        else:
            edges = column.edges.values.tolist()
            numbers = [math.nextafter(edges[0], -math.inf) if edges else 0.0, *edges]
            self._values = [*(_as_kind(field, number) for number in numbers), None]

    def through(self, passed: Passed, value: Value) -> Value:
        """Give the value itself, or the first that takes the path."""
        allowed = self._allowed(passed)
        if not allowed.any() or allowed[self._place_of(value)]:
            return value
        return self._values[int(allowed.argmax())]

    def around(self, split: int, passed: Passed) -> list[Value]:
        """Give a value that goes left at a split, one that goes right, an unknown one and none."""
        allowed, left = self._allowed(passed), self._left(split)
        found = [np.flatnonzero(allowed & side)[:1].tolist() for side in (left, ~left)]
        return [*(self._values[place] for places in found for place in places), *self._values[-2:]]

    def _left(self, node: int) -> NDArray[np.bool_]:
        start = int(self._trees.subset[node])
        return self._trees.members[start : start + self._column.size]

    def _allowed(self, passed: Iterable[tuple[int, bool]]) -> NDArray[np.bool_]:
        allowed = np.ones(self._column.size, dtype=np.bool_)
        for node, left in passed:
            allowed &= self._left(node) == left
        return allowed

    def _place_of(self, value: Value) -> int:
        if value is None:
            return self._column.size - 1
        if isinstance(self._column, IntervalPosition):
            return bisect_right(self._column.edges.values, value)
        return self._values.index(value) if value in self._values else self._column.size - 2


def _as_kind(field: Field, key: Value) -> Value:
    if isinstance(key, str) or key is None:
        return key
    return {"boolean": bool, "number": float}.get(field.kind, int)(key)
