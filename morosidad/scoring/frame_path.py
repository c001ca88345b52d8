"""The path of a data frame: many applicants scored at once, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import as_pandas
from morosidad._typing import Floats
from morosidad.compiler.pipeline import each_chunk, rows_of
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.frames.reading import FrameReader, read_frame
from morosidad.frames.records import records_of
from morosidad.policy.decision import OUTCOMES
from morosidad.progress import tqdm_for
from morosidad.scoring.model import ScoringModel
from morosidad.scoring.record_path import RecordPath

if TYPE_CHECKING:
    import pandas as pd


def probabilities(model: ScoringModel, frame: Any, *, progress: bool = False) -> Floats:
    """Give the probability of default of every row.

    The frame is read in chunks, on all cores where that pays, so that what is needed besides it
    stays bounded. An original that is not compiled is asked chunk by chunk, and uses what cores it will.

    Parameters
    ----------
    model : ScoringModel
        What answers.
    frame : DataFrame
        One applicant a row.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where the schema refuses the row, or the model gave no probability.
    """
    table = as_pandas(frame)
    reader, found = FrameReader(model.schema, table), np.full(len(table), np.nan)

    def answer(rows: slice) -> int:
        columns, bad = reader.read(rows)
        columns = [column[~bad] for column in columns] if bad.any() else columns
        found[rows][~bad] = model.compiled.predict(columns)
        return len(bad)

    with tqdm_for(progress)(total=len(table), unit=" filas", unit_scale=True, disable=not progress) as bar:
        for done in each_chunk(answer, len(table), parallel=model.compiled.compiled):
            bar.update(done)
    return found


def refuse_gaps(model: ScoringModel, frame: Any, found: Floats) -> None:
    """Raise what is wrong with the rows that have no probability, if there are any.

    Parameters
    ----------
    model : ScoringModel
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


def row_errors(model: ScoringModel, rows: pd.DataFrame) -> list[InvalidRecord | PredictionError]:
    """Find why each row of a frame has no probability.

    Parameters
    ----------
    model : ScoringModel
        What answered.
    rows : DataFrame
        The rows without a probability.

    Returns
    -------
    list of InvalidRecord or PredictionError
        For each row: the schema refuses it, or the model gave none.
    """
    out: list[InvalidRecord | PredictionError] = []
    for record in records_of(model.schema, rows):
        try:
            model.schema.read(record)
        except InvalidRecord as error:
            out.append(error)
        else:
            out.append(model.no_probability())
    return out


def score_frame(path: RecordPath, frame: Any, *, reasons: bool, errors: str, progress: bool) -> pd.DataFrame:
    """Decide on a frame's rows; see `Scorer.score_frame`.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    frame, reasons, errors, progress
        As in `Scorer.score_frame`.

    Returns
    -------
    DataFrame
        As `Scorer.score_frame` gives it.
    """
    import pandas as pd

    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    model, start = path.model, path.clock()
    table = as_pandas(frame)
    found = probabilities(model, table, progress=progress)
    if errors == "raise":
        refuse_gaps(model, table, found)
    known = ~np.isnan(found)
    texts = iter(_publish(path, table, known, found, path.clock() - start, reasons))
    out = pd.DataFrame(_results(model, found), index=table.index)
    if reasons:
        cells = [next(texts) if good else None for good in known]
        out["reasons"] = pd.Series(cells, index=out.index, dtype=object)
    return out


def _publish(
    path: RecordPath,
    table: pd.DataFrame,
    known: NDArray[np.bool_],
    found: Floats,
    seconds: float,
    reasons: bool,
) -> list[list[str]]:
    """Count, watch and log the decisions; give the texts of their reasons."""
    model = path.model
    if not reasons and all(part is None for part in (path.kpis, path.audit, path.drift)):
        return []
    rows, found = (table, found) if known.all() else (table[known], found[known])
    if path.audit is not None:  # a log wants each decision whole
        decided = [path.score(record) for record in records_of(model.schema, rows)]
        return [[reason.text for reason in decision.reasons] for decision in decided]
    if path.kpis is not None and len(found):
        labels = model.over_threshold(found).astype(np.int8)
        numbers = np.bincount(model.policy.outcome_codes(found), minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        path.kpis.record_many(seconds, found, labels=labels, decisions=decisions)
    if path.drift is None and not reasons:
        return []
    values = rows_of(model.schema, read_frame(model.schema, rows)[0])
    if path.drift is not None:
        for row, probability in zip(values, found.tolist(), strict=True):
            path.drift.observe(row, probability)
    return [[reason.text for reason in model.answer(row).reasons] for row in values] if reasons else []


def _results(model: ScoringModel, probability: Floats) -> dict[str, Any]:
    import pandas as pd

    known = ~np.isnan(probability)
    with np.errstate(invalid="ignore"):
        codes = np.where(known, model.policy.outcome_codes(probability), np.int8(-1))
        label = model.over_threshold(probability).astype(np.int8)
    outcome = pd.Categorical.from_codes(codes, categories=pd.Index(OUTCOMES))
    return {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }
