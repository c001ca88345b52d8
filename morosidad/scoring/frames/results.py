"""The decisions on a frame, and a frame of pandas made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from morosidad.policy.decision import OUTCOMES
from morosidad.policy.reason_table import ReasonTable
from morosidad.scoring.frames.ids import RowIds
from morosidad.scoring.frames.publishing import FrameAnswers
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd


class FrameDecisions(NamedTuple):
    """What was decided about the rows of a frame.

    Attributes
    ----------
    model : StoredModel
        What answered.
    answers : FrameAnswers
        What it answered.
    ids : RowIds, optional
        The ids of the rows.
    reasons : list of ReasonTable, optional
        Those of the rows with a decision, one table after the other.
    """

    model: StoredModel
    answers: FrameAnswers
    ids: RowIds | None
    reasons: list[ReasonTable] | None


def results_frame(
    model: StoredModel,
    answers: FrameAnswers,
    ids: Sequence[str | None] | None,
    reasons: Sequence[list[str]] | None,
) -> pd.DataFrame:
    """Make the frame of the answers; see `Scorer.score_frame`.

    Parameters
    ----------
    model : StoredModel
        What answered.
    answers : FrameAnswers
        What it answered.
    ids : sequence of (str or None), optional
        The ids of the rows.
    reasons : sequence of list of str, optional
        The texts of each row with a decision.

    Returns
    -------
    DataFrame
        With the index of the rows.
    """
    import pandas as pd

    out = pd.DataFrame(_numbers(model, answers), index=answers.table.index)

    def texts(cells: Any) -> pd.Series[Any]:
        return pd.Series(cells, index=out.index, dtype=object)

    if ids is not None:
        out.insert(0, "request_id", texts(ids))
    if answers.rules is not None:
        out["rules"] = texts(answers.rules.codes())
    out["warnings"] = texts(answers.warnings)
    if reasons is not None:
        cells = np.full(len(out), None, dtype=object)
        cells[answers.decided] = pd.Series(reasons, dtype=object)
        out["reasons"] = texts(cells)
    return out


def _numbers(model: StoredModel, answers: FrameAnswers) -> dict[str, Any]:
    import pandas as pd

    probability, label = answers.probabilities, answers.labels.astype(np.int8)
    known = ~np.isnan(probability)
    outcome = pd.Categorical.from_codes(answers.outcome_codes(model), categories=pd.Index(OUTCOMES))
    numbers = {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }
    if answers.points is not None and model.policy.points is not None:
        gaps = np.isnan(answers.points)
        whole = np.where(gaps, 0.0, answers.points).astype(np.int64)
        of_scale = pd.arrays.IntegerArray(whole, gaps) if gaps.any() else whole
        numbers["points"] = of_scale if model.policy.points.round else answers.points
    return numbers
