"""Scoring data frames: many applicants at once, without a loop over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.pipeline import rows_of
from morosidad.errors import InvalidFrame, InvalidRecord
from morosidad.model import Model
from morosidad.schema import Schema
from morosidad.tables import Column, as_pandas, read_frame
from morosidad.way import Way

if TYPE_CHECKING:
    import pandas as pd

STEP = 262_144


def readable_columns(schema: Schema, frame: Any) -> list[Column]:
    """Read a frame whose every row must fit the schema.

    Raises
    ------
    InvalidFrame
        If columns are missing, or rows are refused: how many, and what is wrong with the first.
    """
    table = as_pandas(frame)
    columns, bad = read_frame(schema, table)
    if bad.any():
        first = int(bad.argmax())
        why = row_errors(schema, table.iloc[[first]])[0]
        raise InvalidFrame(
            f"{int(bad.sum())} of {len(bad)} rows do not fit the schema; the first is row {first}: {why}",
            [error.field for error in why.errors],
        )
    return columns


def row_errors(schema: Schema, rows: pd.DataFrame) -> list[InvalidRecord]:
    """Say what is wrong with each row of a frame of refused rows."""
    known = {*schema.names, *(alias for field in schema.fields for alias in field.aliases)}
    out: list[InvalidRecord] = []
    for record in rows[[column for column in rows.columns if column in known]].to_dict("records"):
        try:
            schema.read(record)
        except InvalidRecord as error:
            out.append(error)
        else:
            out.append(InvalidRecord([]))
    return out


def score_frame(way: Way, frame: Any, *, reasons: bool, errors: str, progress: bool) -> pd.DataFrame:
    """Decide on a frame's rows; see `Scorer.score_frame`."""
    import pandas as pd

    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    model = way.model
    table = as_pandas(frame)
    if errors == "raise":
        columns, bad = readable_columns(model.schema, table), np.zeros(len(table), dtype=bool)
    else:
        columns, bad = read_frame(model.schema, table)
    columns = [column[~bad] for column in columns] if bad.any() else columns
    probability = np.full(len(table), np.nan)
    if way.audit is None:
        probability[~bad] = _predict(way, columns, progress)
    else:
        rows = rows_of(model.schema, columns)
        probability[~bad] = [way.decide_values(row).probability for row in rows]
    out = pd.DataFrame(_results(model, probability), index=table.index)
    if reasons:
        out["reasons"] = pd.Series(_reasons(model, columns, bad), index=out.index, dtype=object)
    return out


def _predict(way: Way, columns: list[Column], progress: bool) -> NDArray[np.float64]:
    n, model = len(columns[0]), way.model
    start = way.clock()
    probability = _in_steps(model, columns, n) if progress else model.compiled.predict(columns)
    if way.kpis is not None and n:
        labels = (probability > model.compiled.threshold).astype(np.int8)
        way.kpis.record_many(way.clock() - start, probability, labels=labels)
    if way.drift is not None:
        for row, p in zip(rows_of(model.schema, columns), probability.tolist(), strict=True):
            way.drift.observe(row, p)
    return probability


def _in_steps(model: Model, columns: list[Column], n: int) -> NDArray[np.float64]:
    from tqdm.auto import tqdm

    parts = []
    with tqdm(total=n, unit=" filas", unit_scale=True) as bar:
        for start in range(0, n, STEP):
            part = [column[start : start + STEP] for column in columns]
            parts.append(model.compiled.predict(part))
            bar.update(len(part[0]))
    return np.concatenate(parts) if parts else np.empty(0)


def _results(model: Model, probability: NDArray[np.float64]) -> dict[str, Any]:
    import pandas as pd

    known = ~np.isnan(probability)
    policy = model.policy
    with np.errstate(invalid="ignore"):
        band = (probability >= policy.review_at).astype(np.int8) + (probability >= policy.decline_at)
        label = (probability > model.compiled.threshold).astype(np.int8)
    codes: NDArray[np.int8] = np.where(known, band, np.int8(-1))
    outcome = pd.Categorical.from_codes(codes, categories=pd.Index(["aprobar", "revisar", "rechazar"]))
    return {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }


def _reasons(model: Model, columns: list[Column], bad: NDArray[np.bool_]) -> list[list[str] | None]:
    told = iter(
        [[reason.text for reason in model.decide(row).reasons] for row in rows_of(model.schema, columns)]
    )
    return [None if refused else next(told) for refused in bad]
