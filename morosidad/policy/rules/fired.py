"""The rules that fired, on one record and on many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SORTED_FROM = 2**20


class FiredColumns(NamedTuple):
    """The rules that fired on many rows.

    Attributes
    ----------
    outcomes : ndarray of int8, shape (n,)
        The place in `OUTCOMES` of what they decide; -1 where none fired.
    final : ndarray of bool, shape (n,)
        Whether that is the decision, whatever others say.
    fired : list of (int, ndarray of bool, shape (n,))
        Each that fired on any row, as in `Fired`, and where.
    """

    outcomes: NDArray[np.int8]
    final: NDArray[np.bool_]
    fired: list[tuple[int, NDArray[np.bool_]]]

    def over(self, outcomes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Give the decisions where others say something too.

        Parameters
        ----------
        outcomes : ndarray of int8, shape (n,)
            What those say; -1 for nothing.

        Returns
        -------
        ndarray of int8, shape (n,)
        """
        found: NDArray[np.int8] = np.where(self.final, self.outcomes, np.maximum(outcomes, self.outcomes))
        return found


def combinations(columns: Sequence[FiredColumns], number: int) -> NDArray[np.object_]:
    """Give the rules that fired on each row.

    Parameters
    ----------
    columns : sequence of FiredColumns
        Of the stages, in order.
    number : int
        The rows.

    Returns
    -------
    ndarray of object, shape (n,)
        A `Fired` for each; rows with the same rules share it.
    """
    out = np.empty(number, dtype=object)
    out.fill(())
    fired = [pair for stage in columns for pair in stage.fired]
    if not fired:
        return out
    matrix = np.stack([where for _, where in fired])
    rows = np.flatnonzero(matrix.any(axis=0))
    packed = np.packbits(matrix[:, rows], axis=0)
    found, which = _distinct(packed)
    sets = np.empty(len(found), dtype=object)
    for place, column in enumerate(found.tolist()):
        sets[place] = tuple(fired[i][0] for i in np.flatnonzero(matrix[:, rows[column]]).tolist())
    out[rows] = sets[which]
    return out


def _distinct(packed: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give a place of each column of bytes that differs, and which of those each column is."""
    which: NDArray[np.intp] = np.zeros(packed.shape[1], dtype=np.intp)
    number = 1
    for line in packed:
        which = which * 256 + line
        if number * 256 > _SORTED_FROM:
            which = np.unique(which, return_inverse=True)[1]
            number = int(which.max()) + 1
        else:
            there = np.bincount(which, minlength=1) > 0
            number, which = int(there.sum()), (np.cumsum(there) - 1)[which]
    first = np.zeros(number, dtype=np.intp)
    first[which] = np.arange(len(which))
    return first, which
