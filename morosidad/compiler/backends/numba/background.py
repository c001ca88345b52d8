"""Shapley values against many background rows at once, compiled to machine code by numba.

For a leaf, a row matters only by which fields send it there: those of whose splits on the path it
takes the leaf's side. A background of many rows becomes, for each leaf, the few different sets of such
fields with the share of the rows that have them. A record is led past all nodes once, and every leaf's
sets are compared with the record's own: where the two together hold all fields of the path, the leaf
earns what `shapley` says. So the mean over the background is exact, and its cost grows with the number of
different sets and not with the number of rows.

The bookkeeping by sets of fields is that of Yang (2021), *Fast TreeSHAP*, doi:10.48550/arXiv.2109.09847,
carried over from the weights of the training data to a background.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numba.layout import MISSING_LEFT, SUBSET
from morosidad.compiler.backends.numba.machine import (
    ANY_LENGTH,
    Pointer,
    carray,
    machine_code,
    types,
    unsigned,
)
from morosidad.compiler.backends.shapley import weights
from morosidad.compiler.nodes.base import Floats, Places
from morosidad.compiler.nodes.trees import Trees

MAX_SLOTS = 60
"""So many fields a path may test; a record's set is one number of 64 bits."""
MAX_SETS = 20_000_000
"""So many sets may be kept, of 16 bytes each."""
CELLS = 2_000_000
"""So many pairs of a node and a background row are looked at together."""

NODE = np.dtype(
    [
        ("number", "f8"),  # as in `Trees`; where sets begin among the members
        ("full", "u8"),  # a leaf's set of all fields; the bit of a split's field
        ("first", "i8"),  # where a leaf's sets begin
        ("fields", "i8"),  # where the fields of a leaf's path begin
        ("child", "i4"),
        ("column", "i4"),
        ("sets", "i4"),  # how many sets a leaf has
        ("kind", "i4"),
    ]
)
AGAIN = 4
"""The field of the split was tested above it already."""


class Sets(NamedTuple):
    """The sets of fields of a background.

    Attributes
    ----------
    nodes : ndarray of NODE
        The nodes of the trees, in their order.
    fields : ndarray of int64
        The fields of the leaves' paths, by their bits.
    masks : ndarray of uint64
        The sets.
    shares : ndarray of float64
        What share of the background has each.
    """

    nodes: NDArray[np.void]
    fields: Places
    masks: NDArray[np.uint64]
    shares: Floats


def sets_of(trees: Trees, background: Floats) -> Sets | None:
    """Find the sets of fields that send background rows to each leaf.

    Parameters
    ----------
    trees : Trees
        The trees.
    background : ndarray of float64, shape (n_background, n_columns)
        The rows.

    Returns
    -------
    Sets or None
        None where a path tests too many fields, or there would be too many sets.
    """
    nodes = np.zeros(len(trees.child), dtype=NODE)
    nodes["number"] = np.where(trees.subset >= 0, trees.subset, trees.number)
    nodes["child"], nodes["column"] = trees.child, trees.column
    nodes["kind"] = np.where(trees.subset >= 0, SUBSET, trees.missing_left * MISSING_LEFT)
    left = np.zeros((len(nodes), len(background)), dtype=bool)
    for row in range(len(background)):
        left[:, row] = trees.go_left(background[row])
    found: list[tuple[Places, NDArray[np.uint64], Floats]] = []
    kept = places = 0
    step = max(1, int(CELLS // (len(background) * max(1.0, len(nodes) / trees.n_trees))))
    for start in range(0, trees.n_trees, step):
        level = np.arange(start, min(start + step, trees.n_trees))
        path = np.full((len(level), 0), -1, dtype=np.intp)
        masks = np.zeros((len(level), len(background)), dtype=np.uint64)
        while len(level):
            leaves = trees.child[level] == 0
            for part in _finished(nodes, level[leaves], path[leaves], masks[leaves], kept, places):
                found.append(part)
                kept, places = kept + len(part[1]), places + len(part[0])
            level, path, masks = _below(trees, nodes, left, level[~leaves], path[~leaves], masks[~leaves])
            if path.shape[1] > MAX_SLOTS or kept > MAX_SETS:
                return None
    fields, sets, shares = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Sets(nodes, fields, sets, shares)


def _below(
    trees: Trees,
    nodes: NDArray[np.void],
    left: NDArray[np.bool_],
    splits: Places,
    path: Places,
    masks: NDArray[np.uint64],
) -> tuple[Places, Places, NDArray[np.uint64]]:
    """Go one level down: the children, the fields above each, and the background's sets so far."""
    if not len(splits):
        return splits, path, masks
    field = trees.player_of_column[trees.column[splits]].astype(np.intp)
    path = np.column_stack([path, np.full(len(splits), -1, dtype=np.intp)])
    same = path == field[:, None]
    again = same.any(axis=1)
    slot = np.where(again, same.argmax(axis=1), (path >= 0).sum(axis=1))
    path[np.arange(len(splits)), slot] = field
    path = path[:, (path >= 0).any(axis=0)]
    bit = np.uint64(1) << slot.astype(np.uint64)
    nodes["full"][splits] = bit
    nodes["kind"][splits] |= np.where(again, AGAIN, 0).astype(np.int32)
    sides = []
    for goes in (left[splits], ~left[splits]):
        joined, lost = masks | bit[:, None], masks & ~bit[:, None]
        sides.append(np.where(goes, np.where(again[:, None], masks, joined), lost))
    child = trees.child[splits].astype(np.intp)
    return np.concatenate([child, child + 1]), np.concatenate([path, path]), np.concatenate(sides)


def _finished(
    nodes: NDArray[np.void],
    leaves: Places,
    path: Places,
    masks: NDArray[np.uint64],
    kept: int,
    places: int,
) -> list[tuple[Places, NDArray[np.uint64], Floats]]:
    """Note the leaves' sets, each once with the share of the rows that have it."""
    if not len(leaves):
        return []
    n = (path >= 0).sum(axis=1)
    nodes["full"][leaves] = (np.uint64(1) << n.astype(np.uint64)) - np.uint64(1)
    nodes["fields"][leaves] = places + np.arange(len(leaves)) * path.shape[1]
    ordered = np.sort(masks, axis=1)
    new = np.ones(ordered.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    count = new.sum(axis=1)
    nodes["sets"][leaves] = count
    nodes["first"][leaves] = kept + np.cumsum(count) - count
    begin = np.flatnonzero(new.ravel())
    share = np.diff(np.append(begin, new.size)) / masks.shape[1]
    return [(path.ravel(), ordered.ravel()[begin], share)]


class BackgroundShares:
    """The fields' shares against a background, of one record or of many.

    Parameters
    ----------
    trees : Trees
        The trees.
    sets : Sets
        The background's.
    """

    def __init__(self, trees: Trees, sets: Sets) -> None:
        n = len(trees.players)
        self._n = n
        parts = (*sets, trees.members.view(np.uint8), np.ascontiguousarray(weights(n, trees.weight)))
        self._data = [Pointer(part.view(np.uint8) if part.dtype == NODE else part) for part in parts]
        self._sizes = len(sets.nodes), trees.n_trees, n

    def of_row(self, row: bytes) -> list[float]:
        """Give the shares of one record, whose columns' numbers are given as bytes."""
        found = array("d", bytes(8 * self._n))
        _shares()(*self._data, *self._sizes, row, 1, found.buffer_info()[0])
        return found.tolist()

    def __call__(self, table: Floats) -> Floats:
        """Give the shares of many records, shape (n_rows, n_fields), for columns (n_columns, n_rows)."""
        table = np.ascontiguousarray(table)
        found = np.zeros((table.shape[1], self._n))
        _shares()(*self._data, *self._sizes, table.ctypes.data, table.shape[1], found.ctypes.data)
        return found


def background_shares(trees: Trees, background: Floats) -> BackgroundShares | None:
    """Prepare the shares against a background.

    Parameters
    ----------
    trees : Trees
        The trees.
    background : ndarray of float64, shape (n_background, n_columns)
        The rows.

    Returns
    -------
    BackgroundShares or None
        None where it takes plain Python; see `sets_of`.
    """
    sets = sets_of(trees, background)
    return None if sets is None else BackgroundShares(trees, sets)


@cache
def _shares() -> Callable[..., None]:
    numbers, place = types.CPointer(types.float64), types.intp
    whole, bits = types.CPointer(types.int64), types.CPointer(types.uint64)
    data = [types.voidptr, whole, bits, numbers, types.CPointer(types.uint8), numbers]
    signature = types.void(*data, place, place, place, numbers, place, numbers)
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    call = ctypes.CFUNCTYPE(None, *[pointer] * 6, *[size] * 3, pointer, size, pointer)
    return call(machine_code(shares_of_many, signature))


# -- what is compiled: coverage can't see machine code -------------------------------------------

ONE = unsigned(1)


def shares_of_many(  # pragma: no cover
    block: Any,
    fields: Any,
    masks: Any,
    parts: Any,
    members: Any,
    weight: Any,
    n_nodes: int,
    n_trees: int,
    n: int,
    table: Any,
    n_rows: int,
    shares: Any,
) -> None:
    """Add up each field's share of n_rows records, for columns of n_rows numbers each."""
    nodes = carray(block, ANY_LENGTH, NODE)
    own, width = np.empty(n_nodes, np.uint64), n + 1
    for row in range(n_rows):
        for i in range(n_trees):
            own[i] = unsigned(0)
        for i in range(n_nodes):
            node = nodes[unsigned(i)]
            mine = own[unsigned(i)]
            if node.child:
                x = table[unsigned(node.column * n_rows + row)]
                if node.kind & SUBSET:
                    left = members[unsigned(int(node.number) + int(x))] != 0
                else:
                    left = x <= node.number or ((node.kind & MISSING_LEFT) != 0 and x != x)
                stays = mine if node.kind & AGAIN else mine | node.full
                leaves = mine & ~node.full
                own[unsigned(node.child)] = stays if left else leaves
                own[unsigned(node.child + 1)] = leaves if left else stays
                continue
            for k in range(node.first, node.first + node.sets):
                theirs = masks[unsigned(k)]
                if mine | theirs != node.full:
                    continue
                gains, loses = mine & ~theirs, theirs & ~mine
                a = b = 0
                bits = gains
                while bits:
                    bits &= bits - ONE
                    a += 1
                bits = loses
                while bits:
                    bits &= bits - ONE
                    b += 1
                value = node.number * parts[unsigned(k)]
                gained = value * weight[unsigned((a - 1) * width + b)] if a else 0.0
                lost = value * weight[unsigned(a * width + b - 1)] if b else 0.0
                at, bits = node.fields, gains | loses
                while bits:
                    if gains & ONE:
                        shares[unsigned(row * n + fields[unsigned(at)])] += gained
                    elif loses & ONE:
                        shares[unsigned(row * n + fields[unsigned(at)])] -= lost
                    bits >>= ONE
                    gains >>= ONE
                    loses >>= ONE
                    at += 1
