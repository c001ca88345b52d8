"""Tree evaluation and Shapley values of one record, compiled to machine code by numba.

A deep forest does not fit the processor's cache, and waiting for one node after the other would be
most of the work. So eight trees (or, of many records, eight records) are evaluated side by side.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from morosidad.compiler.backends.numba.layout import (
    MISSING_LEFT,
    NODE,
    REFERENCE_BIT,
    SLOT_BIT,
    SUBSET,
)
from morosidad.compiler.backends.numba.machine import (
    ANY_LENGTH,
    add,
    carray,
    inlined,
    machine_code,
    types,
    unsigned,
)
from morosidad.compiler.nodes.base import Floats


def by_counts(table: Floats) -> Floats:
    """Give what a leaf counts for, for a field on the record's side and for one on the reference's.

    By how many fields there are on each side: shape (n + 1, n + 1, 2).
    """
    counts = np.zeros((*table.shape, 2))
    counts[1:, :, 0], counts[:, 1:, 1] = table[:-1], table[:, :-1]
    return counts


@cache
def one_record() -> Callable[..., float]:
    """Give `walk_one` as a function that holds the interpreter's lock."""
    signature = types.float64(types.voidptr, types.CPointer(types.float64))
    call = ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_char_p)
    return call(machine_code(walk_one, signature))


@cache
def shares_of_one() -> Callable[..., None]:
    """Give `shapley_one` as a function that holds the interpreter's lock."""
    numbers, place = types.CPointer(types.float64), types.intp
    signature = types.void(
        *[types.voidptr, types.CPointer(place), place, place, numbers],
        *[types.CPointer(types.int32), numbers, place, numbers],
    )
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    call = ctypes.PYFUNCTYPE(
        None, pointer, pointer, size, size, ctypes.c_char_p, pointer, pointer, size, pointer
    )
    return call(machine_code(shapley_one, signature))


# -- what is compiled: coverage can't see machine code -------------------------------------------

NONE, ONE = unsigned(0), unsigned(1)
START, OWN, OTHER, COUNTS, FIRST, FIELD = range(6)


@inlined
def goes_left(node: Any, members: Any, value: float) -> Any:  # pragma: no cover
    """Say whether a number sends a record left at a split: 1 or 0."""
    if node.kind & SUBSET:
        return int(members[unsigned(int(node.number) + int(value))])
    return int(value <= node.number) | (node.kind & MISSING_LEFT & int(value != value))


@inlined
def step(nodes: Any, members: Any, place: int, value: float) -> int:  # pragma: no cover
    """Give the child that a record falls to; a leaf holds it where it is."""
    node = nodes[unsigned(place)]
    return node.child + 1 - goes_left(node, members, value) if node.child else place


@inlined
def column(nodes: Any, place: int) -> Any:  # pragma: no cover
    """Give the column that a node tests."""
    return nodes[unsigned(place)].column


def walk_one(block: Any, row: Any) -> Any:  # pragma: no cover
    """Add up the leaves that one record falls into."""
    nodes, members = carray(block, ANY_LENGTH, NODE), carray(block, ANY_LENGTH, np.uint8)
    total, n, narrow = nodes[0].number, nodes[0].child, nodes[0].column
    for first in range(1, n, 8):
        a, b, c, d = first, first + 1, first + 2, first + 3
        e, f, g, h = first + 4, first + 5, first + 6, first + 7
        moving = True
        while moving:
            a2 = step(nodes, members, a, row[column(nodes, a)])
            b2 = step(nodes, members, b, row[column(nodes, b)])
            c2 = step(nodes, members, c, row[column(nodes, c)])
            d2 = step(nodes, members, d, row[column(nodes, d)])
            e2 = step(nodes, members, e, row[column(nodes, e)])
            f2 = step(nodes, members, f, row[column(nodes, f)])
            g2 = step(nodes, members, g, row[column(nodes, g)])
            h2 = step(nodes, members, h, row[column(nodes, h)])
            stay = (a2 == a) & (b2 == b) & (c2 == c) & (d2 == d) & (e2 == e) & (f2 == f) & (g2 == g)
            moving = not (stay & (h2 == h))
            a, b, c, d, e, f, g, h = a2, b2, c2, d2, e2, f2, g2, h2
        for leaf in (a, b, c, d, e, f, g, h):
            total = add(total, nodes[unsigned(leaf)].number, narrow)
    return total


@inlined
def follow(  # pragma: no cover
    nodes: Any, members: Any, row: Any, field_of_column: Any, paths: Any, i: Any, end: Any, n: int
) -> Any:
    """Follow a path to its leaf, and queue the record's paths that leave it; give leaf, counts and end."""
    at, own, other, counts = paths[i, START], paths[i, OWN], paths[i, OTHER], paths[i, COUNTS]
    paths[i, FIRST] = end
    node = nodes[at]
    while node.child:
        kind = unsigned(node.kind)
        slot = kind >> unsigned(SLOT_BIT)
        leaves_it = unsigned(goes_left(node, members, row[node.column])) ^ (
            kind >> unsigned(REFERENCE_BIT) & ONE
        )
        is_own = own >> slot & ONE
        parts = leaves_it & ~(is_own | other >> slot & ONE)
        paths[end, START], paths[end, FIELD] = (
            unsigned(node.child),
            unsigned(field_of_column[node.column]),
        )
        paths[end, OWN], paths[end, OTHER] = own | ONE << slot, other
        paths[end, COUNTS] = counts + unsigned(n + 1)
        end += parts
        other |= parts << slot
        counts += parts
        at = unsigned(node.child) if leaves_it & is_own else at + ONE
        node = nodes[at]
    return node.number, counts, end


@inlined
def add_paths(paths: Any, sums: Any, shares: Any, i: Any, end: Any) -> None:  # pragma: no cover
    """Add up what each path and those that leave it earn, from the last to the first."""
    while i:
        i -= ONE
        gained, lost = sums[i, 0], sums[i, 1]
        while end > paths[i, FIRST]:
            end -= ONE
            shares[paths[end, FIELD]] += sums[end, 0] - lost
            gained += sums[end, 0]
            lost += sums[end, 1]
        sums[i, 0], sums[i, 1] = gained, lost


def shapley_one(  # pragma: no cover
    block: Any,
    roots: Any,
    n_trees: int,
    leaves: int,
    row: Any,
    field_of_column: Any,
    weight: Any,
    n: int,
    shares: Any,
) -> None:
    """Add up each field's share, as `shapley.add_shares` does, but in a queue of paths.

    A path follows the reference from a node to a leaf. Where the record would leave it, at a field
    that is on neither side yet, the record's path is put at the end of the queue, and the field is
    on the reference's side for the rest of this one. So the processor mispredicts few branches. From
    the last path to the first, what the paths below a field earn is then added up.
    """
    nodes, members = carray(block, ANY_LENGTH, NODE), carray(block, ANY_LENGTH, np.uint8)
    paths = np.empty((leaves + 1, 6), np.uint64)
    sums = np.empty((leaves + 1, 2), np.float64)
    for tree in range(n_trees):
        paths[0, START], paths[0, OWN] = unsigned(roots[tree]), NONE
        paths[0, OTHER], paths[0, COUNTS] = NONE, NONE
        i, end = NONE, ONE
        while i < end:
            leaf, counts, end = follow(nodes, members, row, field_of_column, paths, i, end, n)
            sums[i, 0] = leaf * weight[unsigned(2) * counts]
            sums[i, 1] = leaf * weight[unsigned(2) * counts + ONE]
            i += ONE
        add_paths(paths, sums, shares, i, end)
