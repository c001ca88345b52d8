"""One kind of model, fitted without a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morosidad.schema.schema import Schema
from morosidad.training.candidates.table import FitTask, candidates

if TYPE_CHECKING:
    import pandas as pd


def fit(X: pd.DataFrame, y: Any, schema: Schema, *, model: str = "logistic") -> Any:
    """Fit one kind of model as it is, the simplest of its sizes; `Scorer.train` compares them.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Applicants; the columns of the schema.
    y : array-like of shape (n_rows,)
        Two classes.
    schema : Schema
        What a record is.
    model : {'logistic', 'scorecard', 'splines', 'glassbox', 'boosting'}, default='logistic'
        The kind of model: logistic regression, a scorecard of optimal bins (extra scorecard),
        logistic regression on linear splines, an explainable boosting
        machine (extra ``glassbox``), histogram gradient boosting. Each keeps the directions that the
        fields declare, of the probability of the second class.

    Returns
    -------
    estimator
        A fitted pipeline or classifier with ``predict_proba``.

    Raises
    ------
    InvalidFrame
        If columns are missing, or `y` does not hold two classes without gaps.
    SettingsError
        If there is no such kind of model.
    MissingExtra
        If its library is not installed.
    """
    from morosidad.training.directions import kept_directions
    from morosidad.training.fitting import checked
    from morosidad.training.search.racing import one_thread_each

    first = candidates(model)[0]
    frame, labels = checked(X, y, schema)
    with one_thread_each():
        task = FitTask(schema, len(frame), directions=kept_directions(schema, frame))
        return first.make(task).fit(frame, labels)
