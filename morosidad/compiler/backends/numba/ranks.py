"""Memory layout of trees for the kernel of many records: ranks instead of numbers.

A comparison with a threshold asks no more of a number than its rank among the thresholds of its
column, and a set no more of a category than whether it is in. So each record becomes a short row of
16-bit ranks, found once for all trees, and each node takes 8 bytes: a record goes left where its
rank is at most the node's. Nothing is rounded: the ranks part records exactly where the thresholds do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numba.layout import MISSING_LEFT, SUBSET
from morosidad.compiler.nodes.base import Floats, Ints, Places
from morosidad.compiler.nodes.trees import Trees

NODE = np.dtype([("child", "i4"), ("input", "u2"), ("rank", "u2")])
BEYOND = 2**16 - 1  # the rank of a missing number that goes right; no rank lies beyond it
MAX_EDGES, MAX_INPUTS = BEYOND - 1, BEYOND


class Ranks(NamedTuple):
    """Trees over ranks.

    Attributes
    ----------
    nodes : ndarray of NODE
        In the places that they have in `Trees`. A leaf is its own child, and no rank leaves it.
    inputs : ndarray of int32 of shape (n_inputs, 4)
        What each rank is made of: a column, and either thresholds (where they begin among the edges
        and how many they are) or, with `SUBSET`, a set (where it begins among the members). With
        `MISSING_LEFT`, a missing number has the lowest rank, else the highest.
    edges : ndarray of float64
        The thresholds, ascending for each input.
    """

    nodes: NDArray[np.void]
    inputs: Ints
    edges: Floats


def rank(trees: Trees) -> Ranks | None:
    """Lay trees out over ranks, or give nothing where they make more different tests than can be counted."""
    input_, ranks = np.zeros(len(trees.child), np.intp), np.full(len(trees.child), BEYOND, np.intp)
    inputs: list[tuple[int, int, int, int]] = []
    edges = [np.empty(0)]
    for column, kind, start, at in _groups(trees):
        if kind == SUBSET:
            input_[at], ranks[at] = len(inputs), 0
            inputs.append((column, kind, start, 0))
            continue
        distinct, places = np.unique(trees.number[at], return_inverse=True)
        input_[at], ranks[at] = len(inputs) + places // MAX_EDGES, places % MAX_EDGES
        for first in range(0, len(distinct), MAX_EDGES):
            piece = distinct[first : first + MAX_EDGES]
            inputs.append((column, kind, sum(map(len, edges)), len(piece)))
            edges.append(piece)
    if len(inputs) > MAX_INPUTS:
        return None
    nodes = np.zeros(len(trees.child), dtype=NODE)
    nodes["child"] = np.where(trees.child > 0, trees.child, np.arange(len(trees.child)))
    nodes["input"], nodes["rank"] = input_, ranks
    return Ranks(nodes, np.array(inputs, np.int32).reshape(-1, 4), np.concatenate(edges))


def _groups(trees: Trees) -> Iterator[tuple[int, int, int, Places]]:
    """Group the splits by column, and by where a missing number goes or which set they test."""
    splits = np.flatnonzero(trees.child > 0)
    kind = np.where(trees.subset >= 0, SUBSET, trees.missing_left * MISSING_LEFT)
    tests = (trees.column.astype(np.int64) << 2 | kind) * (len(trees.members) + 1) + trees.subset + 1
    order = splits[np.argsort(tests[splits], kind="stable")]
    for at in np.split(order, np.flatnonzero(np.diff(tests[order])) + 1):
        if len(at):
            yield int(trees.column[at[0]]), int(kind[at[0]]), int(trees.subset[at[0]]), at
