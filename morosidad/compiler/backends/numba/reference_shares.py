"""Shapley values of many records against one reference, compiled to machine code by numba.

Which paths `shapley_one` follows through a tree, and so what the tree adds to which field, depends on
nothing but the set of leaves that it comes to. For many records these sets are found split by split,
without a branch; a set that an earlier record had already gives what it gave then, in the same order, so
that each record's shares are those of `shapley_one` to the last bit. The sets as 64-bit masks of leaves are
those of QuickScorer (Lucchese et al. 2015, DOI 10.1145/2766462.2767733). Larger trees are followed record
by record, all records through one tree after the other, while it stays in the processor's cache.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numba.layout import MISSING_LEFT, NODE, SUBSET, for_shares, levels_of
from morosidad.compiler.backends.numba.machine import (
    ANY_LENGTH,
    Pointer,
    carray,
    inlined,
    machine_code,
    types,
    unsigned,
)
from morosidad.compiler.backends.numba.single_row import (
    COUNTS,
    FIELD,
    FIRST,
    NONE,
    ONE,
    OTHER,
    OWN,
    START,
    by_counts,
    follow,
)
from morosidad.compiler.backends.shapley import weights
from morosidad.compiler.nodes.base import Floats, Places
from morosidad.compiler.nodes.trees import Trees

ROWS = 8192
"""So many records go through all trees together: their columns and shares stay in the processor's cache."""
MAX_LEAVES = 64
BITS = 64
"""So many categories of a set are told apart by bits of one number."""
SPLIT = np.dtype(
    [
        ("number", "f8"),
        ("left", "u8"),
        ("right", "u8"),
        ("members", "u8"),  # of a split by a set of categories: its first 64 as bits
        ("column", "i4"),
        ("kind", "i4"),
    ]
)
Masks = NDArray[np.uint64]


class Splits(NamedTuple):
    """The splits of trees with few leaves.

    Attributes
    ----------
    splits : ndarray of SPLIT
        What each tests, and which leaves of its tree a record may still come to that goes left, or right.
    first : ndarray of intp, shape (n_trees + 1,)
        Where the splits of each tree begin: none for a tree with more leaves than a mask has bits.
    """

    splits: NDArray[np.void]
    first: Places


class ReferenceShares:
    """The fields' shares of many records against one reference.

    Parameters
    ----------
    trees : Trees
        The trees.
    reference : ndarray of float64, shape (n_columns,)
        The reference.
    laid_out : tuple
        What `for_shares` gives.
    """

    def __init__(self, trees: Trees, reference: Floats, laid_out: tuple[Any, Places, int]) -> None:
        self._n, (block, roots, leaves) = len(trees.players), laid_out
        splits, first = splits_of(trees, reference)
        parts = (
            block,
            roots,
            splits.view(np.uint8),
            first,
            trees.members.view(np.uint8),
            trees.player_of_column,
            by_counts(weights(self._n, trees.weight)),
        )
        self._data = [Pointer(part) for part in parts]
        self._sizes = trees.n_trees, leaves, self._n
        self._categories = np.unique(splits["column"][(splits["kind"] & SUBSET) > 0])

    def __call__(self, table: Floats) -> Floats:
        """Give the shares of many records, shape (n_rows, n_fields), for columns (n_columns, n_rows)."""
        found = np.zeros((table.shape[1], self._n + 1))
        for start in range(0, len(found), ROWS):
            some = np.ascontiguousarray(table[:, start : start + ROWS])
            rows = np.ascontiguousarray(some.T)
            shares = found[start : start + ROWS]
            few = int(some[self._categories].max(initial=0.0) < BITS)
            sizes = *self._sizes, few
            _shares()(*self._data, *sizes, Pointer(some), Pointer(rows), *rows.shape, shares.ctypes.data)
        return found[:, :-1]


def reference_shares(trees: Trees, reference: Floats) -> ReferenceShares | None:
    """Prepare the shares against a reference.

    Parameters
    ----------
    trees : Trees
        The trees.
    reference : ndarray of float64, shape (n_columns,)
        The reference.

    Returns
    -------
    ReferenceShares or None
        None where some path tests too many fields; see `for_shares`.
    """
    laid_out = for_shares(trees, reference)
    return None if laid_out is None else ReferenceShares(trees, reference, laid_out)


def splits_of(trees: Trees, reference: Floats) -> Splits:
    """Find which leaves each split of trees with few leaves keeps.

    A record comes to those leaves of which each field sends it there, or the reference. So one that goes
    with the reference does not come to the leaves on the other side; one that leaves it does not come to
    those on the reference's side that another split of the same field keeps the reference from.

    Parameters
    ----------
    trees : Trees
        The trees.
    reference : ndarray of float64, shape (n_columns,)
        The reference.

    Returns
    -------
    Splits
    """
    child, levels, left = trees.child.astype(np.intp), levels_of(trees), trees.go_left(reference)
    leaves = np.ones(len(child), dtype=np.intp)
    for splits in reversed(levels):
        leaves[splits] = leaves[child[splits]] + leaves[child[splits] + 1]
    start, tree = np.zeros(len(child), dtype=np.intp), np.zeros(len(child), dtype=np.intp)
    tree[: trees.n_trees] = np.arange(trees.n_trees)
    for splits in levels:
        start[child[splits]] = start[splits]
        start[child[splits] + 1] = start[splits] + leaves[child[splits]]
        tree[child[splits]] = tree[child[splits] + 1] = tree[splits]
    at = np.flatnonzero((child > 0) & (leaves[tree] <= MAX_LEAVES))
    at = at[np.argsort(tree[at], kind="stable")]
    on_left = _mask(start[child[at]], leaves[child[at]])
    on_right = _mask(start[child[at] + 1], leaves[child[at] + 1])
    near, far = np.where(left[at], on_left, on_right), np.where(left[at], on_right, on_left)
    n = len(trees.players)
    game = tree[at] * n + trees.player_of_column[trees.column[at]]
    away = np.zeros(trees.n_trees * n, dtype=np.uint64)
    np.bitwise_or.at(away, game, far)
    with_it, off_it = ~far, ~(near & away[game])
    found = np.zeros(len(at), dtype=SPLIT)
    found["left"] = np.where(left[at], with_it, off_it)
    found["right"] = np.where(left[at], off_it, with_it)
    found["members"] = _bits(trees.members, trees.subset[at])
    found["column"] = trees.column[at]
    found["number"] = np.where(trees.subset[at] >= 0, trees.subset[at], trees.number[at])
    found["kind"] = np.where(trees.subset[at] >= 0, SUBSET, trees.missing_left[at] * MISSING_LEFT)
    return Splits(found, np.searchsorted(tree[at], np.arange(trees.n_trees + 1)))


def _mask(start: Places, number: Places) -> Masks:
    """Give masks of so many leaves from a place on."""
    full = np.uint64(2**64 - 1)
    return full >> (64 - number).astype(np.uint64) << start.astype(np.uint64)


def _bits(members: NDArray[np.bool_], first: NDArray[np.int32]) -> Masks:
    """Pack the members of each set from its first on; none where there is no set."""
    padded = np.append(members, np.zeros(BITS, dtype=bool))
    found = np.zeros(len(first), dtype=np.uint64)
    for place in range(BITS):
        held = padded[np.maximum(first, 0) + place] & (first >= 0)
        found |= held.astype(np.uint64) << np.uint64(place)
    return found


@cache
def _shares() -> Callable[..., None]:
    numbers, place, places = types.CPointer(types.float64), types.intp, types.CPointer(types.intp)
    bits, whole = types.CPointer(types.uint8), types.CPointer(types.int32)
    data = [types.voidptr, places, types.voidptr, places, bits, whole, numbers]
    signature = types.void(*data, *[place] * 4, numbers, numbers, place, place, numbers)
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    call = ctypes.CFUNCTYPE(None, *[pointer] * 7, *[size] * 4, pointer, pointer, size, size, pointer)
    return call(machine_code(shapley_many, signature))


# -- what is compiled: coverage can't see machine code -------------------------------------------

SLOT = np.dtype([("leaves", "u8"), ("begin", "u4"), ("end", "u4")])
SLOTS = 4096
"""Places for the sets of one tree, a power of two; three quarters of them are used."""
KEPT = 65_536
"""So many shares of those sets are kept at most."""


@inlined
def keep_leaves(  # pragma: no cover
    splits: Any, first: int, last: int, members: Any, few: int, table: Any, n: int, alive: Any
) -> None:
    """Find the set of leaves that each record comes to."""
    for i in range(n):
        alive[i] = ~NONE
    for k in range(first, last):
        split = splits[unsigned(k)]
        at, left, right = split.column * n, split.left, split.right
        if split.kind & SUBSET and few:
            held = split.members
            for i in range(n):
                goes = held >> unsigned(int(table[unsigned(at + i)])) & ONE
                alive[i] &= left if goes else right
        elif split.kind & SUBSET:
            begin = int(split.number)
            for i in range(n):
                goes = members[unsigned(begin + int(table[unsigned(at + i)]))]
                alive[i] &= left if goes else right
        elif split.kind & MISSING_LEFT:
            for i in range(n):
                alive[i] &= right if table[unsigned(at + i)] > split.number else left
        else:
            for i in range(n):
                alive[i] &= left if table[unsigned(at + i)] <= split.number else right


@inlined
def slot_of(known: Any, key: Any) -> Any:  # pragma: no cover
    """Give the slot of a set, or the empty one where it belongs."""
    slot = key * unsigned(0x9E3779B97F4A7C15) >> unsigned(52)
    while known[slot].leaves != key and known[slot].leaves != NONE:
        slot = (slot + ONE) & unsigned(SLOTS - 1)
    return slot


@inlined
def list_paths(  # pragma: no cover
    paths: Any, sums: Any, i: Any, end: Any, n: int, fields: Any, gains: Any, place: Any
) -> Any:
    """List what each path and those that leave it earn, in the order of `add_paths`; give the list's end.

    Lists are filled up to fours with nothing for a field that there is not.
    """
    while i:
        i -= ONE
        gained, lost = sums[i, 0], sums[i, 1]
        while end > paths[i, FIRST]:
            end -= ONE
            fields[place] = paths[end, FIELD]
            gains[place] = sums[end, 0] - lost
            place += ONE
            gained += sums[end, 0]
            lost += sums[end, 1]
        sums[i, 0], sums[i, 1] = gained, lost
    while place & unsigned(3):
        fields[place], gains[place] = unsigned(n), 0.0
        place += ONE
    return place


@inlined
def list_shares(  # pragma: no cover
    nodes: Any,
    members: Any,
    root: Any,
    row: Any,
    field_of_column: Any,
    weight: Any,
    n: int,
    paths: Any,
    sums: Any,
    fields: Any,
    gains: Any,
    place: Any,
) -> Any:
    """List what a tree adds to which field of a record, in `shapley_one`'s order; give the list's end."""
    paths[0, START], paths[0, OWN] = unsigned(root), NONE
    paths[0, OTHER], paths[0, COUNTS] = NONE, NONE
    i, end = NONE, ONE
    while i < end:
        leaf, counts, end = follow(nodes, members, row, field_of_column, paths, i, end, n)
        sums[i, 0] = leaf * weight[unsigned(2) * counts]
        sums[i, 1] = leaf * weight[unsigned(2) * counts + ONE]
        i += ONE
    return list_paths(paths, sums, i, end, n, fields, gains, place)


def shapley_many(  # pragma: no cover
    block: Any,
    roots: Any,
    split_block: Any,
    first: Any,
    sets: Any,
    field_of_column: Any,
    weight: Any,
    n_trees: int,
    leaves: int,
    n: int,
    few: int,
    table: Any,
    rows: Any,
    n_rows: int,
    width: int,
    shares: Any,
) -> None:
    """Add up each field's share of n_rows records, given by columns and by rows."""
    nodes, members = carray(block, ANY_LENGTH, NODE), carray(block, ANY_LENGTH, np.uint8)
    splits, records = carray(split_block, ANY_LENGTH, SPLIT), carray(rows, (n_rows, width))
    paths, sums = np.empty((leaves + 1, 6), np.uint64), np.empty((leaves + 1, 2), np.float64)
    alive, known = np.empty(n_rows, np.uint64), np.empty(SLOTS, SLOT)
    fields, gains = np.empty(KEPT + leaves + 3, np.uint32), np.empty(KEPT + leaves + 3, np.float64)
    for tree in range(n_trees):
        small = first[tree + 1] > first[tree]
        for k in range(SLOTS):
            known[k].leaves = NONE
        used, free = 0, NONE
        if small:
            keep_leaves(splits, first[tree], first[tree + 1], sets, few, table, n_rows, alive)
        for i in range(n_rows):
            slot = slot_of(known, alive[i]) if small else NONE
            if small and known[slot].leaves != NONE:
                begin, end = unsigned(known[slot].begin), unsigned(known[slot].end)
            else:
                begin = free
                end = list_shares(
                    nodes,
                    members,
                    roots[tree],
                    records[i],
                    field_of_column,
                    weight,
                    n,
                    paths,
                    sums,
                    fields,
                    gains,
                    begin,
                )
                if small and 4 * used < 3 * SLOTS and end < KEPT:
                    known[slot].leaves, known[slot].begin, known[slot].end = alive[i], begin, end
                    used += 1
                    free = end
            own = unsigned(i * (n + 1))
            while begin < end:
                shares[own + fields[begin]] += gains[begin]
                shares[own + fields[begin + ONE]] += gains[begin + ONE]
                shares[own + fields[begin + unsigned(2)]] += gains[begin + unsigned(2)]
                shares[own + fields[begin + unsigned(3)]] += gains[begin + unsigned(3)]
                begin += unsigned(4)
