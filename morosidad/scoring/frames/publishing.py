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
from morosidad.scoring.frames.frame_rules import FrameRules
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
    rules : FrameRules, optional
        What the rules of the policy decide about each row, where it has any and that was asked.
    """

    table: pd.DataFrame
    probabilities: Floats
    labels: NDArray[np.bool_]
    warnings: list[tuple[str, ...]] | None
    reader: FrameReader
    rules: FrameRules | None = None

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Which rows have a decision: a probability, or a rule that declines without one."""
        scored: NDArray[np.bool_] = ~np.isnan(self.probabilities)
        return scored if self.rules is None else scored | (self.rules.outcomes >= 0)

    def outcome_codes(self, model: StoredModel) -> NDArray[np.int8]:
        """Give the place in `OUTCOMES` of each row's outcome; -1 where it has no decision.

        Parameters
        ----------
        model : StoredModel
            What answered.

        Returns
        -------
        ndarray of int8, shape (n_rows,)
        """
        with np.errstate(invalid="ignore"):
            codes = model.policy.outcome_codes(self.probabilities)
        if self.rules is not None:
            return self.rules.outcomes
        found: NDArray[np.int8] = np.where(self.decided, codes, np.int8(-1))
        return found


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
    known = np.flatnonzero(answers.decided)
    _count(path, active, answers, known, seconds)
    if not reasons and path.audit is None and active.drift is None:
        return []
    texts: list[list[str]] = []
    for chunk in _chunks(active, answers, explain=reasons or path.audit is not None):
        if active.drift is not None:
            found = answers.probabilities[chunk.places].tolist()
            for row, probability in zip(chunk.rows, found, strict=True):
                if probability == probability:  # a rule may decline without one
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
        codes = answers.outcome_codes(active.model)[known]
        numbers = np.bincount(codes, minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        path.kpis.record_many(seconds, found, labels=labels, decisions=decisions)


def _chunks(active: ActiveModel, answers: FrameAnswers, *, explain: bool) -> Iterator[_Chunk]:
    model, known = active.model, answers.decided
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
    reasons = None
    if explain and (model.explains or model.rules is not None):
        reasons = _reasons(model, answers, places, columns, rows)
    return _Chunk(places, values, rows, reasons)


def _reasons(
    model: StoredModel,
    answers: FrameAnswers,
    places: NDArray[np.intp],
    columns: Sequence[Column],
    rows: Sequence[Row],
) -> ReasonTable:
    nothing = (np.nan,) * len(columns)
    scored = ~np.isnan(answers.probabilities[places]) & model.explains
    found = [
        (model.estimate(row)[1] if asked else ()) or nothing for row, asked in zip(rows, scored, strict=True)
    ]
    shares: Floats = np.array(found, dtype=np.float64)
    reasons = model.reason_writer.table(columns, shares, model.policy.max_reasons)
    if model.schema.names_codes:
        reasons = model.reason_writer.name_codes(
            reasons, records_of(model.schema, answers.table.iloc[places])
        )
    if model.rules is None or answers.rules is None:
        return reasons
    kinds = model.rules.reasons(tuple(range(2 * len(model.rules.rules))), model.language)
    return reasons.after_rules(kinds, answers.rules.fired[places].tolist())


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
        outcomes=[OUTCOMES[code] for code in answers.outcome_codes(model)[places].tolist()],
        warnings=[warnings[place] for place in places.tolist()],
        seconds=seconds,
        reasons=chunk.reasons,
        request_ids=None if ids is None else [ids[place] for place in places.tolist()],
        rules=None if answers.rules is None else answers.rules.codes(model)[places].tolist(),
    )
