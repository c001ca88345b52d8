"""Tree evaluation in plain Python and numpy, used where numba is not installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import inf
from operator import add
from typing import Any, Protocol

import numpy as np

from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.backends.shapley import add_shares, weights
from morosidad.compiler.nodes.base import Bools, Floats, Position
from morosidad.compiler.nodes.trees import Trees


class Walker(Protocol):
    """An evaluator of `Trees`, from root to leaf."""

    name: str
    alike: bool
    """Whether many rows at once get the shares of each alone, to the last bit."""

    def emit_row(self, code: FunctionSource) -> str:
        """Write the numbers of a record that the trees test, and name the variable that holds them."""
        ...

    def emit_total(self, code: FunctionSource, row: str) -> str:
        """Write the sum of a record's leaves."""
        ...

    def emit_shares(self, code: FunctionSource, row: str, reference: Floats) -> str:
        """Write the shares of the fields that the trees depend on, in one sequence."""
        ...

    def emit_mean_shares(self, code: FunctionSource, row: str, background: Floats) -> str:
        """Write the same against several rows, of shape (n_background, n_columns): the mean over them."""
        ...

    def totals(self, table: Floats) -> Floats:
        """Give the sums of many rows' leaves, for columns of shape (n_columns, n_rows)."""
        ...

    def shares(self, table: Floats, background: Floats) -> Floats:
        """Give the mean shares of many rows, of shape (n_rows, n_fields of the trees)."""
        ...


class PythonWalker:
    """A walker in plain Python.

    Nodes become lists ``[column, bound, left child, right child]`` when they are first visited, so
    that a large forest is ready at once. One comparison, ``entry <= bound``, serves numbers and
    categories: for a category both are sets, and ``<=`` asks whether one holds the other. A missing
    number is NaN, which goes right; where it has to go left, the node looks at a second entry for
    the same column that holds -inf instead.

    Parameters
    ----------
    trees : Trees
        What it evaluates.
    """

    name = "Python"
    alike = False  # nothing is won by it: each row is asked alone in any case

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._sizes = {
            c: column.size for c, column in enumerate(trees.columns) if isinstance(column, Position)
        }
        lowered = _columns(trees, trees.missing_left)
        self._lowered = {c: len(trees.columns) + i for i, c in enumerate(lowered)}
        self._sets: dict[int, frozenset[int]] = {}
        self._roots = [self._node(i) for i in range(trees.n_trees)]

    # -- one record ----------------------------------------------------------------------------

    def emit_row(self, code: FunctionSource) -> str:
        names = [code.value(column) for column in self._trees.columns]
        entries = [
            f"{code.constant(self._coded(c))}[{name}]" if c in self._sizes else name
            for c, name in enumerate(names)
        ]
        low = code.constant(-inf)
        entries += [f"{low} if {names[c]} != {names[c]} else {names[c]}" for c in self._lowered]
        return code.assign(f"[{', '.join(entries)}]")

    def emit_total(self, code: FunctionSource, row: str) -> str:
        return code.assign(f"{code.constant(self._total())}({row})")

    def emit_shares(self, code: FunctionSource, row: str, reference: Floats) -> str:
        return code.assign(f"{code.constant(self._shares(reference))}({row})")

    def emit_mean_shares(self, code: FunctionSource, row: str, background: Floats) -> str:
        return code.assign(f"{code.constant(self._mean_shares(background))}({row})")

    def _mean_shares(self, background: Floats) -> Callable[[list[Any]], list[float]]:
        each = [self._shares(other) for other in background]

        def shares(row: list[Any]) -> list[float]:
            found: list[float] = np.mean([one(row) for one in each], axis=0).tolist()
            return found

        return shares

    def _total(self) -> Callable[[list[Any]], float]:
        roots, follow, base = self._roots, self._follow, self._trees.base

        def leaves(row: list[Any]) -> list[float]:
            found = []
            for root in roots:
                node = root
                while type(node) is list:
                    column, bound, left, right = node
                    node = left if row[column] <= bound else right
                found.append(node if type(node) is float else follow(root, row))
            return found

        if self._trees.narrow:
            return lambda row: float(np.add.accumulate(np.array([base, *leaves(row)], np.float32))[-1])
        return lambda row: reduce(add, leaves(row), base)

    def _shares(self, reference: Floats) -> Callable[[list[Any]], list[float]]:
        trees = self._trees
        other = self._entries(reference)
        fields = [int(trees.player_of_column[c]) for c in (*range(len(trees.columns)), *self._lowered)]
        table = weights(len(trees.players), trees.weight).tolist()

        def shares(row: list[Any]) -> list[float]:
            found = [0.0] * len(trees.players)
            for root in self._roots:
                add_shares(root, self._step, row, other, fields, table, found)
            return found

        return shares

    def _entries(self, numbers: Floats) -> list[Any]:
        """Give what the nodes compare, for the columns of one row."""
        row = [
            self._coded(c)[value] if c in self._sizes else value for c, value in enumerate(numbers.tolist())
        ]
        return row + [-inf if row[c] != row[c] else row[c] for c in self._lowered]

    # -- nodes ---------------------------------------------------------------------------------

    def _coded(self, column: int) -> dict[float, frozenset[int]]:
        return {float(i): frozenset([i]) for i in range(self._sizes[column])}

    def _node(self, place: int) -> Any:
        trees = self._trees
        child, column, number = int(trees.child[place]), int(trees.column[place]), float(trees.number[place])
        if not child:
            return number
        if trees.subset[place] >= 0:
            return [column, self._set(int(trees.subset[place]), self._sizes[column]), child, child + 1]
        return [self._lowered[column] if trees.missing_left[place] else column, number, child, child + 1]

    def _set(self, start: int, size: int) -> frozenset[int]:
        if start not in self._sets:
            members = self._trees.members[start : start + size]
            self._sets[start] = frozenset(np.flatnonzero(members).tolist())
        return self._sets[start]

    def _step(self, node: list[Any], left: bool) -> Any:
        """Give a child, linking it to its parent when it is first visited."""
        side = 2 if left else 3
        child = node[side]
        if type(child) is int:
            child = node[side] = self._node(child)
        return child

    def _follow(self, root: list[Any], row: list[Any]) -> float:
        """Give the leaf that a record falls into, linking nodes along the path."""
        node: Any = root
        while type(node) is list:
            node = self._step(node, row[node[0]] <= node[1])
        return float(node)

    # -- many records --------------------------------------------------------------------------

    def totals(self, table: Floats) -> Floats:
        trees = self._trees
        everyone = np.arange(table.shape[1])
        total = np.full(len(everyone), trees.base, dtype=np.float32 if trees.narrow else np.float64)
        for root in range(trees.n_trees):
            falling = [(root, everyone)]
            while falling:
                place, rows = falling.pop()
                child = int(trees.child[place])
                if not child:
                    total[rows] = total[rows] + trees.number[place]
                elif len(rows):
                    left = self._go_left(place, table[trees.column[place]][rows])
                    falling += [(child, rows[left]), (child + 1, rows[~left])]
        return total.astype(np.float64)

    def shares(self, table: Floats, background: Floats) -> Floats:
        shares = self._mean_shares(background)
        return np.array([shares(self._entries(row)) for row in table.T]).reshape(table.shape[1], -1)

    def _go_left(self, place: int, values: Floats) -> Bools:
        trees = self._trees
        if trees.subset[place] >= 0:
            chosen: Bools = trees.members[trees.subset[place] + values.astype(np.intp)]
            return chosen
        left: Bools = values <= trees.number[place]
        return left | np.isnan(values) if trees.missing_left[place] else left


def _columns(trees: Trees, nodes: Bools) -> list[int]:
    """Give the columns that some nodes test."""
    columns: list[int] = np.unique(trees.column[nodes]).tolist()
    return columns
