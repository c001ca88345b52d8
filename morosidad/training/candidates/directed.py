"""Logistic regression in which coefficients keep a sign, so that the risk moves one way with a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from morosidad._typing import Floats

if TYPE_CHECKING:

    class _Regression:
        """What scikit-learn's class gives: it has no types itself."""

        C: float
        max_iter: int

        def __init__(self, **options: Any) -> None: ...

else:
    from sklearn.linear_model import LogisticRegression as _Regression


class DirectedRegression(_Regression):
    """scikit-learn's `LogisticRegression` with an L2 penalty, and a sign for the coefficients of some fields.

    The minimum of the same objective within the bounds, found by L-BFGS-B (Byrd, Lu, Nocedal and Zhu
    1995, *A limited memory algorithm for bound constrained optimization*, doi:10.1137/0916069). It is
    asked as any logistic regression is.

    Parameters
    ----------
    directions : mapping of str to {1, -1}, optional
        The columns whose coefficients must not be below, or above, 0; or, with `ramps`, the fields that
        columns ``field_0``, ``field_1``, … are made of.
    ramps : bool, default=False
        Whether a field has a column for each of its ramps, as `Ramps` names them.
    C : float, default=1.0
        The inverse of the penalty's strength.
    max_iter : int, default=1000
        Steps of the optimizer.
    """

    def __init__(
        self,
        directions: Mapping[str, int] | None = None,
        *,
        ramps: bool = False,
        C: float = 1.0,
        max_iter: int = 1000,
    ) -> None:
        super().__init__(C=C, max_iter=max_iter)
        self.directions = directions
        self.ramps = ramps

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the coefficients.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Numbers.
        y : array-like of shape (n_rows,)
            Two classes.
        sample_weight : array-like of shape (n_rows,), optional
            How much each row counts.

        Returns
        -------
        DirectedRegression
            Itself.
        """
        from scipy.optimize import minimize

        names = [str(name) for name in X.columns]
        table = np.asarray(X, dtype=np.float64)
        self.classes_: Any
        self.classes_, place = np.unique(np.asarray(y), return_inverse=True)
        weights = np.ones(len(table)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        bounds = [_BOUNDS[_sign(name, self.directions or {}, self.ramps)] for name in names]
        objective = _Objective(table, np.where(place == 1, 1.0, -1.0), weights, self.C)
        found = minimize(
            objective,
            np.zeros(len(names) + 1),
            jac=True,
            method="L-BFGS-B",
            bounds=[*bounds, (None, None)],
            options={"maxiter": self.max_iter, "ftol": 1e-12, "gtol": 1e-6},
        )
        self.coef_: Floats = found.x[None, :-1]
        self.intercept_: Floats = found.x[-1:]
        self.n_iter_: Any = np.array([found.nit], dtype=np.int32)
        self.n_features_in_: int = len(names)
        self.feature_names_in_: Any = np.array(names, dtype=object)
        return self


def _sign(column: str, directions: Mapping[str, int], ramps: bool) -> int:
    if ramps:
        column, _, number = column.rpartition("_")
        column = column if number.isdecimal() else ""
    return directions.get(column, 0)


_BOUNDS = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}


class _Objective:
    """The mean penalized log loss and its gradient at some coefficients, the intercept last."""

    def __init__(self, table: Floats, signs: Floats, weights: Floats, C: float) -> None:
        self._table, self._signs, self._weights = table, signs, weights
        self._scale = 1.0 / max(float(weights.sum()), 1e-300)
        self._penalty = self._scale / C

    def __call__(self, at: Floats) -> tuple[float, Floats]:
        from scipy.special import expit

        coef, intercept = at[:-1], at[-1]
        margin = self._signs * (self._table @ coef + intercept)
        loss = self._scale * (self._weights @ np.logaddexp(0.0, -margin))
        pull = -self._scale * self._weights * self._signs * expit(-margin)
        gradient = np.append(self._table.T @ pull + self._penalty * coef, pull.sum())
        return float(loss + 0.5 * self._penalty * (coef @ coef)), gradient
