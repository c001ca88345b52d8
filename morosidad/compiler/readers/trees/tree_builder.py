"""Builder of `Trees` from the arrays of any library.

All libraries' trees are made of two tests: a number goes left when it is at most a threshold, and
a category goes left when it is in a set. Whatever the encoders in front of the trees make of a
category (columns of zeros and ones, ordinal codes, target means) depends on the category alone, so
that a comparison of such a column is a set of categories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.forms.walked import Walked
from morosidad.compiler.nodes.base import Bools, Expr, Floats, Ints, Key
from morosidad.compiler.nodes.expressions import Constant, Raw, Truncated
from morosidad.compiler.nodes.lookups import Lookup, Table
from morosidad.compiler.nodes.thresholds import Rounding, Steps, as_given, origin
from morosidad.compiler.registry import Compiler, NotCompilable

T = TypeVar("T", bound=Walked)
MAX_COLUMNS = 2**15 - 1


class Tree(NamedTuple):
    """One tree as its library holds it: arrays over its nodes, of which the first is the root.

    Attributes
    ----------
    left, right : ndarray
        The children's places; `left` is negative in a leaf.
    column : ndarray
        The input column that a node tests.
    threshold : ndarray
        It goes left where it is at most this.
    missing_left : ndarray
        Whether it goes left where it is missing.
    value : ndarray
        A leaf's number.
    subset : ndarray
        Where not negative, the node tests for a category instead: the place of the set of
        categories that go left.
    """

    left: NDArray[Any]
    right: NDArray[Any]
    column: NDArray[Any]
    threshold: NDArray[Any]
    missing_left: NDArray[Any]
    value: NDArray[Any]
    subset: NDArray[Any] = np.array(-1)


def build_trees(
    kind: type[T],
    trees: Sequence[Tree],
    columns: Sequence[Expr],
    compiler: Compiler,
    *,
    rounding: Rounding = as_given,
    subsets: Sequence[frozenset[int]] = (),
    base: float = 0.0,
    narrow: bool = False,
) -> T:
    """Build a classifier of trees.

    Parameters
    ----------
    kind : type
        What the leaves add up to: `Boosting` or `Forest`.
    trees : sequence of Tree
        In the order in which their leaves are added up.
    columns : sequence of Expr
        The input columns.
    compiler : Compiler
        Knows the fields.
    rounding : callable
        What the library does to a number before it compares it.
    subsets : sequence of frozenset of int
        The sets of categories that `Tree.subset` refers to.
    base, narrow
        As in `Trees`.

    Returns
    -------
    Boosting or Forest
        Of the class `kind`.

    Raises
    ------
    NotCompilable
        If there are more than `MAX_COLUMNS` columns.
    """
    whole, child = _arrange(*_join(trees))
    inputs = _Inputs(compiler, rounding, subsets)
    tests = inputs.tests(whole, child > 0, columns)
    if len(inputs.exprs) > MAX_COLUMNS:
        raise NotCompilable(f"trees of more than {MAX_COLUMNS} columns have no compiled form")
    return kind(
        tuple(inputs.exprs) or (Constant(0.0),),  # leaves alone: one column is read all the same
        child,
        *tests,
        np.frombuffer(bytes(inputs.members), dtype=np.bool_),
        n_trees=len(trees),
        n_fields=len(compiler.schema),
        base=base,
        narrow=narrow,
    )


def _join(trees: Sequence[Tree]) -> tuple[Tree, NDArray[np.intp]]:
    """Put all trees into one set of arrays; give them and the roots' places."""
    sizes = [len(tree.left) for tree in trees]
    starts = np.cumsum([0, *sizes[:-1]])
    subsets = [np.broadcast_to(tree.subset, len(tree.left)) for tree in trees]
    left = np.concatenate([np.where(t.left < 0, -1, t.left + s) for t, s in zip(trees, starts, strict=True)])
    right = np.concatenate([t.right + s for t, s in zip(trees, starts, strict=True)])
    joined = Tree(
        left.astype(np.intp),
        right.astype(np.intp),
        np.concatenate([tree.column for tree in trees]).astype(np.intp),
        np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        np.concatenate([tree.missing_left for tree in trees]).astype(np.bool_),
        np.concatenate([tree.value for tree in trees]).astype(np.float64),
        np.concatenate(subsets).astype(np.intp),
    )
    return joined, starts


def _arrange(whole: Tree, roots: NDArray[np.intp]) -> tuple[Tree, Ints]:
    """Order the nodes: the roots, then pairs of siblings, each subtree's pairs one after the other.

    Gives the nodes in the new order, and the new place of each left child (the right one follows
    it; 0 in a leaf).
    """
    left, right = whole.left, whole.right
    levels = [roots]
    while len(split := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.concatenate([left[split], right[split]]))
    pairs = np.zeros(len(left), dtype=np.intp)  # below each node
    for level in reversed(levels):
        split = level[left[level] >= 0]
        pairs[split] = 1 + pairs[left[split]] + pairs[right[split]]
    place, child = np.zeros(len(left), dtype=np.intp), np.zeros(len(left), dtype=np.intp)
    place[roots] = np.arange(len(roots))
    child[roots] = len(roots) + 2 * (np.cumsum(pairs[roots]) - pairs[roots])
    for level in levels:
        split = level[left[level] >= 0]
        place[left[split]], place[right[split]] = child[split], child[split] + 1
        child[left[split]] = child[split] + 2
        child[right[split]] = child[split] + 2 + 2 * pairs[left[split]]
    reached = np.concatenate(levels)
    order = reached[np.argsort(place[reached])]
    arranged = Tree(*(values[order] for values in whole))
    return arranged, np.where(arranged.left >= 0, child[order], 0).astype(np.int32)


class _Inputs:
    """The columns and category sets that the nodes test, collected test by test."""

    def __init__(self, compiler: Compiler, rounding: Rounding, subsets: Sequence[frozenset[int]]) -> None:
        self.exprs: list[Expr] = []
        self.members = bytearray()
        self._fields = compiler.schema.fields
        self._rounding = rounding
        self._subsets = subsets
        self._sets: dict[bytes, int] = {}

    def tests(self, whole: Tree, splits: Bools, columns: Sequence[Expr]) -> tuple[Ints, Floats, Bools, Ints]:
        """Give all tests as `Trees` holds them: column, number, missing_left, subset of each node."""
        n = len(splits)
        column, number = np.zeros(n, dtype=np.int32), np.where(splits, 0.0, whole.value)
        missing_left, subset = np.zeros(n, dtype=np.bool_), np.full(n, -1, dtype=np.int32)
        for place in np.unique(whole.column[splits]).tolist():
            at = np.flatnonzero(splits & (whole.column == place))
            column[at], number[at], missing_left[at], subset[at] = self._test(
                columns[place], whole.threshold[at], whole.missing_left[at], whole.subset[at]
            )
        return column, number, missing_left, subset

    def _test(
        self, column: Expr, thresholds: Floats, missing_left: Bools, chosen: NDArray[np.intp]
    ) -> tuple[int, Floats | float, Bools | bool, Ints | int]:
        """Give the tests of one column as `Trees` holds them: column, number, missing_left, subset."""
        start = origin(column, self._numeric)
        if (chosen >= 0).any():
            column = start = self._keyed(column, [self._subsets[i] for i in np.unique(chosen[chosen >= 0])])
        steps = Steps(column, start, self._rounding)
        if not isinstance(start, Lookup):
            return self._place(start), *steps.move(thresholds, missing_left), -1
        values = start.numbers
        tests = np.column_stack([thresholds, missing_left, chosen])
        distinct, which = np.unique(tests, axis=0, return_inverse=True)
        starts = [
            self._set(
                np.where(np.isnan(values), bool(left), np.isin(values, list(self._subsets[int(subset)])))
                if subset >= 0
                else steps.go_left(values, threshold, bool(left))
            )
            for threshold, left, subset in distinct.tolist()
        ]
        place = self._place(start.table.position(start.of))
        return place, 0.0, False, np.array(starts, dtype=np.int32)[which.ravel()]

    def _numeric(self, field: int) -> bool:
        return self._fields[field].kind != "category"

    def _keyed(self, column: Expr, subsets: Sequence[frozenset[int]]) -> Lookup:
        """Give a column of category numbers as a table of those that some set holds."""
        if isinstance(column, Lookup):
            return column
        keys: tuple[Key, ...] = tuple(sorted(frozenset.union(*subsets)))
        whole = isinstance(column, Raw) and self._fields[column.field].kind != "number"
        rows = np.array([*map(float, keys), -1.0, np.nan])[:, None]
        return Lookup(column if whole else Truncated(column), Table(keys, rows))

    def _place(self, expr: Expr) -> int:
        if expr not in self.exprs:
            self.exprs.append(expr)
        return self.exprs.index(expr)

    def _set(self, goes_left: Bools) -> int:
        """Give the place of a set among the members."""
        members = goes_left.astype(np.bool_).tobytes()
        if members not in self._sets:
            self._sets[members] = len(self.members)
            self.members += members
        return self._sets[members]


def category_numbers(column: Expr, levels: Sequence[Any]) -> Lookup:
    """Give a column's categories numbers, in their library's order; any other counts as missing.

    Parameters
    ----------
    column : Expr
        The categories.
    levels : sequence
        The categories that the library knows.

    Returns
    -------
    Lookup
        0.0, 1.0 and so on; NaN for any other.
    """
    numbers = [*map(float, range(len(levels))), math.nan, math.nan]
    return Lookup(column, Table(tuple(levels), np.array(numbers)[:, None]))
