"""Optimal bins of whatever two labels there are; needs optbinning (extra ``scorecard``)."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from optbinning import BinningProcess

from morosidad.errors import InvalidFrame


class EvidenceBins(BinningProcess):  # type: ignore[misc]
    """optbinning's `BinningProcess` of labels that need not be 0 and 1."""

    def fit(self, X: Any, y: Any, *args: Any, **kwargs: Any) -> Self:
        """Find the bins of each variable.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Applicants.
        y : array-like of shape (n_rows,)
            Two classes.
        *args, **kwargs : object
            Passed on.

        Returns
        -------
        EvidenceBins

        Raises
        ------
        InvalidFrame
            If no variable tells the classes apart.
        """
        _, events = np.unique(np.asarray(y), return_inverse=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of newer versions of pandas, about what optbinning does
            super().fit(X, events, *args, **kwargs)
        if not self.get_support().any():
            raise InvalidFrame("no field tells the two classes apart well enough for a scorecard")
        return self
