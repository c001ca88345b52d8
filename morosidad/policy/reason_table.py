"""The reasons of many decisions, as a table of those that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.policy.decision import Reason


class ReasonTable(msgspec.Struct, eq=False):
    """The reasons of many decisions.

    Attributes
    ----------
    kinds : list of Reason
        The reasons that there are, with a contribution of 0.
    which : ndarray of intp, shape (n, most)
        The places in `kinds` of each decision's reasons, strongest first; -1 where it has fewer.
    contributions : ndarray of float64, shape (n, most)
        What each contributes.
    """

    kinds: list[Reason]
    which: NDArray[np.intp]
    contributions: NDArray[np.float64]

    def after_rules(self, kinds: Sequence[Reason], fired: Sequence[Sequence[int]]) -> ReasonTable:
        """Give the same reasons behind those of rules.

        Parameters
        ----------
        kinds : sequence of Reason
            What rules give as reasons.
        fired : sequence of sequence of int
            The places in `kinds` of each decision's.

        Returns
        -------
        ReasonTable
        """
        most = max(map(len, fired), default=0)
        if not most:
            return self
        number, old = len(self.kinds), self.which.shape[1]
        which = np.full((len(fired), most + old), -1, dtype=np.intp)
        shares = np.zeros(which.shape)
        which[:, :old], shares[:, :old] = self.which, self.contributions
        for row, found in enumerate(fired):
            if found:
                end = len(found) + old
                which[row, len(found) : end] = self.which[row]
                shares[row, len(found) : end] = self.contributions[row]
                which[row, : len(found)] = np.add(found, number)
                shares[row, : len(found)] = 0.0
        return ReasonTable([*self.kinds, *kinds], which, shares)

    def texts(self) -> list[list[str]]:
        """Give the texts of each decision's reasons.

        Returns
        -------
        list of list of str
        """
        texts = np.array([*(kind.text for kind in self.kinds), None], dtype=object)
        found: list[list[Any]] = texts[self.which].tolist()
        for row in np.flatnonzero((self.which < 0).any(axis=1)).tolist():
            found[row] = [text for text in found[row] if text is not None]
        return found

    def shares(self) -> list[list[float]]:
        """Give the contributions of each decision's reasons.

        Returns
        -------
        list of list of float
        """
        numbers = (self.which >= 0).sum(axis=1).tolist()
        rows = zip(self.contributions.tolist(), numbers, strict=True)
        return [shares[:number] for shares, number in rows]

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Give each decision's reasons.

        Returns
        -------
        list of tuple of Reason
        """
        if not self.which.shape[1]:
            return [()] * len(self.which)
        slots = [
            [
                Reason(kind.code, kind.field, kind.text, share, kind.value)
                for kind, share in zip(map(self.kinds.__getitem__, which), shares, strict=True)
            ]
            for which, shares in zip(self.which.T.tolist(), self.contributions.T.tolist(), strict=True)
        ]
        found: list[tuple[Reason, ...]] = list(zip(*slots, strict=True))
        for row in np.flatnonzero((self.which < 0).any(axis=1)).tolist():
            found[row] = found[row][: np.count_nonzero(self.which[row] >= 0)]
        return found


def no_reasons(number: int) -> ReasonTable:
    """Give the reasons of decisions that have none.

    Parameters
    ----------
    number : int
        How many decisions.

    Returns
    -------
    ReasonTable
    """
    return ReasonTable([], np.empty((number, 0), dtype=np.intp), np.empty((number, 0)))
