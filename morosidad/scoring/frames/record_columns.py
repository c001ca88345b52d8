"""Many records decided at once, column by column, each to the last bit as alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.errors import InvalidRecord, PredictionError
from morosidad.policy.decision import Decision, RecordError
from morosidad.schema.field import Row
from morosidad.schema.schema import Record
from morosidad.scoring.frames.publishing import Decided, count, listed_points, watch_and_log
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.request import FEW, score_each, text_of_id
from morosidad.scoring.stored_model import StoredModel

Answer = Decision | RecordError
_ROWS = 2048  # at a time, so that they stay in the processor's cache


class _Valid(NamedTuple):
    """The records that the schema takes: lists, as an object for each is more for the garbage collector."""

    places: list[int]
    rows: list[Row]
    warnings: list[tuple[str, ...]]
    ids: list[str | None]


def score_records(
    path: RecordPath,
    records: Iterable[Record],
    ids: Iterable[str | None] | None,
    *,
    without_parts: bool,
) -> list[Answer]:
    """Decide on records, some thousands at a time where that can be done in columns and is quicker.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    records : iterable of records
        Each as the schema takes it.
    ids : iterable of (str or None), optional
        The ids of the requests, one for each record.
    without_parts : bool
        Whether there is nothing around the model.

    Returns
    -------
    list of Decision or RecordError
        In the order of the records.

    Raises
    ------
    ValueError
        If there are more or fewer ids than records.
    """
    answers: list[Answer] = []
    pairs = zip(records, repeat(None)) if ids is None else zip(records, ids, strict=True)
    while some := list(islice(pairs, _ROWS if _in_columns(path) else FEW)):
        asked = [record for record, _ in some]
        names = None if ids is None else [request_id for _, request_id in some]
        first, found = len(answers), None
        if len(some) > FEW:
            found = _score(path, asked, names or [None] * len(some), range(first, first + len(some)))
        answers += found or score_each(path.score, path.model if without_parts else None, asked, names, first)
    return answers


def _in_columns(path: RecordPath) -> bool:
    """Whether nothing but the model is asked about each record, and columns are quicker."""
    alone = path.cache is None and path.recovery is None and path.model.rules is None
    return alone and path.model.explains and path.model.compiled.explains_alike


def _score(
    path: RecordPath, records: list[Record], ids: list[str | None], places: range
) -> list[Answer] | None:
    """Decide on some records; None where the model fails on one, which is found when each is asked alone."""
    start, active = path.clock(), path.active
    model = active.model
    valid, answers = _read(model, records, ids, places)
    try:
        decided = _decide(model, valid, records)
    except PredictionError:
        return None
    if decided is None:
        return None
    for place, decision in zip(valid.places, _decisions(model, decided), strict=True):
        answers[place] = decision
    seconds = path.clock() - start
    count(path, decided.probabilities, decided.labels, decided.codes, seconds)
    watch_and_log(path, active, decided, seconds / max(len(valid.rows), 1))
    return answers


def _read(
    model: StoredModel, records: list[Record], ids: list[str | None], places: range
) -> tuple[_Valid, list[Any]]:
    valid = _Valid([], [], [], [])
    answers: list[Any] = [None] * len(records)
    for place, (record, request_id) in enumerate(zip(records, ids, strict=True)):
        try:
            checked = None if request_id is None else text_of_id(request_id, model.language)
            values, warnings = model.schema.read(record)
        except InvalidRecord as error:
            answers[place] = RecordError(places[place], error.errors)
            continue
        valid.places.append(place)
        valid.rows.append(values)
        valid.warnings.append(warnings)
        valid.ids.append(checked)
    return valid, answers


def _decide(model: StoredModel, valid: _Valid, records: list[Record]) -> Decided | None:
    columns = ColumnBatch.of_records(valid.rows, len(model.schema)).columns
    try:
        probabilities, shares = model.compiled.explain_alike(columns)
    except Exception as error:  # its text may hold values of a record
        raise model.failed(error) from None
    if not ((probabilities >= 0.0) & (probabilities <= 1.0)).all():
        return None
    points = model.model_points
    reasons = model.reason_writer.table(columns, shares, model.policy.max_reasons)
    reasons = model.reason_writer.name_codes(reasons, [records[place] for place in valid.places])
    reasons = model.reason_writer.show_values(reasons, valid.rows)
    return Decided(
        columns,
        lambda: [[row[field] for row in valid.rows] for field in range(len(columns))],
        probabilities,
        np.asarray(model.over_threshold(probabilities)).astype(np.int8),
        model.policy.outcome_codes(probabilities),
        valid.warnings,
        reasons,
        valid.ids,
        None,
        None if points is None else listed_points(model, points.of_many(columns, probabilities)),
    )


def _decisions(model: StoredModel, decided: Decided) -> Iterator[Decision]:
    assert decided.ids is not None
    return map(
        model.decision,
        decided.labels.tolist(),
        decided.probabilities.tolist(),
        repeat(()) if decided.reasons is None else decided.reasons.reasons(),
        decided.warnings,
        decided.ids,
        repeat(None) if decided.points is None else decided.points,
    )
