"""Models whose log-odds are a weighted sum of others' log-odds: a mean of models, or one recalibrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import validation

from morosidad._typing import Floats
from morosidad.frames.compatibility import Tagged

if TYPE_CHECKING:

    class _Classifier(Tagged):
        """What scikit-learn's bases give a classifier: they have no types themselves."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

else:

    class _Classifier(Tagged, ClassifierMixin, BaseEstimator):
        pass


class LogOddsPool(_Classifier):
    """The sigmoid of ``intercept + sum of weight * log-odds`` over some classifiers.

    With weights of one half, it is the logarithmic opinion pool of two models (Genest and Zidek 1986,
    *Combining probability distributions*, doi:10.1214/ss/1177013825); with one member, Platt's
    calibration of it (Platt 1999, *Probabilistic outputs for support vector machines*).

    Parameters
    ----------
    members : sequence of estimator
        Classifiers whose ``decision_function`` is the log-odds of the second class.
    weights : sequence of float
        One for each member.
    intercept : float, default=0.0
        Added to the sum.

    Attributes
    ----------
    members_ : list of estimator
        Fitted.
    classes_ : ndarray of shape (2,)
        The labels.
    """

    _input_tags = frozenset({"allow_nan", "string"})

    def __init__(self, members: Sequence[Any], weights: Sequence[float], intercept: float = 0.0) -> None:
        self.members = members
        self.weights = weights
        self.intercept = intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit every member.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Applicants.
        y : array-like of shape (n_rows,)
            Two labels.
        sample_weight : array-like of shape (n_rows,), optional
            How much each row counts.

        Returns
        -------
        LogOddsPool
            Itself.
        """
        return self.take([fit_weighted(clone(member), X, y, sample_weight) for member in self.members])

    def take(self, fitted: Sequence[Any]) -> Self:
        """Take members that are fitted already.

        Parameters
        ----------
        fitted : sequence of estimator
            One for each member, fitted on the same rows.

        Returns
        -------
        LogOddsPool
            Itself.
        """
        self.members_: list[Any] = list(fitted)
        self.classes_: Any = self.members_[0].classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.members_[0], name):
                setattr(self, name, getattr(self.members_[0], name))
        return self

    def decision_function(self, X: Any) -> Floats:
        """Give the log-odds of the second class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
        """
        validation.check_is_fitted(self, "members_")
        total = np.full(len(X), float(self.intercept))
        for member, weight in zip(self.members_, self.weights, strict=True):
            total += weight * member.decision_function(X)
        return total

    def predict_proba(self, X: Any) -> Floats:
        """Give the probabilities of both classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of float64, shape (n_rows, 2)
        """
        from scipy.special import expit

        z = self.decision_function(X)
        return np.column_stack([expit(-z), expit(z)])

    def predict(self, X: Any) -> NDArray[Any]:
        """Give the more probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        labels: NDArray[Any] = self.classes_[(self.decision_function(X) > 0).astype(np.intp)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return super()._more_tags() | {"binary_only": True}


def fit_weighted(estimator: Any, X: Any, y: Any, weights: Any) -> Any:
    """Fit a classifier, or a pipeline's last step, with weights of rows where there are some.

    Parameters
    ----------
    estimator : estimator
        Not yet fitted.
    X, y
        The rows and their labels.
    weights : array-like of shape (n_rows,) or None
        How much each row counts.

    Returns
    -------
    estimator
        Itself, fitted.
    """
    if weights is None:
        return estimator.fit(X, y)
    steps = getattr(estimator, "steps", None)
    name = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
    return estimator.fit(X, y, **{name: weights})
