"""Contributions of many records on the scale that is asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.calibrated import OnScore, PriorCorrected
from morosidad.compiler.forms.form import Form, OnLogOdds, along_chord, sigmoid
from morosidad.compiler.nodes.base import Floats

Scale = Literal["log-odds", "probability"]
SCALES: tuple[Scale, ...] = ("log-odds", "probability")

NEAREST = 2.0**-52
"""On the log-odds scale, a probability of 0 or 1 is taken for one that lies so far from it."""


def scored_shares(
    form: Form, batch: ColumnBatch, reference: Floats, scale: Scale | None = None
) -> tuple[Floats, Floats]:
    """Compute the scores of many records, and each field's contributions to them.

    Parameters
    ----------
    form : Form
        The compiled model.
    batch : ColumnBatch
        The records.
    reference : ndarray of float64
        What the contributions are measured against, as the form made it.
    scale : {'log-odds', 'probability'}, optional
        Of the scores and contributions; the model's own when not given.

    Returns
    -------
    scores : ndarray of float64, shape (n_rows,)
    shares : ndarray of float64, shape (n_fields, n_rows)
        The score less their sum is the same for every record: the score of the reference.
    """
    if scale is None and isinstance(form, PriorCorrected) and form.scale not in SCALES:
        form = form.of
    if scale is None and isinstance(form, OnScore):
        return form.batch_score_reasons(batch, reference)
    if (scale or form.scale) == "probability":
        return form.batch_probability_reasons(batch, reference)
    if isinstance(form, OnLogOdds):
        return form.batch_log_odds_reasons(batch, reference)
    if form.scale == "log-odds":
        probability, shares = form.batch_reasons(batch, reference)
        return log_odds(probability), shares
    return along_chord(log_odds, *form.batch_probability_reasons(batch, reference))


def on_scale(own: str, probability: Floats, shares: Floats, scale: Scale | None) -> tuple[Floats, Floats]:
    """Bring probabilities and shares on a form's own scale to the scale that is asked for.

    Parameters
    ----------
    own : str
        The form's own scale.
    probability : ndarray of float64, shape (n_rows,)
    shares : ndarray of float64, shape (n_fields, n_rows)
    scale : {'log-odds', 'probability'}, optional
        The form's own when not given.

    Returns
    -------
    scores, shares : ndarray of float64
        As `scored_shares` gives them.

    Raises
    ------
    ValueError
        If the form's own scale is neither.
    """
    if own not in SCALES:
        raise ValueError(f"contributions before calibration are not on the scale of {scale or own}")
    score = log_odds(probability) if own == "log-odds" else probability
    if scale is None or scale == own:
        return score, shares
    return along_chord(sigmoid if own == "log-odds" else log_odds, score, shares)


def log_odds(probability: Floats) -> Floats:
    """Compute ``log(p / (1 - p))``, which stays finite.

    Parameters
    ----------
    probability : ndarray of float64
        From 0 to 1.

    Returns
    -------
    ndarray of float64
        From -36.04 to 36.04.
    """
    p = np.clip(probability, NEAREST, 1.0 - NEAREST)
    z: Floats = np.log(p) - np.log1p(-p)
    return z
