"""Figures of a model on predictions of rows that it was not fitted on."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats

BINS = 10


class Figures(msgspec.Struct, frozen=True):
    """How well predictions tell defaulters apart, and how well the probabilities hold.

    Attributes
    ----------
    auc : float
        Area under the ROC curve.
    auc_low, auc_high : float
        Its 95 % interval (DeLong et al. 1988, doi:10.2307/2531595).
    gini : float
        ``2 * auc - 1``.
    ks : float
        Kolmogorov-Smirnov distance between the scores of both classes.
    brier : float
        Brier score: the mean squared error of the probability.
    log_loss : float
        Negative log-likelihood per row.
    log_loss_error : float
        Standard error of that mean.
    slope, intercept : float
        Of a logistic regression of the answers on the log-odds: 1 and 0 where probabilities hold
        (Cox 1958, doi:10.1093/biomet/45.3-4.562).
    ece : float
        Expected calibration error over ten bins of equally many rows.
    rows : int
        Predictions that were measured.
    """

    auc: float
    auc_low: float
    auc_high: float
    gini: float
    ks: float
    brier: float
    log_loss: float
    log_loss_error: float
    slope: float
    intercept: float
    ece: float
    rows: int


def measure(truth: NDArray[np.bool_], log_odds: Floats, weights: Floats | None = None) -> Figures:
    """Measure predictions.

    Parameters
    ----------
    truth : ndarray of bool, shape (n_rows,)
        Who defaulted.
    log_odds : ndarray of float64, shape (n_rows,)
        What was predicted.
    weights : ndarray of float64, shape (n_rows,), optional
        How much each row counts.

    Returns
    -------
    Figures
        Numbers that can't be reckoned, as the area where one class is absent, are NaN.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    share = np.full(len(truth), 1.0) if weights is None else weights
    probability = sigmoid(log_odds)
    losses = row_losses(truth, log_odds)
    mean = float(np.average(losses, weights=share))
    error = math.sqrt(float(np.average((losses - mean) ** 2, weights=share)) / len(truth))
    both = bool(truth.any() and not truth.all())
    auc = float(roc_auc_score(truth, log_odds, sample_weight=weights)) if both else math.nan
    low, high = _interval(auc, truth, log_odds) if both else (math.nan, math.nan)
    ks = math.nan
    if both:
        false_positive, true_positive, _ = roc_curve(truth, log_odds, sample_weight=weights)
        ks = float(np.max(true_positive - false_positive))
    slope, intercept = line(truth, log_odds, weights) if both else (math.nan, math.nan)
    return Figures(
        auc=auc,
        auc_low=low,
        auc_high=high,
        gini=2.0 * auc - 1.0,
        ks=ks,
        brier=float(np.average((truth - probability) ** 2, weights=share)),
        log_loss=mean,
        log_loss_error=error,
        slope=slope,
        intercept=intercept,
        ece=_calibration_error(truth, probability, share),
        rows=len(truth),
    )


def row_losses(truth: NDArray[np.bool_], log_odds: Floats) -> Floats:
    """Give each row's negative log-likelihood.

    Parameters
    ----------
    truth : ndarray of bool, shape (n_rows,)
        Who defaulted.
    log_odds : ndarray of float64, shape (n_rows,)
        What was predicted.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
    """
    losses: Floats = np.logaddexp(0.0, np.where(truth, -log_odds, log_odds))
    return losses


def sigmoid(log_odds: Floats) -> Floats:
    """Give log-odds as probabilities."""
    from scipy.special import expit

    return np.asarray(expit(log_odds), dtype=np.float64)


def line(truth: NDArray[np.bool_], log_odds: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Fit the answers by a line of the log-odds.

    Parameters
    ----------
    truth : ndarray of bool, shape (n_rows,)
        Who defaulted; both classes.
    log_odds : ndarray of float64, shape (n_rows,)
        What was predicted.
    weights : ndarray of float64, shape (n_rows,), optional
        How much each row counts.

    Returns
    -------
    slope, intercept : float
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds[:, None], truth, sample_weight=weights)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _interval(auc: float, truth: NDArray[np.bool_], scores: Floats) -> tuple[float, float]:
    """Give the 95 % interval of the area, from each row's share in it."""
    from scipy.stats import rankdata

    bad, good = scores[truth], scores[~truth]
    ranks = rankdata(scores)
    above = (ranks[truth] - rankdata(bad)) / len(good)
    below = 1.0 - (ranks[~truth] - rankdata(good)) / len(bad)
    parts = [(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.25 for values in (above, below)]
    reach = 1.96 * math.sqrt(float(sum(parts)))
    return max(0.0, auc - reach), min(1.0, auc + reach)


def _calibration_error(truth: Any, probability: Floats, share: Floats) -> float:
    order = np.argsort(probability, kind="stable")
    gaps = 0.0
    for rows in np.array_split(order, min(BINS, len(order))):
        gaps += abs(float(np.sum((truth[rows] - probability[rows]) * share[rows])))
    return gaps / float(share.sum())
