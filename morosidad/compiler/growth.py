"""From the trees of some library to the one form that is walked.

All libraries' trees come down to two tests: a number goes left when it is at most a threshold, and
a category goes left when it is in a set. Whatever the encoders in front of the trees make of a
category (columns of zeros and ones, ordinal codes, target means) depends on the category alone, so
that a comparison of such a column is a set of categories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.expressions import Expr, Floats, Key, Raw, fields_of
from morosidad.compiler.lookups import Lookup, Table
from morosidad.compiler.registry import Compiler, NotCompilable
from morosidad.compiler.thresholds import Rounding, Steps, as_given, origin

if TYPE_CHECKING:
    from morosidad.compiler.batch import Batch
    from morosidad.compiler.code import Code

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


class Truncated(Expr, frozen=True):
    """An expression without what follows the decimal point: how boosters read a category's number."""

    of: Expr

    def emit(self, code: Code) -> str:
        name = code.value(self.of)
        return f"{code.constant(math.trunc)}({name}) if {code.constant(math.isfinite)}({name}) else {name}"

    def batch(self, batch: Batch) -> Floats:
        return np.trunc(batch.value(self.of))


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
    subset : ndarray, optional
        Where not negative, the node tests for a category instead: the place of the set of
        categories that go left.
    """

    left: NDArray[Any]
    right: NDArray[Any]
    column: NDArray[Any]
    threshold: NDArray[Any]
    missing_left: NDArray[Any]
    value: NDArray[Any]
    subset: NDArray[Any] | None = None


class Nodes(NamedTuple):
    """The nodes of all trees, as `Trees` describes them."""

    columns: tuple[Expr, ...]
    child: Ints
    column: Ints
    number: Floats
    missing_left: Bools
    subset: Ints
    members: Bools
    n_trees: int
    n_fields: int


def grow(
    trees: Sequence[Tree],
    columns: Sequence[Expr],
    compiler: Compiler,
    *,
    rounding: Rounding = as_given,
    subsets: Sequence[frozenset[int]] = (),
) -> Nodes:
    """Bring trees into the one form.

    Parameters
    ----------
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

    Raises
    ------
    NotCompilable
        If a column mixes fields, or a category comes from something that holds no whole numbers.
    """
    whole, roots = _join(trees)
    inputs = _Inputs(columns, compiler)
    splits = whole.left >= 0
    column, number = np.zeros(len(splits), dtype=np.int32), np.where(splits, 0.0, whole.value)
    missing_left, subset = np.zeros(len(splits), dtype=np.bool_), np.full(len(splits), -1, dtype=np.int32)
    for place in np.unique(whole.column[splits]).tolist():
        at = np.flatnonzero(splits & (whole.column == place))
        test = inputs.test(int(place), whole, at, rounding, subsets)
        column[at], number[at], missing_left[at], subset[at] = test
    order, child = _arrange(whole, roots)
    return Nodes(
        columns=tuple(inputs.exprs),
        child=child,
        column=column[order],
        number=number[order],
        missing_left=missing_left[order],
        subset=subset[order],
        members=np.frombuffer(bytes(inputs.members), dtype=np.bool_),
        n_trees=len(roots),
        n_fields=len(compiler.schema),
    )


def _join(trees: Sequence[Tree]) -> tuple[Tree, NDArray[np.intp]]:
    """Put all trees into one set of arrays; give them and the roots' places."""
    sizes = [len(tree.left) for tree in trees]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    shifts = np.repeat(starts, sizes)
    left, right, column, threshold, missing_left, value = (
        np.concatenate([np.asarray(tree[i]) for tree in trees]) for i in range(6)
    )
    subset = np.concatenate(
        [np.full(len(tree.left), -1) if tree.subset is None else tree.subset for tree in trees]
    )
    left = np.where(left >= 0, left + shifts, -1).astype(np.intp)
    right = np.where(left >= 0, right + shifts, -1).astype(np.intp)
    joined = Tree(
        left,
        right,
        column.astype(np.intp),
        threshold.astype(np.float64),
        missing_left.astype(np.bool_),
        value.astype(np.float64),
        subset,
    )
    return joined, starts


def _arrange(whole: Tree, roots: NDArray[np.intp]) -> tuple[NDArray[np.intp], Ints]:
    """Order the nodes: the roots, then pairs of siblings, each subtree's pairs one after the other.

    Gives the old places in the new order, and in the new order the place of each left child (the
    right one follows it; 0 in a leaf).
    """
    levels = [roots]
    while len(split := levels[-1][whole.left[levels[-1]] >= 0]):
        levels.append(np.concatenate([whole.left[split], whole.right[split]]))
    pairs_below = np.zeros(len(whole.left), dtype=np.intp)
    for level in reversed(levels):
        split = level[whole.left[level] >= 0]
        pairs_below[split] = 1 + pairs_below[whole.left[split]] + pairs_below[whole.right[split]]
    place = np.zeros(len(whole.left), dtype=np.intp)
    child = np.zeros(len(whole.left), dtype=np.intp)  # by old place
    place[roots] = np.arange(len(roots))
    child[roots] = len(roots) + 2 * np.concatenate([[0], np.cumsum(pairs_below[roots])[:-1]])
    for level in levels:
        split = level[whole.left[level] >= 0]
        left, right = whole.left[split], whole.right[split]
        place[left], place[right] = child[split], child[split] + 1
        child[left] = child[split] + 2
        child[right] = child[split] + 2 + 2 * pairs_below[left]
    order = np.argsort(place)
    return order, np.where(whole.left >= 0, child, 0)[order].astype(np.int32)


class _Inputs:
    """The numbers that the walk is given, collected while the tests are brought into the one form."""

    def __init__(self, columns: Sequence[Expr], compiler: Compiler) -> None:
        self.exprs: list[Expr] = []
        self.members = bytearray()
        self._columns = columns
        self._fields = compiler.schema.fields
        self._places: dict[object, int] = {}
        self._sets: dict[bytes, int] = {}

    def test(
        self,
        place: int,
        whole: Tree,
        at: NDArray[np.intp],
        rounding: Rounding,
        subsets: Sequence[frozenset[int]],
    ) -> tuple[int, Floats, Bools, Ints]:
        """Bring the tests of one column into the one form: input, threshold, missing, set."""
        column = self._columns[place]
        if len(fields_of(column)) > 1:
            raise NotCompilable("a column mixes fields, so that no field has a share of its own")
        thresholds, missing_left = whole.threshold[at], whole.missing_left[at]
        chosen = np.full(len(at), -1) if whole.subset is None else whole.subset[at]
        start = origin(column, self._numeric)
        if chosen.max() >= 0:
            column = start = self._keyed(column, [subsets[i] for i in np.unique(chosen[chosen >= 0])])
        steps = Steps(column, start, rounding)
        if not isinstance(start, Lookup) or not isinstance(start.table, Table):
            moved, missing_left = steps.move(thresholds, missing_left)
            return self._place(start, start), moved, missing_left, np.full(len(at), -1, dtype=np.int32)
        values = start.table.rows[:, start.place]
        tests, which = np.unique(
            np.column_stack([thresholds, missing_left, chosen]), axis=0, return_inverse=True
        )
        offsets = np.array(
            [
                self._set(
                    np.where(np.isnan(values), left, np.isin(values, list(subsets[int(chosen)])))
                    if chosen >= 0
                    else steps.go_left(values, threshold, bool(left))
                )
                for threshold, left, chosen in tests.tolist()
            ],
            dtype=np.int32,
        )
        ranks = Table(start.table.keys, np.arange(float(len(values)))[:, None])
        code = self._place((start.of, start.table.keys), Lookup(start.of, ranks))
        return code, np.zeros(len(at)), np.zeros(len(at), dtype=np.bool_), offsets[which.ravel()]

    def _numeric(self, field: int) -> bool:
        return self._fields[field].kind != "category"

    def _keyed(self, column: Expr, subsets: Sequence[frozenset[int]]) -> Lookup:
        """Give a column of category numbers as a table of those that some set holds."""
        if isinstance(column, Lookup) and isinstance(column.table, Table):
            return column
        keys: tuple[Key, ...] = tuple(sorted(frozenset.union(*subsets)))
        whole = isinstance(column, Raw) and self._fields[column.field].kind != "number"
        rows = np.array([*map(float, keys), -1.0, np.nan])[:, None]
        return Lookup(column if whole else Truncated(column), Table(keys, rows))

    def _place(self, key: object, expr: Expr) -> int:
        if key not in self._places:
            self._places[key] = len(self.exprs)
            self.exprs.append(expr)
        return self._places[key]

    def _set(self, goes_left: Bools) -> int:
        """Give the place of a set among the members."""
        members = goes_left.astype(np.bool_).tobytes()
        if members not in self._sets:
            self._sets[members] = len(self.members)
            self.members += members
        return self._sets[members]
