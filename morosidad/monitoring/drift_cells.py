"""The cells that values are counted in, and how far two spreads over them lie apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.frames.reading import Coded, Column
from morosidad.monitoring.drift_reference import FieldReference

_EMPTY = 0.5  # records that stand for none in a cell, so that the logarithm is finite


class FieldCells(NamedTuple):
    """Where the values of one field are counted.

    Attributes
    ----------
    cuts : tuple of float
        Upper edges of a number's cells, but for the last cell; empty for a category.
    categories : dict
        The cell of each value that has one of its own.
    first, others, missing : int
        The first cell, that of all other values, and that of missing ones.
    """

    cuts: tuple[float, ...]
    categories: dict[Any, int]
    first: int
    others: int
    missing: int

    @classmethod
    def of(cls, field: FieldReference, first: int) -> FieldCells:
        """Lay out the cells of a field, from cell number `first` on."""
        missing = first + len(field.counts) - 1
        categories = {value: first + place for place, value in enumerate(field.categories)}
        return cls(field.cuts, categories, first, missing - 1, missing)

    def of_value(self, value: Any) -> int:
        """Give the cell of a value.

        Parameters
        ----------
        value : int, float, str, bool or None
            None or NaN where it is missing.

        Returns
        -------
        int
        """
        if value is None or value != value:
            return self.missing
        if self.cuts:
            return self.first + bisect_left(self.cuts, value)
        return self.categories.get(value, self.others)

    def of_column(self, column: Column) -> NDArray[np.intp]:
        """Give the cell of each value of a column.

        Parameters
        ----------
        column : ndarray of float64, shape (n,), or Coded
            The values.

        Returns
        -------
        ndarray of intp, shape (n,)
        """
        if isinstance(column, Coded):
            return np.array([*map(self.of_value, column.levels), self.missing], dtype=np.intp)[column.codes]
        found = np.full(len(column), self.missing, dtype=np.intp)
        known = ~np.isnan(column)
        if self.cuts:
            found[known] = self.first + np.searchsorted(self.cuts, column[known])
        else:
            values, which = np.unique(column[known], return_inverse=True)
            found[known] = np.array([*map(self.of_value, values.tolist())], dtype=np.intp)[which]
        return found


def stability_index(reference: Sequence[int], current: Sequence[int]) -> tuple[float, int]:
    """Return the stability index and its degrees of freedom; cells empty in both count for nothing.

    Parameters
    ----------
    reference, current : sequence of int
        Records in each cell, then and now.

    Returns
    -------
    tuple of (float, int)
    """
    then, now = np.array(reference, dtype=np.float64), np.array(current, dtype=np.float64)
    used = (then + now) > 0
    then = np.maximum(then[used], _EMPTY) / then.sum()
    now = np.maximum(now[used], _EMPTY) / now.sum()
    return float(((now - then) * np.log(now / then)).sum()), int(used.sum()) - 1


def chi_squared(z: float, freedom: int) -> float:
    """Compute the quantile of the chi-squared law where the normal one is `z`.

    By the approximation of Wilson and Hilferty, *PNAS* 17, 1931, doi:10.1073/pnas.17.12.684.

    Parameters
    ----------
    z : float
        Quantile of the standard normal law.
    freedom : int
        Degrees of freedom.

    Returns
    -------
    float
    """
    if not freedom:
        return 0.0
    part = 2 / (9 * freedom)
    return freedom * max(0.0, 1 - part + z * sqrt(part)) ** 3
