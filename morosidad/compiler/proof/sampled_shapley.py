"""Contributions of a model that is not compiled: Shapley values by asking it, with their standard error.

The game is that of the compiled forms: of the fields in a coalition the model sees the record's
values, of the others those of a background row. A field's Shapley value is what it adds when it
joins, on average over all orders of joining and all background rows; here over some of them, drawn
in pairs of an order and its reverse, which takes away most of the variance that comes from
interactions of two fields.

Štrumbelj & Kononenko (2014), *Explaining prediction models and individual predictions with feature
contributions*, Knowledge and Information Systems 41, doi:10.1007/s10115-013-0679-x; pairs of orders:
Mitchell, Cooper, Frank & Holmes (2022), *Sampling permutations for Shapley value estimation*, JMLR 23.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.schema.field import Row

Floats = NDArray[np.float64]

BACKGROUND_ROWS = 24
PAIRS = 24
ERRORS = 2.0
"""A contribution of so many standard errors or less can't be told from none."""


class SampledShares(NamedTuple):
    """What was found for one record.

    Attributes
    ----------
    probability : float
        Of default.
    shares : ndarray of shape (n_fields,), float64
        Each field's contribution to the difference between the record's probability and the mean
        probability of the background rows, on the probability scale.
    errors : ndarray of shape (n_fields,), float64
        The standard error of each, over the pairs of orders.
    """

    probability: float
    shares: Floats
    errors: Floats


def background(columns: Sequence[Sequence[object]], seed: int = 0) -> list[Row]:
    """Draw background rows, each field on its own, so that no row is a real applicant's.

    Parameters
    ----------
    columns : sequence of sequence, one for each field
        The reference's values.
    seed : int
        The same seed gives the same rows.

    Returns
    -------
    list of tuple
    """
    rng = np.random.default_rng(seed)
    drawn = [[column[i] for i in rng.integers(0, len(column), BACKGROUND_ROWS)] for column in columns]
    return list(zip(*drawn, strict=True))


class SampledContributions:
    """Asks a model about mixtures of a record and background rows.

    Parameters
    ----------
    predict : callable
        Rows → ndarray of shape (n_rows,), float64: the model's probabilities of default, NaN where
        it refuses a row.
    background : sequence of tuple
        Rows that stand for the usual applicant.
    pairs : int
        So many orders of joining, each with its reverse; 24 by default, or one for each background row.
    seed : int
        The same seed gives the same contributions for the same record.

    Raises
    ------
    ValueError
        If there are no background rows, or they are of different lengths.
    """

    def __init__(
        self,
        predict: Callable[[Sequence[Row]], Floats],
        background: Sequence[Row],
        *,
        pairs: int | None = None,
        seed: int = 0,
    ) -> None:
        self._predict = predict
        self._background = list(background)
        if not self._background or not self._background[0] or len(set(map(len, self._background))) != 1:
            raise ValueError("background rows were expected, each with one value for each field")
        pairs = max(PAIRS, len(self._background)) if pairs is None else pairs
        n, rng = len(self._background[0]), np.random.default_rng(seed)
        half = [rng.permutation(n) for _ in range(pairs)]
        self._orders = [order for one in half for order in (one, one[::-1])]
        self._places = [i % len(self._background) for i in range(pairs) for _ in range(2)]

    def __str__(self) -> str:
        n = len(self._background[0])
        return (
            f"Shapley values on the probability scale from {len(self._orders)} orders against "
            f"{len(self._background)} background rows, "
            f"{1 + len(self._orders) * n} answers of the original a record"
        )

    def beyond_noise(self, values: Row) -> tuple[float, Sequence[float]]:
        """Estimate the contributions that can be told from none.

        Parameters
        ----------
        values : tuple
            Validated values.

        Returns
        -------
        probability : float
        shares : sequence of float
            0 for each within two standard errors of it; empty where they are not known.
        """
        found = self(values)
        known = bool(np.isfinite(found.shares).all())
        return found.probability, told_apart(found.shares, found.errors).tolist() if known else ()

    def __call__(self, values: Row) -> SampledShares:
        """Estimate the contributions of one record's fields.

        Parameters
        ----------
        values : tuple
            Validated values.

        Returns
        -------
        SampledShares
            Over the pairs of orders of which the model answers every mixture; NaN without any.
        """
        n = len(values)
        rows: list[Row] = [values]
        for order, place in zip(self._orders, self._places, strict=True):
            mixed = list(self._background[place])
            rows.append(tuple(mixed))
            for field in order[:-1].tolist():
                mixed[field] = values[field]
                rows.append(tuple(mixed))
        answers = self._predict(rows)
        probability = float(answers[0])
        gained = np.empty((len(self._orders), n))
        for i, order in enumerate(self._orders):
            path = np.append(answers[1 + i * n : 1 + (i + 1) * n], probability)
            gained[i, order] = np.diff(path)
        pairs = gained.reshape(-1, 2, n).mean(axis=1)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        if not len(pairs):
            return SampledShares(probability, np.full(n, np.nan), np.full(n, np.nan))
        errors = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.full(n, np.nan)
        return SampledShares(probability, pairs.mean(axis=0), errors)


def told_apart(shares: Floats, errors: Floats) -> Floats:
    """Leave out contributions that can't be told from none.

    Parameters
    ----------
    shares, errors : ndarray of shape (n_fields,), float64
        As they are estimated, and the standard error of each.

    Returns
    -------
    ndarray of shape (n_fields,), float64
        0 for each of two standard errors or less, or whose error is not known.
    """
    return np.where(np.abs(shares) > ERRORS * errors, shares, 0.0)
