"""Scorecards of the trade: monotone optimal bins, weights of evidence, a logistic regression with one sign.

Navas-Palencia 2020, *Optimal binning: mathematical programming formulation*,
DOI 10.48550/arXiv.2001.08025. Siddiqi 2017, *Intelligent credit scoring*, DOI 10.1002/9781119282396.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from morosidad.errors import MissingExtra

if TYPE_CHECKING:
    from morosidad.schema.schema import Schema

    class _Regression:
        coef_: NDArray[np.float64]
        feature_names_in_: Any

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self: ...

else:
    from sklearn.linear_model import LogisticRegression as _Regression

SMALLEST_IV = 0.02
"""A variable whose information value is smaller says next to nothing."""
RARE = 0.05
"""Categories of a smaller share of the applicants stand together."""


def scorecard_pipeline(schema: Schema, directions: Mapping[str, int] | None = None) -> Any:
    """Make the pipeline of a scorecard.

    Parameters
    ----------
    schema : Schema
        What a record is.
    directions : mapping of str to {1, -1}, optional
        The fields with which the probability of the second class must rise, or fall; by default as the
        schema declares.

    Returns
    -------
    Pipeline
        Not yet fitted: optimal bins, monotone for numbers, as weights of evidence; missing values have
        a bin of their own. Behind them a logistic regression in which no weight of evidence counts
        against itself.

    Raises
    ------
    MissingExtra
        If optbinning is not installed.
    """
    from sklearn.pipeline import make_pipeline

    try:
        import optbinning  # noqa: F401
    except ImportError:
        raise MissingExtra("the scorecard", "scorecard") from None
    from morosidad.training.evidence_bins import EvidenceBins

    numbers = [field.name for field in schema.fields if field.kind in ("integer", "number")]
    categories = [name for name in schema.names if name not in numbers]
    given = {f.name: f.monotonic_cst for f in schema.fields} if directions is None else directions
    bins = EvidenceBins(
        list(schema.names),
        categorical_variables=categories,
        selection_criteria={"iv": {"min": SMALLEST_IV}},
        binning_fit_params={
            **{name: {"monotonic_trend": _trend(given.get(name, 0))} for name in numbers},
            **{name: {"cat_cutoff": RARE} for name in categories},
        },
        binning_transform_params={
            name: {"metric": "woe", "metric_missing": "empirical"} for name in schema.names
        },
    )
    return make_pipeline(bins, OneSignedRegression())


def _trend(direction: int) -> str:
    """Give the trend of the event rate: what was declared, or else whichever fits better."""
    return {1: "ascending", -1: "descending"}.get(direction, "auto_asc_desc")


class OneSignedRegression(_Regression):
    """A logistic regression over weights of evidence, in which none counts against its own evidence.

    A weight of evidence is high where the second class is rare, so that its coefficient has to be
    negative. One that is not says that the variable is there for another's sake: it is left out, the
    worst first, and the rest is fitted again, until all signs hold.

    Attributes
    ----------
    kept_ : ndarray of shape (n_features_in_,), bool
        Which columns have a coefficient; that of the others is 0.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit, and leave out what counts against its evidence.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Weights of evidence.
        y : array-like of shape (n_rows,)
            Two classes.
        sample_weight : array-like of shape (n_rows,), optional
            The weight of each row.

        Returns
        -------
        OneSignedRegression
        """
        super().fit(X, y, sample_weight)
        names = getattr(self, "feature_names_in_", None)
        evidence = np.array(X, dtype=np.float64)
        self.kept_: NDArray[np.bool_] = np.ones(evidence.shape[1], dtype=bool)
        while (self.coef_ > 0.0).any():
            worst = int(np.argmax(self.coef_[0]))
            self.kept_[worst], evidence[:, worst] = False, 0.0  # a column of zeros gets no coefficient
            super().fit(evidence, y, sample_weight)
            self.coef_[0, ~self.kept_] = 0.0
        if names is not None:
            self.feature_names_in_ = names
        return self
