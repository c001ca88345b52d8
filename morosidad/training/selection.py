"""Candidate pipelines, cross-validation and selection of a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame, MissingExtra, SettingsError
from morosidad.languages import say
from morosidad.progress import tqdm_for
from morosidad.schema.schema import Schema
from morosidad.training.labels import is_default

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
AUTO = "auto"


class Figures(msgspec.Struct, frozen=True):
    """How well a model tells defaulters apart, as means over the folds of a cross-validation.

    Attributes
    ----------
    auc : float
        Area under the ROC curve.
    brier : float
        Brier score: the mean squared error of the probability.
    ks : float
        Kolmogorov-Smirnov distance between the scores of both classes.
    log_loss : float
        Negative log-likelihood per row.
    log_loss_error : float
        Standard error of that mean over the folds.
    """

    auc: float
    brier: float
    ks: float
    log_loss: float
    log_loss_error: float


def fit(X: pd.DataFrame, y: Any, schema: Schema, *, model: str = "logistic") -> Any:
    """Fit one of the default pipelines.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Applicants; the columns of the schema.
    y : array-like of shape (n_rows,)
        Two classes.
    schema : Schema
        What a record is.
    model : {'logistic', 'glassbox', 'boosting', 'scorecard'}
        The kind of model: logistic regression, an explainable boosting machine (extra ``glassbox``),
        histogram gradient boosting, a scorecard of optimal bins (extra ``scorecard``).

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
    frame, classes = _checked(X, y, schema)
    return _fitted(pipeline(schema, model), frame, classes)


def pipeline(schema: Schema, model: str) -> Any:
    """Make one of the default pipelines.

    Parameters
    ----------
    schema : Schema
        What a record is.
    model : str
        The kind of model, as in `fit`.

    Returns
    -------
    estimator
        Not yet fitted.

    Raises
    ------
    SettingsError
        If there is no such kind of model.
    """
    if model not in _PIPELINES:
        raise SettingsError([f"model: one of {', '.join(MODELS)} was expected"])
    return _PIPELINES[model](schema)


def choose(
    X: pd.DataFrame,
    y: Any,
    schema: Schema,
    *,
    model: str = AUTO,
    progress: bool = False,
    positive: Any = None,
) -> tuple[str, dict[str, Figures]]:
    """Cross-validate kinds of model and take the simplest that is about as good as the best.

    Parameters
    ----------
    X, y, schema
        As in `fit`.
    model : str, default='auto'
        One kind, to measure it alone; ``'auto'`` measures those that are installed.
    progress : bool, default=False
        Show a progress bar for each.
    positive : object, optional
        The label that means default, where the labels are not 0 and 1 or False and True.

    Returns
    -------
    model : str
        The kind to fit: with ``'auto'`` the first of logistic, glassbox and boosting whose log loss lies
        within one standard error of the best (the one-standard-error rule of Breiman et al.,
        *Classification and Regression Trees*, 1984, doi:10.1201/9781315139470).
    comparison : dict of str to Figures
        What was measured of each.
    """
    kinds = installed() if model == AUTO else (model,)
    found = {
        kind: cross_validate(X, y, schema, model=kind, progress=progress, positive=positive) for kind in kinds
    }
    best = min(found.values(), key=lambda figures: figures.log_loss)
    limit = best.log_loss + best.log_loss_error
    return next(kind for kind in kinds if found[kind].log_loss <= limit), found


def installed() -> tuple[str, ...]:
    """Name the kinds of model that can be fitted here.

    Returns
    -------
    tuple of str
        Simplest first.
    """
    found = find_spec("interpret") is not None
    return tuple(
        kind for kind in _PIPELINES if kind != "scorecard" and (found or kind != "glassbox")
    )  # a scorecard is made where it is asked for


def cross_validate(
    X: pd.DataFrame,
    y: Any,
    schema: Schema,
    *,
    model: str = "logistic",
    folds: int = FOLDS,
    seed: int = 0,
    progress: bool = False,
    positive: Any = None,
) -> Figures:
    """Measure a default pipeline by stratified cross-validation.

    Parameters
    ----------
    X, y, schema, model
        As in `fit`.
    folds : int, default=5
        Parts; each is predicted by a pipeline fitted on the others.
    seed : int, default=0
        Of the shuffle.
    progress : bool, default=False
        Show a progress bar.
    positive : object, optional
        The label that means default, where the labels are not 0 and 1 or False and True.

    Returns
    -------
    Figures
    """
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    frame, classes = _checked(X, y, schema)
    truth = is_default(classes, positive)
    if min(truth.sum(), (~truth).sum()) < folds:
        raise InvalidFrame(f"each class needs at least {folds} rows to be cross-validated")
    found: list[tuple[float, float, float, float]] = []
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed).split(frame, truth)
    for kept, held in tqdm_for(progress)(
        splits, total=folds, desc=say(schema.language, "figures.cross_validating"), disable=not progress
    ):
        fitted = _fitted(pipeline(schema, model), frame.iloc[kept], truth[kept])
        p, t = fitted.predict_proba(frame.iloc[held])[:, 1], truth[held]
        found.append((roc_auc_score(t, p), brier_score_loss(t, p), _ks(t, p), log_loss(t, p)))
    auc, brier, ks, loss = np.mean(found, axis=0).tolist()
    error = float(np.std([row[3] for row in found], ddof=1) / np.sqrt(folds))
    return Figures(auc, brier, ks, loss, error)


def summary(
    y: Any, model: str, comparison: dict[str, Figures] | None = None, *, positive: Any = None
) -> dict[str, Any]:
    """Summarize the training of a model, for its file.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        The two classes that it was trained on.
    model : str
        The kind of model.
    comparison : dict of str to Figures, optional
        What was measured of it and of others.
    positive : object, optional
        The label that means default, where the labels are not 0 and 1 or False and True.

    Returns
    -------
    dict
        Plain data: rows, default rate, cross-validated figures.
    """
    classes = np.asarray(y)
    default = is_default(classes, positive)
    facts = {"model": model, "rows": len(classes), "default_rate": float(default.mean())}
    if comparison:
        facts["cross_validation"] = msgspec.to_builtins(comparison[model])
        others = {kind: figures for kind, figures in comparison.items() if kind != model}
        facts |= {f"instead of {kind}": msgspec.to_builtins(figures) for kind, figures in others.items()}
    return facts


def _logistic(schema: Schema) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from morosidad.preprocessor import Preprocessor

    return make_pipeline(Preprocessor(schema), LogisticRegression(max_iter=1000))


def _fitted(model: Any, frame: pd.DataFrame, classes: NDArray[Any]) -> Any:
    with warnings.catch_warnings():
        # about interpret's own plots, which are not shown here
        warnings.filterwarnings("ignore", "Missing values detected", UserWarning)
        return model.fit(frame, classes)


def _glassbox(_: Schema) -> Any:
    try:
        from interpret.glassbox import ExplainableBoostingClassifier
    except ImportError:
        raise MissingExtra("the explainable boosting machine", "glassbox") from None
    return ExplainableBoostingClassifier(random_state=0, n_jobs=1)


def _boosting(schema: Schema) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    from morosidad.preprocessor import Preprocessor

    preprocessor = Preprocessor(schema, scale=False, encoding="ordinal")
    return make_pipeline(preprocessor, HistGradientBoostingClassifier(random_state=0))


def _scorecard(schema: Schema) -> Any:
    from morosidad.training.scorecards import scorecard_pipeline

    return scorecard_pipeline(schema)


_PIPELINES: dict[str, Callable[[Schema], Any]] = {  # simplest first
    "logistic": _logistic,
    "glassbox": _glassbox,
    "boosting": _boosting,
    "scorecard": _scorecard,
}
MODELS = (*_PIPELINES, AUTO)


def _checked(X: pd.DataFrame, y: Any, schema: Schema) -> tuple[pd.DataFrame, NDArray[Any]]:
    from morosidad._dataframes import as_pandas, select

    frame, classes = as_pandas(X), np.asarray(y)
    chosen = select(frame, schema.names)
    if classes.ndim != 1:
        raise InvalidFrame("the target must be one answer for each row")
    if len(classes) != len(frame):
        raise InvalidFrame(f"{len(frame)} rows, and {len(classes)} answers")
    if any(value is None or value != value for value in classes.tolist()) or len(np.unique(classes)) != 2:
        raise InvalidFrame("the target must hold exactly two classes, and no missing value")
    return chosen, classes


def _ks(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Compute the largest gap between the two classes' cumulative distributions."""
    from sklearn.metrics import roc_curve

    false_positive, true_positive, _ = roc_curve(truth, probability)
    return float(np.max(true_positive - false_positive))
