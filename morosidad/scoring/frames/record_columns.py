"""Many records decided at once, column by column, each to the last bit as alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
from morosidad.scoring.request import text_of_id
from morosidad.scoring.stored_model import StoredModel

Answer = Decision | RecordError
_ROWS = 2048  # at a time, so that they stay in the processor's cache
_FEW = 192  # so many records and fewer are quicker one by one


class _Valid(NamedTuple):
    """The records that the schema takes: lists, as an object for each is more for the garbage collector."""

    places: list[int]
    rows: list[Row]
    warnings: list[tuple[str, ...]]
    ids: list[str | None]


def score_columns(
    path: RecordPath,
    pairs: Iterable[tuple[Record, str | None]],
    alone: Callable[[int, Record, str | None], Answer],
) -> Iterator[Answer]:
    """Decide on records, some thousands at a time where they can be decided in columns.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    pairs : iterable of (record, str or None)
        Each with its request id.
    alone : callable
        Decides on one record: its place, the record, its request id.

    Yields
    ------
    Decision or RecordError
        In the order of the records.
    """
    rest, first = iter(pairs), 0
    while _in_columns(path):
        records: list[Record] = []
        ids: list[str | None] = []
        for record, request_id in islice(rest, _ROWS):
            records.append(record)
            ids.append(request_id)
        if not records:
            return
        places = range(first, first + len(records))
        answers = _score(path, records, ids, places) if len(records) > _FEW else None
        yield from answers or map(alone, places, records, ids)
        first += len(records)
    for place, (record, request_id) in enumerate(rest, first):
        yield alone(place, record, request_id)


def _in_columns(path: RecordPath) -> bool:
    """Whether nothing but the model is asked about each record."""
    alone = path.cache is None and path.recovery is None and path.model.rules is None
    return alone and path.model.compiled.explains_alike


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
    reasons, points = None, model.model_points
    if model.explains:
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
