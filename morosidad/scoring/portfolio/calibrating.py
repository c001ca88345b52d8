"""A model moved to another default rate: where that is taken from, and what follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad._typing import Floats
from morosidad.errors import SettingsError
from morosidad.policy.choosing.labelled import defaults_of, weights_of
from morosidad.scoring.content.calibration import (
    BaseRate,
    PortfolioCalibration,
    checked_rate,
    mean_shift,
    prior_shift,
)
from morosidad.scoring.frame_path import answer_frame
from morosidad.scoring.frames.refusals import refuse_gaps
from morosidad.scoring.stored_model import StoredModel


def calibrated_model(
    model: StoredModel,
    to: float | None,
    of: float | None,
    X: Any,
    y: Any,
    sample_weight: Any,
    version: str | None,
) -> StoredModel:
    """Move a model to another default rate.

    Parameters
    ----------
    model : StoredModel
        The model.
    to, of, X, y, sample_weight, version
        As in `Scorer.calibrated`.

    Returns
    -------
    StoredModel

    Raises
    ------
    SettingsError, InvalidFrame
        As `Scorer.calibrated`.
    """
    _refuse_contradictions(to, of, X, y, sample_weight)
    base: BaseRate = "prior" if of is not None else "reference" if X is None else "rows"
    if of is not None:
        target, before = checked_rate("to", to), checked_rate("of", of)
        shift = prior_shift(target, before)
    else:
        scores, weights = _scores(model, X, sample_weight)
        target = checked_rate("to", to) if y is None else _rate(model, y, weights)
        before = float(np.average(scores, weights=weights))
        shift = mean_shift(scores, weights, target)
    total = shift + (0.0 if model.calibration is None else model.calibration.shift)
    calibration = PortfolioCalibration(target, before, base, total)
    named = _version(model, target) if version is None else version
    return model.calibrated(calibration, named)


def _refuse_contradictions(to: Any, of: Any, X: Any, y: Any, sample_weight: Any) -> None:
    problems = []
    if (to is None) == (y is None):
        problems.append("to: a default rate, or labels y that have one, was expected")
    if of is not None and X is not None:
        problems.append("of: either the rate that the model fits now, or rows X that tell it")
    if X is None and (y is not None or sample_weight is not None):
        problems.append("X: the rows that y or sample_weight are about were expected")
    if problems:
        raise SettingsError(problems)


def _scores(model: StoredModel, X: Any, sample_weight: Any) -> tuple[Floats, Floats]:
    """Give the probabilities that tell the base rate, and how much each counts."""
    if X is None:
        known = model.reference_scores
        if known is None:
            raise SettingsError(
                ["to: this model holds no scores of a reference; give rows X, or of, the rate that it fits"]
            )
        return np.array(known.means), known.weights
    answers = answer_frame(model, X)
    if not len(answers.table):
        raise SettingsError(["X: rows were expected"])
    refuse_gaps(model, answers.table, answers.probabilities)
    return answers.probabilities, weights_of(sample_weight, len(answers.table))


def _rate(model: StoredModel, y: Any, weights: Floats) -> float:
    default = defaults_of(y, model.labels, len(weights))
    rate = float(np.average(default, weights=weights))
    if not 0.0 < rate < 1.0:
        raise SettingsError(["y: both labels were expected"])
    return rate


def _version(model: StoredModel, to: float) -> str:
    """Give the version with the rate behind it, in place of an earlier one's."""
    earlier = "" if model.calibration is None else f"+{model.calibration.to:.6g}"
    return f"{model.version.removesuffix(earlier)}+{to:.6g}"
