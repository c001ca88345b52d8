"""What becomes of a scored frame: key figures, drift, reasons and the decision log, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler.pipeline import CHUNK_ROWS, values_of
from morosidad.frames.reading import Column, FrameReader
from morosidad.frames.records import records_of
from morosidad.policy.decision import OUTCOMES
from morosidad.policy.reasons import ReasonTable
from morosidad.schema.field import Row, Value
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.request import ActiveModel
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.audit import DecisionTable


class FrameAnswers(NamedTuple):
    """What the model answered about the rows of a frame.

    Attributes
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The rows, each column under the name that the schema knows.
    probabilities : ndarray of float64, shape (n_rows,)
        Of default; NaN where the schema or the model refuses the row.
    labels : ndarray of bool, shape (n_rows,)
        Whether the label is that of default; False where there is no probability.
    warnings : list of tuple of str, or None
        What is unusual about each row, where that was asked.
    reader : FrameReader
        Reads the rows, `CHUNK_ROWS` at a time.
    """

    table: pd.DataFrame
    probabilities: Floats
    labels: NDArray[np.bool_]
    warnings: list[tuple[str, ...]] | None
    reader: FrameReader


_ROWS = 2048  # at a time, so that they stay in the processor's cache


class _Chunk(NamedTuple):
    """Some of the rows that have an answer."""

    places: NDArray[np.intp]
    values: list[list[Value]]  # one list for each field
    rows: list[Row]
    reasons: ReasonTable | None


def publish(
    path: RecordPath,
    active: ActiveModel,
    answers: FrameAnswers,
    seconds: float,
    ids: Sequence[str | None] | None = None,
    *,
    reasons: bool,
) -> list[list[str]]:
    """Count, watch and log the decisions on a frame.

    Parameters
    ----------
    path : RecordPath
        The parts around the model.
    active : ActiveModel
        What answered.
    answers : FrameAnswers
        What the model answered.
    seconds : float
        How long that took.
    ids : sequence of (str or None), optional
        The id of each row.
    reasons : bool
        Whether the texts of the reasons are wanted.

    Returns
    -------
    list of list of str
        The texts of each row that has an answer, where they are wanted.
    """
    known = np.flatnonzero(~np.isnan(answers.probabilities))
    _count(path, active, answers, known, seconds)
    if not reasons and path.audit is None and active.drift is None:
        return []
    texts: list[list[str]] = []
    for chunk in _chunks(active, answers, explain=reasons or path.audit is not None):
        if active.drift is not None:
            found = answers.probabilities[chunk.places].tolist()
            for row, probability in zip(chunk.rows, found, strict=True):
                active.drift.observe(row, probability)
        if path.audit is not None and active.audit_context is not None:
            table = _decisions(active.model, answers, chunk, seconds / len(known), ids)
            path.audit.append_many(active.audit_context, table)
        if reasons:
            texts += _texts(active.model, chunk)
    return texts


def _texts(model: StoredModel, chunk: _Chunk) -> list[list[str]]:
    if chunk.reasons is None:
        return [[]] * len(chunk.places)
    return model.reason_writer.show_values(chunk.reasons, chunk.rows).texts()


def _count(
    path: RecordPath, active: ActiveModel, answers: FrameAnswers, known: NDArray[np.intp], seconds: float
) -> None:
    if path.kpis is not None and len(known):
        found, labels = answers.probabilities[known], answers.labels[known].astype(np.int8)
        numbers = np.bincount(active.model.policy.outcome_codes(found), minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        path.kpis.record_many(seconds, found, labels=labels, decisions=decisions)


def _chunks(active: ActiveModel, answers: FrameAnswers, *, explain: bool) -> Iterator[_Chunk]:
    model, known = active.model, ~np.isnan(answers.probabilities)
    for start in range(0, len(known), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        places = np.flatnonzero(known[part])
        columns = answers.reader.read(part)[0] if len(places) else []
        for first in range(0, len(places), _ROWS):
            some = places[first : first + _ROWS]
            yield _chunk(model, answers, [column[some] for column in columns], start + some, explain)


def _chunk(
    model: StoredModel,
    answers: FrameAnswers,
    columns: list[Column],
    places: NDArray[np.intp],
    explain: bool,
) -> _Chunk:
    values = [values_of(field, column) for field, column in zip(model.schema.fields, columns, strict=True)]
    rows: list[Row] = list(zip(*values, strict=True))
    explained = explain and model.explains
    reasons = _reasons(model, answers.table, places, columns, rows) if explained else None
    return _Chunk(places, values, rows, reasons)


def _reasons(
    model: StoredModel,
    table: pd.DataFrame,
    places: NDArray[np.intp],
    columns: Sequence[Column],
    rows: Sequence[Row],
) -> ReasonTable:
    nothing = (np.nan,) * len(columns)
    shares: Floats = np.array([model.estimate(row)[1] or nothing for row in rows], dtype=np.float64)
    reasons = model.reason_writer.table(columns, shares, model.policy.max_reasons)
    if not model.schema.names_codes:
        return reasons
    return model.reason_writer.name_codes(reasons, records_of(model.schema, table.iloc[places]))


def _decisions(
    model: StoredModel,
    answers: FrameAnswers,
    chunk: _Chunk,
    seconds: float,
    ids: Sequence[str | None] | None,
) -> DecisionTable:
    from morosidad.audit import DecisionTable

    places = chunk.places
    probabilities = answers.probabilities[places]
    warnings = answers.warnings or [()] * len(answers.probabilities)
    return DecisionTable(
        values=chunk.values,
        probabilities=probabilities,
        labels=answers.labels[places].astype(np.int8),
        outcomes=[OUTCOMES[code] for code in model.policy.outcome_codes(probabilities).tolist()],
        warnings=[warnings[place] for place in places.tolist()],
        seconds=seconds,
        reasons=chunk.reasons,
        request_ids=None if ids is None else [ids[place] for place in places.tolist()],
    )
