"""What becomes of a scored frame: key figures, drift, reasons and the decision log, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler.pipeline import CHUNK_ROWS, values_of
from morosidad.frames.reading import Column, FrameReader
from morosidad.frames.records import records_of
from morosidad.policy.decision import OUTCOMES, Score
from morosidad.policy.reason_table import ReasonTable, no_reasons
from morosidad.schema.field import Row, Value
from morosidad.scoring.frames.explaining import explain_rows
from morosidad.scoring.frames.frame_rules import FrameRules
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.request import ActiveModel
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd


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
    points : ndarray of float64, shape (n_rows,), optional
        NaN where there is no probability; where the policy gives points and that was asked.
    """

    table: pd.DataFrame
    probabilities: Floats
    labels: NDArray[np.bool_]
    warnings: list[tuple[str, ...]] | None
    reader: FrameReader
    rules: FrameRules | None = None
    points: Floats | None = None

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


_EVERY = slice(None)
_ROWS = 8192  # at a time, so that they stay in the processor's cache


class _Chunk:
    """Some of the rows that have an answer.

    Attributes
    ----------
    columns : list of (ndarray of float64, shape (n,), or Coded)
        Their validated values, one column for each field.
    places : ndarray of intp, shape (n,)
        Where they stand in the frame.
    reasons : ReasonTable, or None
        Why, where that is asked.
    """

    def __init__(
        self,
        model: StoredModel,
        answers: FrameAnswers,
        columns: list[Column],
        places: NDArray[np.intp],
        explain: bool,
    ) -> None:
        self._fields, self.columns, self.places = model.schema.fields, columns, places
        self.reasons: ReasonTable | None = None
        if explain and (model.explains or model.rules is not None):
            self.reasons = self._reasons(model, answers)

    @cached_property
    def values(self) -> list[list[Value]]:
        """One list for each field."""
        return [values_of(field, column) for field, column in zip(self._fields, self.columns, strict=True)]

    @cached_property
    def rows(self) -> list[Row]:
        """One tuple for each row."""
        return list(zip(*self.values, strict=True))

    def _reasons(self, model: StoredModel, answers: FrameAnswers) -> ReasonTable:
        scored = ~np.isnan(answers.probabilities[self.places]) & model.explains
        probabilities, shares = explain_rows(model, self.columns, lambda: self.rows, scored)
        if probabilities is not None:
            places = self.places[scored]
            answers.probabilities[places] = probabilities[scored]
            if not model.compiled.own_labels:
                answers.labels[places] = model.over_threshold(probabilities[scored])
            if answers.points is not None and model.model_points is not None:
                columns = [column[scored] for column in self.columns]
                answers.points[places] = model.model_points.of_many(columns, probabilities[scored])
        reasons = model.reason_writer.table(self.columns, shares, model.policy.max_reasons)
        if model.schema.names_codes:
            records = records_of(model.schema, answers.table.iloc[self.places])
            reasons = model.reason_writer.name_codes(reasons, records)
        if model.policy.show_values:
            reasons = model.reason_writer.show_values(reasons, self.rows)
        if model.rules is None or answers.rules is None:
            return reasons
        kinds = model.rules.reasons(tuple(range(2 * len(model.rules.rules))), model.language)
        return reasons.after_rules(kinds, answers.rules.fired(self.places))


class Decided(NamedTuple):
    """Decisions on some rows.

    Attributes
    ----------
    columns : sequence of (ndarray of float64, shape (n,), or Coded)
        The validated values, one column for each field.
    values : callable
        Gives the validated values, one list for each field.
    probabilities : ndarray of float64, shape (n,)
        Of default.
    labels : ndarray of int8, shape (n,)
        The predicted classes.
    codes : ndarray of int8, shape (n,)
        The places of the outcomes in `OUTCOMES`.
    warnings : sequence of tuple of str
        What is unusual about each row.
    reasons : ReasonTable, or None
        Why, where that was asked.
    ids : sequence of (str or None), or None
        The ids of the requests.
    rules : sequence of tuple of str, optional
        The codes of the rules that fired, where there are rules.
    points : sequence of (int, float or None), optional
        Where the policy gives any.
    """

    columns: Sequence[Column]
    values: Callable[[], list[list[Value]]]
    probabilities: Floats
    labels: NDArray[np.int8]
    codes: NDArray[np.int8]
    warnings: Sequence[tuple[str, ...]]
    reasons: ReasonTable | None
    ids: Sequence[str | None] | None
    rules: Sequence[tuple[str, ...]] | None = None
    points: Sequence[Score | None] | None = None


def publish(
    path: RecordPath,
    active: ActiveModel,
    answers: FrameAnswers,
    seconds: float,
    ids: Sequence[str | None] | None = None,
    *,
    reasons: bool,
) -> list[ReasonTable]:
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
        Whether the reasons are wanted.

    Returns
    -------
    list of ReasonTable
        The reasons of the rows that have an answer, one table after the other, where they are wanted.
    """
    known = np.flatnonzero(answers.decided)
    labels, codes = answers.labels[known].astype(np.int8), answers.outcome_codes(active.model)[known]
    count(path, answers.probabilities[known], labels, codes, seconds)
    if path.kpis is not None and answers.rules is not None:
        path.kpis.record_rules(answers.rules.counts())
    if not reasons and path.audit is None and active.drift is None:
        return []
    tables: list[ReasonTable] = []
    for chunk in _chunks(active, answers, explain=reasons or path.audit is not None):
        if path.audit is not None or active.drift is not None:
            watch_and_log(path, active, _decided(active.model, answers, chunk, ids), seconds / len(known))
        if reasons:
            tables.append(chunk.reasons or no_reasons(len(chunk.places)))
    return tables


def count(
    path: RecordPath,
    probabilities: Floats,
    labels: NDArray[np.int8],
    codes: NDArray[np.int8],
    seconds: float,
) -> None:
    """Count decisions.

    Parameters
    ----------
    path : RecordPath
        The parts around the model.
    probabilities : ndarray of float64, shape (n,)
        Of default.
    labels : ndarray of int8, shape (n,)
        The predicted classes.
    codes : ndarray of int8, shape (n,)
        The places of the outcomes in `OUTCOMES`.
    seconds : float
        How long all of them took.
    """
    if path.kpis is not None and len(labels):
        numbers = np.bincount(codes, minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        path.kpis.record_many(seconds, probabilities, labels=labels, decisions=decisions)


def watch_and_log(path: RecordPath, active: ActiveModel, decided: Decided, seconds: float) -> None:
    """Compare decided rows with the training data, and log the decisions.

    Parameters
    ----------
    path : RecordPath
        The parts around the model.
    active : ActiveModel
        What answered.
    decided : Decided
        The decisions.
    seconds : float
        How long each took.
    """
    if active.drift is not None:
        active.drift.observe_columns(decided.columns, decided.probabilities)
    if path.audit is not None and active.audit_context is not None:
        from morosidad.audit import DecisionTable

        table = DecisionTable(
            values=decided.values(),
            probabilities=decided.probabilities,
            labels=decided.labels,
            outcomes=[OUTCOMES[code] for code in decided.codes.tolist()],
            warnings=decided.warnings,
            seconds=seconds,
            reasons=decided.reasons,
            request_ids=decided.ids,
            rules=decided.rules,
            points=decided.points,
        )
        path.audit.append_many(active.audit_context, table)


def _decided(
    model: StoredModel, answers: FrameAnswers, chunk: _Chunk, ids: Sequence[str | None] | None
) -> Decided:
    places = chunk.places.tolist()
    warnings = answers.warnings or [()] * len(answers.probabilities)
    return Decided(
        chunk.columns,
        lambda: chunk.values,
        answers.probabilities[chunk.places],
        answers.labels[chunk.places].astype(np.int8),
        answers.outcome_codes(model)[chunk.places],
        [warnings[place] for place in places],
        chunk.reasons,
        None if ids is None else [ids[place] for place in places],
        None if answers.rules is None else answers.rules.codes()[chunk.places].tolist(),
        listed_points(model, answers.points, chunk.places),
    )


def listed_points(
    model: StoredModel, points: Floats | None, places: NDArray[np.intp] | slice = _EVERY
) -> list[Score | None] | None:
    """Give the points of some rows as decisions hold them.

    Parameters
    ----------
    model : StoredModel
        What answered.
    points : ndarray of float64, shape (n_rows,), optional
        NaN where there are none.
    places : ndarray of intp, or slice
        The rows; by default all.

    Returns
    -------
    list of (int, float or None), or None
        None where the policy gives no points.
    """
    if points is None or model.policy.points is None:
        return None
    whole = model.policy.points.round
    return [None if x != x else int(x) if whole else x for x in points[places].tolist()]


def _chunks(active: ActiveModel, answers: FrameAnswers, *, explain: bool) -> Iterator[_Chunk]:
    model, known = active.model, answers.decided
    for start in range(0, len(known), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        places = np.flatnonzero(known[part])
        columns = answers.reader.read(part)[0] if len(places) else []
        for first in range(0, len(places), _ROWS):
            some = places[first : first + _ROWS]
            yield _Chunk(model, answers, [column[some] for column in columns], start + some, explain)
