"""Scoring data frames: many applicants at once, without a loop over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.pipeline import each_chunk, rows_of
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.frames.reading import Floats, FrameReader, as_pandas, read_frame, records_of
from morosidad.policy.decision import OUTCOMES
from morosidad.progress import tqdm_for
from morosidad.scoring.model import Model
from morosidad.scoring.record_path import Way

if TYPE_CHECKING:
    import pandas as pd


def probabilities(model: Model, frame: Any, *, progress: bool = False) -> Floats:
    """Give the probability of default of every row, NaN where the schema refuses it.

    The frame is read in chunks, on all cores where that pays, so that what is needed besides it
    stays bounded. An original that is not compiled is asked chunk by chunk, and uses what cores it will.
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


def refuse_gaps(model: Model, frame: Any, found: Floats) -> None:
    """Say what is wrong with the rows that have no probability.

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


def row_errors(model: Model, rows: pd.DataFrame) -> list[InvalidRecord | PredictionError]:
    """Say why each row of a frame has no probability: the schema refuses it, or the model gave none."""
    out: list[InvalidRecord | PredictionError] = []
    for record in records_of(model.schema, rows):
        try:
            model.schema.read(record)
        except InvalidRecord as error:
            out.append(error)
        else:
            out.append(model.no_probability())
    return out


def score_frame(way: Way, frame: Any, *, reasons: bool, errors: str, progress: bool) -> pd.DataFrame:
    """Decide on a frame's rows; see `Scorer.score_frame`."""
    import pandas as pd

    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    model, start = way.model, way.clock()
    table = as_pandas(frame)
    found = probabilities(model, table, progress=progress)
    if errors == "raise":
        refuse_gaps(model, table, found)
    known = ~np.isnan(found)
    told = _tell(way, table, known, found, way.clock() - start, reasons)
    out = pd.DataFrame(_results(model, found), index=table.index)
    if reasons:
        texts = iter(told)
        cells = [next(texts) if good else None for good in known]
        out["reasons"] = pd.Series(cells, index=out.index, dtype=object)
    return out


def _tell(
    way: Way, table: pd.DataFrame, known: NDArray[np.bool_], found: Floats, seconds: float, reasons: bool
) -> list[list[str]]:
    """Count, watch and log the decisions; give their reasons. A log wants each decision whole."""
    model = way.model
    if not reasons and all(part is None for part in (way.kpis, way.audit, way.drift)):
        return []
    rows, found = (table, found) if known.all() else (table[known], found[known])
    if way.audit is not None:
        decided = [way.decide(record) for record in records_of(model.schema, rows)]
        return [[reason.text for reason in decision.reasons] for decision in decided]
    if way.kpis is not None and len(found):
        labels = (found > model.compiled.threshold).astype(np.int8)
        numbers = np.bincount(_bands(model, found), minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        way.kpis.record_many(seconds, found, labels=labels, decisions=decisions)
    if way.drift is None and not reasons:
        return []
    values = rows_of(model.schema, read_frame(model.schema, rows)[0])
    if way.drift is not None:
        for row, probability in zip(values, found.tolist(), strict=True):
            way.drift.observe(row, probability)
    return [[reason.text for reason in model.decide(row).reasons] for row in values] if reasons else []


def _bands(model: Model, probability: NDArray[np.float64]) -> NDArray[np.int8]:
    """Give the place of each outcome among `OUTCOMES`."""
    policy = model.policy
    return (probability >= policy.review_at).astype(np.int8) + (probability >= policy.decline_at)


def _results(model: Model, probability: NDArray[np.float64]) -> dict[str, Any]:
    import pandas as pd

    known = ~np.isnan(probability)
    with np.errstate(invalid="ignore"):
        band = _bands(model, probability)
        label = (probability > model.compiled.threshold).astype(np.int8)
    codes: NDArray[np.int8] = np.where(known, band, np.int8(-1))
    outcome = pd.Categorical.from_codes(codes, categories=pd.Index(OUTCOMES))
    return {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }
