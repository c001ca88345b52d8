"""Labelled rows in groups of one probability, between which cut-offs may lie, and sums over them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.policy.choosing.labelled import LabelledRows

Places = NDArray[np.intp]


class ScoreGroups:
    """The distinct probabilities of labelled rows, in order: cut-off k lies before the k-th of them.

    Parameters
    ----------
    rows : LabelledRows
        The rows; those without a probability are in no group.

    Attributes
    ----------
    levels : ndarray of float64, shape (n_groups,)
        The probabilities.
    last : int
        The last place of a cut-off: behind all groups, but not behind a probability of 1.
    """

    def __init__(self, rows: LabelledRows) -> None:
        scored = ~np.isnan(rows.probability)
        levels, places = np.unique(rows.probability[scored], return_inverse=True)
        self.levels: Floats = levels
        self.last: int = len(levels) - int(len(levels) > 0 and levels[-1] == 1.0)
        self._scored = scored
        self._places: Places = places.astype(np.intp)
        self._approves = rows.outcomes[scored] == 0
        self._plain = [not self._approves[:, band].any() for band in range(3)]

    def below(self, amounts: Floats) -> Floats:
        """Add up an amount of each row over the groups before each place.

        Parameters
        ----------
        amounts : ndarray of float64, shape (n_rows,)

        Returns
        -------
        ndarray of float64, shape (n_groups + 1,)
        """
        return self._below(amounts[self._scored])

    def _below(self, amounts: Floats) -> Floats:
        sums = np.bincount(self._places, weights=amounts, minlength=len(self.levels))
        return np.concatenate([[0.0], np.cumsum(sums)])

    def approved(self, amounts: Floats, declined: Places) -> Floats:
        """Add up an amount over the rows that each cut-off approves, rules included.

        Parameters
        ----------
        amounts : ndarray of float64, shape (n_rows,)
        declined : ndarray of intp, shape (last + 1,)
            For each place of the first cut-off, that of the second.

        Returns
        -------
        ndarray of float64, shape (last + 1,)
        """
        found, number = np.zeros(self.last + 1), self.last + 1
        own = amounts[self._scored]
        for band in range(3):
            if self._plain[band]:
                continue
            sums = self._below(own * self._approves[:, band])
            if band == 0:
                found += sums[:number]
            elif band == 1:
                found += sums[declined] - sums[:number]
            else:
                found += sums[-1] - sums[declined]
        return found

    def second(self, weights: Floats, review: float) -> Places:
        """Give the place of the second cut-off for each of the first.

        Parameters
        ----------
        weights : ndarray of float64, shape (n_rows,)
            How much each row counts.
        review : float
            The share of all rows that is to lie between the two, or a little more.

        Returns
        -------
        ndarray of intp, shape (last + 1,)
        """
        if not review:
            return np.arange(self.last + 1)
        below = self.below(weights)
        wanted = below[: self.last + 1] + review * float(weights.sum()) * (1.0 - 1e-12)
        found: Places = np.minimum(np.searchsorted(below, wanted), self.last)
        return np.maximum(found, np.arange(self.last + 1))

    def cutoff(self, place: int) -> float:
        """Give a cut-off at a place: the number with the fewest digits between two probabilities.

        Parameters
        ----------
        place : int
            From 0 to `last`.

        Returns
        -------
        float
            0 at the first place, 1 behind all groups.
        """
        if place == 0:
            return 0.0
        if place == len(self.levels):
            return 1.0
        low, high = float(self.levels[place - 1]), float(self.levels[place])
        for digits in range(1, 17):
            scale = 10.0**digits
            found = math.floor(high * scale) / scale
            if low < found <= high:
                return found
        return high
