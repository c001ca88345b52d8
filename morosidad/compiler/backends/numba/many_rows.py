"""Tree evaluation of many records over ranks, compiled to machine code by numba.

Records go in blocks through one tree after the other, eight side by side, while tree and ranks stay
in the processor's cache. See `machine` for how machine code is kept and called.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from morosidad.compiler.backends.numba.layout import MISSING_LEFT, SUBSET
from morosidad.compiler.backends.numba.machine import (
    ANY_LENGTH,
    Pointer,
    add,
    carray,
    inlined,
    machine_code,
    types,
    unsigned,
)
from morosidad.compiler.backends.numba.ranks import BEYOND, NODE, Ranks
from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.trees import Trees

ROWS = 8192
BYTES = 2**20


class RankWalk:
    """Walks many records.

    Parameters
    ----------
    trees : Trees
        What it evaluates.
    ranks : Ranks
        The same over ranks.
    """

    def __init__(self, trees: Trees, ranks: Ranks) -> None:
        width = max(1, len(ranks.inputs))
        self._block = max(64, min(ROWS, BYTES // (2 * width)))
        self._sizes = len(ranks.inputs), trees.n_trees, int(trees.narrow), trees.base
        self._data = [Pointer(d) for d in (*ranks, trees.members.view(np.uint8), trees.number)]

    def __call__(self, table: Floats) -> Floats:
        """Give the sums of many rows' leaves, for columns of shape (n_columns, n_rows)."""
        found = np.empty(table.shape[1])
        numbers = Pointer(table)
        _walk()(*self._data, *self._sizes, numbers, table.shape[1], self._block, Pointer(found))
        return found


@cache
def _walk() -> Callable[..., None]:
    numbers, place, whole = types.CPointer(types.float64), types.intp, types.CPointer(types.int32)
    data = [types.voidptr, whole, numbers, types.voidptr, numbers]
    sizes = [place, place, place, types.float64]
    pointer, size, number = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_double
    call = ctypes.CFUNCTYPE(None, *[pointer] * 5, *[size] * 3, number, pointer, size, size, pointer)
    return call(machine_code(walk_many, types.void(*data, *sizes, numbers, place, place, numbers)))


# -- what is compiled --------------------------------------------------------------------------


@inlined
def rank_of(x: float, edges: Any, start: int, n: int) -> int:  # pragma: no cover
    """Count the edges below a number, without a branch that the processor would have to foresee."""
    low = start
    while n > 1:
        half = n >> 1
        low += half if edges[unsigned(low + half - 1)] < x else 0
        n -= half
    return low - start + int(edges[unsigned(low)] < x)


@inlined
def step(nodes: Any, ranks: Any, place: int, row: int) -> int:  # pragma: no cover
    """Give the child that a record falls to; a leaf holds it where it is."""
    node = nodes[unsigned(place)]
    return int(node.child) + int(ranks[unsigned(row + int(node.input))] > node.rank)


@inlined
def find_ranks(  # pragma: no cover
    table: Any, n: int, start: int, end: int, inputs: Any, width: int, edges: Any, members: Any, ranks: Any
) -> None:
    """Fill in the ranks of some rows, one row after the other."""
    for k in range(width):
        column, kind = int(inputs[4 * k]) * n, inputs[4 * k + 1]
        begin, count = int(inputs[4 * k + 2]), int(inputs[4 * k + 3])
        at = k
        if kind & SUBSET:
            for i in range(start, end):
                ranks[unsigned(at)] = 1 - members[unsigned(begin + int(table[unsigned(column + i)]))]
                at += width
        else:
            missing = 0 if kind & MISSING_LEFT else BEYOND
            for i in range(start, end):
                x = table[unsigned(column + i)]
                ranks[unsigned(at)] = rank_of(x, edges, begin, count) if x == x else missing
                at += width


def walk_many(  # pragma: no cover
    block: Any,
    inputs: Any,
    edges: Any,
    sets: Any,
    leaves: Any,
    width: int,
    n_trees: int,
    narrow: int,
    base: float,
    table: Any,
    n: int,
    rows: int,
    totals: Any,
) -> None:
    """Add up the leaves that each of n records falls into, for columns of n numbers each."""
    nodes, members = carray(block, ANY_LENGTH, NODE), carray(sets, ANY_LENGTH, np.uint8)
    ranks = np.empty(rows * width + 1, np.uint16)
    for start in range(0, n, rows):
        end = min(start + rows, n)
        find_ranks(table, n, start, end, inputs, width, edges, members, ranks)
        for i in range(start, end):
            totals[i] = base
        for root in range(n_trees):
            for i in range(start, end - 7, 8):
                a = b = c = d = e = f = g = h = root
                p = (i - start) * width
                q, r, s = p + width, p + 2 * width, p + 3 * width
                t, u, v, w = p + 4 * width, p + 5 * width, p + 6 * width, p + 7 * width
                moving = True
                while moving:
                    a2, b2 = step(nodes, ranks, a, p), step(nodes, ranks, b, q)
                    c2, d2 = step(nodes, ranks, c, r), step(nodes, ranks, d, s)
                    e2, f2 = step(nodes, ranks, e, t), step(nodes, ranks, f, u)
                    g2, h2 = step(nodes, ranks, g, v), step(nodes, ranks, h, w)
                    a, b = step(nodes, ranks, a2, p), step(nodes, ranks, b2, q)
                    c, d = step(nodes, ranks, c2, r), step(nodes, ranks, d2, s)
                    e, f = step(nodes, ranks, e2, t), step(nodes, ranks, f2, u)
                    g, h = step(nodes, ranks, g2, v), step(nodes, ranks, h2, w)
                    stay = (a2 == a) & (b2 == b) & (c2 == c) & (d2 == d) & (e2 == e) & (f2 == f)
                    moving = not (stay & (g2 == g) & (h2 == h))
                k = i
                for leaf in (a, b, c, d, e, f, g, h):
                    totals[k] = add(totals[k], leaves[unsigned(leaf)], narrow)
                    k += 1
            for i in range(end - (end - start) % 8, end):
                at, last = root, -1
                while at != last:
                    last, at = at, step(nodes, ranks, at, (i - start) * width)
                totals[i] = add(totals[i], leaves[unsigned(at)], narrow)
