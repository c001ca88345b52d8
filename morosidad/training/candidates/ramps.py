"""Numbers as linear splines: a ramp from 0 to 1 between each two knots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import validation

from morosidad._typing import Floats
from morosidad.frames.compatibility import Tagged

if TYPE_CHECKING:

    class _Transformer(Tagged):
        """What scikit-learn's bases give a transformer: they have no types themselves."""

        def fit_transform(self, X: Any, y: object = None, **fit_params: Any) -> Floats: ...

else:

    class _Transformer(Tagged, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
        pass


class Ramps(_Transformer):
    """Turn each number into ramps: how much of the way between two knots lies below it, from 0 to 1.

    A linear model of them is a linear spline of each number, level outside the outermost knots. A
    coefficient is the rise of the log-odds between two knots, so that a penalty on the coefficients
    draws neighbouring knots together, however the number is scaled, and an outlier counts no more than
    the last knot.

    Knots are quantiles of the values, each once. Values that look like codes for a missing one have
    knots of their own, with the nearest proper value, so that no proper value shares in their effect.

    Parameters
    ----------
    quantiles : int, default=9
        Knots of a number with many values; those of its extremes are at the 1st and 99th percentile.

    Attributes
    ----------
    knots_ : list of ndarray of float64
        The knots of each column, rising.
    usual_ : ndarray of float64, shape (n_columns,)
        What stands for a missing number: the median.
    """

    def __init__(self, quantiles: int = 9) -> None:
        self.quantiles = quantiles

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the knots.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Numbers, NaN where missing.
        y : object
            Ignored.

        Returns
        -------
        Ramps
            Itself.
        """
        table = np.asarray(X, dtype=np.float64)
        self.n_features_in_: int = table.shape[1]
        present = [column[~np.isnan(column)] for column in table.T]
        self.knots_: list[Floats] = [knots(values, self.quantiles) for values in present]
        self.usual_: Floats = np.array([np.median(values) if len(values) else 0.0 for values in present])
        return self

    def transform(self, X: Any) -> Floats:
        """Give the ramps.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Numbers, NaN where missing.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_ramps)
            From 0 to 1.
        """
        validation.check_is_fitted(self, "knots_")
        table = np.asarray(X, dtype=np.float64)
        filled = np.where(np.isnan(table), self.usual_, table)
        parts = [
            np.clip((column[:, None] - at[:-1]) / np.diff(at), 0.0, 1.0)
            for column, at in zip(filled.T, self.knots_, strict=True)
        ]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(table), 0))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Any:
        """Give the names of the ramps: the column's name and the ramp's place.

        Parameters
        ----------
        input_features : sequence of str, optional
            The names of the columns.

        Returns
        -------
        ndarray of str
        """
        names = [f"x{i}" for i in range(self.n_features_in_)] if input_features is None else input_features
        ramps = zip(names, self.knots_, strict=True)
        return np.array([f"{name}_{j}" for name, at in ramps for j in range(len(at) - 1)], dtype=object)


def knots(values: Floats, quantiles: int) -> Floats:
    """Place the knots of one number.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        None of them missing.
    quantiles : int
        How many at most, without those of codes.

    Returns
    -------
    ndarray of float64
        At least two, rising.
    """
    import pandas as pd

    from morosidad.schema.suspected import suspected_codes

    if not len(values):
        return np.array([0.0, 1.0])
    codes = suspected_codes(pd.Series(values))
    proper = values[~np.isin(values, codes)]
    at = np.concatenate([[0.01], np.linspace(0.0, 1.0, quantiles)[1:-1], [0.99]])
    found = np.unique(np.quantile(proper, at, method="inverted_cdf"))
    ends = [proper.min(), proper.max()]
    if codes:
        found = np.unique([*found, *ends, *codes])
    if len(found) < 2:
        found = np.unique([*found, *ends])
    return found if len(found) > 1 else np.array([found[0], found[0] + max(1.0, abs(found[0]))])
