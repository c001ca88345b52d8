"""Memory layout of trees for the single-row kernel: one block of 16-byte nodes, and sets behind them.

For the evaluation, a block begins with a header, then come the roots, then pairs of siblings, as in
`Trees`. For the shares there is no header, and a node is followed by the child that the reference
goes to: what the reference passes lies in one piece.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats, Places
from morosidad.compiler.nodes.trees import Trees

Block = NDArray[np.uint8]

NODE = np.dtype([("number", "f8"), ("child", "i4"), ("column", "i2"), ("kind", "i2")])
MISSING_LEFT, SUBSET, REFERENCE_LEFT = 1, 2, 4
REFERENCE_BIT, SLOT_BIT = 2, 3
MAX_SLOTS = 64


def for_walk(trees: Trees) -> Block:
    """Lay trees out for the evaluation.

    The header holds the base, how many trees there are, and whether to add in 32 bits; trees of one
    leaf, of value 0, make the number of trees a multiple of eight.
    """
    idle = -trees.n_trees % 8
    nodes = np.zeros(1 + idle + len(trees.child), dtype=NODE)
    nodes[0] = trees.base, trees.n_trees + idle, trees.narrow, 0
    places = np.r_[1 : trees.n_trees + 1, trees.n_trees + idle + 1 : len(nodes)]
    _fill(nodes, places, trees)
    nodes["child"][places] = np.where(trees.child > 0, trees.child + idle + 1, 0)
    return _with_sets(nodes, trees)


def for_shares(trees: Trees, reference: Floats) -> tuple[Block, Places, int] | None:
    """Lay trees out for the shares against a reference.

    Gives the block, the places of the roots, and how many leaves the largest tree has; or nothing
    where some path from a root to a leaf tests more than `MAX_SLOTS` fields.
    """
    left = trees.go_left(reference)
    child = trees.child.astype(np.intp)
    near, far = np.where(left, child, child + 1), np.where(left, child + 1, child)
    levels = levels_of(trees)
    slots = _slots(trees, levels)
    if slots.max(initial=0) >= MAX_SLOTS:
        return None
    size = np.ones(len(child), dtype=np.intp)
    for splits in reversed(levels):
        size[splits] += size[near[splits]] + size[far[splits]]
    roots = np.arange(trees.n_trees)
    places = np.zeros(len(child), dtype=np.intp)
    places[roots] = np.cumsum(size[roots]) - size[roots]
    for splits in levels:
        places[near[splits]] = places[splits] + 1
        places[far[splits]] = places[splits] + 1 + size[near[splits]]
    nodes = np.zeros(len(child), dtype=NODE)
    _fill(nodes, places, trees)
    split = child > 0
    nodes["child"][places[split]] = places[far[split]]
    nodes["kind"][places] |= (left * REFERENCE_LEFT + (slots << SLOT_BIT)).astype(np.int16)
    return _with_sets(nodes, trees), places[roots], int(size[roots].max()) // 2 + 1


def _fill(nodes: NDArray[np.void], places: Places, trees: Trees) -> None:
    """Put the nodes in their places, all but their children."""
    nodes["column"][places] = trees.column
    nodes["number"][places] = np.where(trees.subset >= 0, nodes.nbytes + trees.subset, trees.number)
    nodes["kind"][places] = np.where(trees.subset >= 0, SUBSET, trees.missing_left * MISSING_LEFT)


def _with_sets(nodes: NDArray[np.void], trees: Trees) -> Block:
    return np.concatenate([nodes.view(np.uint8), trees.members.view(np.uint8)])


def levels_of(trees: Trees) -> list[Places]:
    """Give the splits of each level, from the roots down."""
    child = trees.child.astype(np.intp)
    level, levels = np.arange(trees.n_trees), []
    while len(splits := level[child[level] > 0]):
        levels.append(splits)
        level = np.concatenate([child[splits], child[splits] + 1])
    return levels


def _slots(trees: Trees, levels: list[Places]) -> Places:
    """Give each split's field a number that no other field has on any path through the split.

    Where all the trees test few fields, these are the fields' own numbers.
    """
    fields = trees.player_of_column[trees.column].astype(np.intp)
    if len(trees.players) <= MAX_SLOTS:
        return np.where(trees.child > 0, fields, 0)
    child = trees.child.astype(np.intp)
    parent = np.full(len(child), -1, dtype=np.intp)
    above, slots = np.zeros(len(child), dtype=np.intp), np.zeros(len(child), dtype=np.intp)
    for splits in levels:
        same = _nearest_of_same_field(splits, parent, fields)
        new = same < 0
        slots[splits] = np.where(new, above[splits], slots[same])
        for side in (child[splits], child[splits] + 1):
            parent[side], above[side] = splits, above[splits] + new
    return slots


def _nearest_of_same_field(splits: Places, parent: Places, fields: Places) -> Places:
    """Find, for each split, the nearest split above it that tests the same field, or -1."""
    found = parent[splits]
    while len(open_ := np.flatnonzero((found >= 0) & (fields[found] != fields[splits]))):
        found[open_] = parent[found[open_]]
    return found
