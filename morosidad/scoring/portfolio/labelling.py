"""Labelled rows of a scorer: probabilities, and what its cut-offs and rules make of them in each band."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad.errors import InvalidFrame
from morosidad.policy.choosing.labelled import LabelledRows, defaults_of, weights_of
from morosidad.policy.cutoffs import Policy
from morosidad.scoring.frame_path import answer_frame
from morosidad.scoring.frames.refusals import refuse_gaps
from morosidad.scoring.stored_model import StoredModel


def labelled_rows(
    model: StoredModel, X: Any, y: Any, sample_weight: Any = None, policy: Policy | None = None
) -> LabelledRows:
    """Ask a model and a policy about labelled rows.

    Parameters
    ----------
    model : StoredModel
        What answers.
    X : DataFrame or ndarray
        One applicant a row.
    y : array-like of shape (n_rows,)
        What became of each, in the model's own labels.
    sample_weight : array-like of shape (n_rows,), optional
        How much each counts.
    policy : Policy, optional
        Whose rules are asked; the model's own when not given.

    Returns
    -------
    LabelledRows

    Raises
    ------
    InvalidFrame
        If rows do not fit the schema, or labels are missing or unknown.
    PredictionError
        If the model does not answer with a probability.
    """
    if policy is not None and policy != model.policy:
        model = model.with_policy(policy)
    ruled = model.rules is not None
    answers = answer_frame(model, X, decide=ruled, as_records=ruled, bands=ruled)
    number = len(answers.table)
    if not number:
        raise InvalidFrame("X: rows were expected")
    refuse_gaps(model, answers.table, np.where(answers.decided, 0.0, np.nan))
    bands = np.arange(3, dtype=np.int8)
    outcomes = np.tile(bands, (number, 1)) if answers.rules is None else answers.rules.by_band
    default = defaults_of(y, model.labels, number)
    return LabelledRows(answers.probabilities, default, weights_of(sample_weight, number), outcomes)
