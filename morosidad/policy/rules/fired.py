"""The rules that fired, on one record and on many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.policy.decision import Fired

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


def combinations(columns: Sequence[FiredColumns], number: int) -> tuple[list[Fired], NDArray[np.intp]]:
    """Give the rules that fired on each row.

    Parameters
    ----------
    columns : sequence of FiredColumns
        Of the stages, in order.
    number : int
        The rows.

    Returns
    -------
    sets : list of tuple of int
        What fired together on some row; the first is empty.
    which : ndarray of intp, shape (n,)
        The place in `sets` of each row's.
    """
    out = np.zeros(number, dtype=np.intp)
    sets: list[Fired] = [()]
    fired = [pair for stage in columns for pair in stage.fired]
    if fired:
        matrix = np.stack([where for _, where in fired])
        rows = np.flatnonzero(matrix.any(axis=0))
        found, which = _distinct(np.packbits(matrix[:, rows], axis=0))
        masks = matrix[:, rows[found]].T
        sets += [tuple([fired[i][0] for i in np.flatnonzero(mask).tolist()]) for mask in masks]
        out[rows] = which + 1
    return sets, out


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
