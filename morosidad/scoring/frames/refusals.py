"""Why rows of a frame have no decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad._dataframes import as_pandas
from morosidad._typing import Floats
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.frames.records import records_of
from morosidad.scoring.frames.unusual_rows import UnusualRows
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd


def refuse_gaps(model: StoredModel, frame: Any, found: Floats) -> None:
    """Raise what is wrong with the rows that have no probability, if there are any.

    Parameters
    ----------
    model : StoredModel
        What answered.
    frame : DataFrame
        One applicant a row.
    found : ndarray of float64, shape (n_rows,)
        The probability of each, NaN where there is none.

    Raises
    ------
    InvalidFrame
        If there are any: how many, and what is wrong with the first.
    PredictionError
        If nothing is wrong with it, and the model did not answer with a probability.
    """
    gaps = np.isnan(found)
    if gaps.any():
        first = int(gaps.argmax())
        why = row_errors(model, as_pandas(frame).iloc[[first]])[0]
        if isinstance(why, PredictionError):
            raise why
        message = (
            f"{int(gaps.sum())} of {len(gaps)} rows do not fit the schema; the first is row {first}: {why}"
        )
        raise InvalidFrame(message, [error.field for error in why.errors])


def row_errors(model: StoredModel, rows: pd.DataFrame) -> list[InvalidRecord | PredictionError]:
    """Find why each row of a frame has no probability.

    Parameters
    ----------
    model : StoredModel
        What answered.
    rows : DataFrame
        The rows without a probability.

    Returns
    -------
    list of InvalidRecord or PredictionError
        For each row: the schema refuses it, or the model gave none.
    """
    out: list[InvalidRecord | PredictionError] = []
    unusual = UnusualRows(model, rows, given=rows)
    for place, record in enumerate(records_of(model.schema, rows)):
        try:
            model.schema.read(record)
        except InvalidRecord as error:
            out.append(error)
        else:
            out.append(unusual.error(place) or model.no_probability())
    return out
