"""Records decided one by one, with what each needs of the model looked up once for all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from morosidad.errors import InvalidRecord
from morosidad.policy.decision import Decision, RecordError
from morosidad.schema.schema import Record
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.request import text_of_id
from morosidad.scoring.stored_model import StoredModel

FEW = 256
"""So many records and fewer are quicker one by one than in columns."""


def score_each(
    path: RecordPath,
    alone: StoredModel | None,
    records: Iterable[Record],
    ids: Iterable[str | None] | None = None,
    first: int = 0,
) -> list[Decision | RecordError]:
    """Decide on records one by one, no slower than as many calls of `Scorer.score_one`.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    alone : StoredModel or None
        The model, where there is nothing around it.
    records : iterable of records
        Each as the schema takes it.
    ids : iterable of (str or None), optional
        The ids of the requests.
    first : int, default=0
        The place of the first record among all.

    Returns
    -------
    list of Decision or RecordError
        In the order of the records.
    """
    answers: list[Decision | RecordError] = []
    if alone is not None:
        schema = alone.schema
        if ids is not None or schema.names_codes:
            return _each_with_names(alone, records, repeat(None) if ids is None else ids, first)
        read, answer = schema.read, alone.answer
        for record in records:
            try:
                answers.append(answer(*read(record)))
            except InvalidRecord as error:
                answers.append(RecordError(first + len(answers), error.errors))
        return answers
    score = path.score
    if ids is None:
        for record in records:
            try:
                answers.append(score(record))
            except InvalidRecord as error:
                answers.append(RecordError(first + len(answers), error.errors))
        return answers
    for record, request_id in zip(records, ids, strict=True):
        try:
            answers.append(score(record, request_id))
        except InvalidRecord as error:
            answers.append(RecordError(first + len(answers), error.errors))
    return answers


def _each_with_names(
    model: StoredModel, records: Iterable[Record], ids: Iterable[str | None], first: int
) -> list[Decision | RecordError]:
    answers: list[Decision | RecordError] = []
    read, answer, name, language = (
        model.schema.read,
        model.answer,
        model.reason_writer.with_names,
        model.language,
    )
    for record, request_id in zip(records, ids, strict=False):
        try:
            checked = None if request_id is None else text_of_id(request_id, language)
            values, warnings = read(record)
            answers.append(name(answer(values, warnings, checked), record))
        except InvalidRecord as error:
            answers.append(RecordError(first + len(answers), error.errors))
    return answers
