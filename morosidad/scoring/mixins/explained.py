"""Contributions of one record, and of the rows of a frame: column by column where the model is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad._typing import Floats
from morosidad.compiler.forms.scales import SCALES, Scale
from morosidad.compiler.pipeline import each_chunk, rows_of
from morosidad.errors import UnsupportedModel
from morosidad.frames.reading import FrameReader
from morosidad.policy.contributions import Contributions
from morosidad.schema.field import Row
from morosidad.scoring.frame_path import by_field
from morosidad.scoring.frames.refusals import refuse_gaps
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd

SAMPLED = "probability, sampled"


def contributions_of(model: StoredModel, values: Row) -> Contributions:
    """Explain the score of validated values.

    Parameters
    ----------
    model : StoredModel
        What answers.
    values : tuple
        Validated values in schema order.

    Returns
    -------
    Contributions

    Raises
    ------
    UnsupportedModel
        If the model is not compiled, or has no reference.
    PredictionError
        If the model fails.
    """
    _refuse_unexplained(model)
    schema, form = model.schema, model.compiled.form
    try:
        if model.sampled is not None:
            found = model.sampled(values)
            probability, shares, scale = found.probability, found.shares, SAMPLED
        else:
            assert model.compiled.explain_one is not None
            assert form is not None
            probability, told = model.compiled.explain_one(values)
            found, shares, scale = None, np.array(told), form.scale
    except Exception as error:  # its text may hold values of the record
        raise model.failed(error) from None
    if found is not None and not np.isfinite([probability, *shares]).all():
        raise model.no_probability()
    named = dict(zip(schema.names, shares.tolist(), strict=True))
    errors = None if found is None else dict(zip(schema.names, found.errors.tolist(), strict=True))
    return Contributions(float(probability), scale, schema.named(values), named, errors)


def _refuse_unexplained(model: StoredModel) -> None:
    compiled = model.compiled.form is not None
    if model.sampled is None and (not compiled or model.compiled.reference is None):
        advice = "" if compiled else ": it is not compiled; reasons='sampled' estimates them"
        raise UnsupportedModel(f"{model.identity} gives no contributions{advice}")


def explain_rows(model: StoredModel, frame: Any, scale: Scale | None) -> tuple[pd.DataFrame, Floats, Floats]:
    """Give the scores of every row, and each field's contributions to them.

    Parameters
    ----------
    model : StoredModel
        What answers.
    frame : DataFrame or ndarray
        One applicant a row.
    scale : {'log-odds', 'probability'}, optional
        Of scores and contributions; the model's own when not given.

    Returns
    -------
    table : DataFrame
        The rows, each column under the name that the schema knows.
    scores : ndarray of float64, shape (n_rows,)
    shares : ndarray of float64, shape (n_fields, n_rows)

    Raises
    ------
    InvalidFrame, UnsupportedModel, PredictionError, ValueError
        As `Scorer.explain_frame`.
    """
    if scale is not None and scale not in SCALES:
        raise ValueError(f"scale: one of {', '.join(SCALES)} was expected")
    _refuse_unexplained(model)
    if model.sampled is not None and scale == "log-odds":
        raise UnsupportedModel(f"{model.identity}: sampled contributions are on the scale of the probability")
    table = by_field(model, frame)
    reader = FrameReader(model.schema, table, model.compiled.used)
    scores, shares = np.zeros(len(table)), np.zeros((len(model.schema), len(table)))

    def explain(rows: slice) -> int:
        columns, bad = reader.read(rows)
        if bad.any():
            refuse_gaps(model, table.iloc[rows], np.where(bad, np.nan, 0.0))
        try:
            if model.sampled is None:
                scores[rows], shares[:, rows] = model.compiled.explain(columns, scale)
            else:
                for place, row in zip(range(len(table))[rows], rows_of(model.schema, columns), strict=True):
                    found = model.sampled(row)
                    scores[place], shares[:, place] = found.probability, found.shares
        except Exception as error:  # its text may hold values of a row
            raise model.failed(error) from None
        return len(bad)

    for _ in each_chunk(explain, len(table), parallel=model.compiled.compiled):
        pass
    return table, scores, shares
