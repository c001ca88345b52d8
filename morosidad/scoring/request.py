"""A validated record on the record path, and the active model that decides on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.errors import InvalidRecord
from morosidad.languages import Language
from morosidad.policy.decision import Decision, RecordError
from morosidad.schema.field import Row
from morosidad.schema.record_forms import field_error
from morosidad.schema.schema import Record
from morosidad.schema.values import is_text, plain
from morosidad.schema.wording import LONGEST
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    from morosidad.audit import AuditContext
    from morosidad.cache import TieredCache
    from morosidad.monitoring.drift import DriftMonitor


FEW = 256
"""So many records and fewer are quicker one by one than in columns."""


class ActiveModel(msgspec.Struct, frozen=True, eq=False):
    """A model in use, with what belongs to it alone.

    Attributes
    ----------
    model : StoredModel
        What answers.
    schema_digest : str
        Identity of the records that it reads.
    audit_context : AuditContext or None
        What the decision log says of it on every line.
    drift : DriftMonitor or None
        Compares its records with its reference.
    cache_name : str
        Whose decisions the cache holds, if there is one: the digests of model and policy, and the language
        of their texts where that is not Spanish.
    """

    model: StoredModel
    schema_digest: str
    audit_context: AuditContext | None
    drift: DriftMonitor | None
    cache_name: str

    def may_have_said(self, decision: Decision, values: Row) -> bool:
        """Tell whether a decision agrees with itself, with the policy and with the name of this model.

        Parameters
        ----------
        decision : Decision
            One that a cache holds.
        values : tuple
            Validated values in schema order. Rules are asked again: today's may not be yesterday's.

        Returns
        -------
        bool
            Reasons and warnings are not looked at.
        """
        model, both = self.model, decision.probabilities
        first = model.asked_first(values)
        if (both is None) != model.skips(first):
            return False
        if both is None:
            right, ruling = decision.label is None and decision.confidence is None, first
            right = right and decision.points is None
        elif not 0.0 <= both[1] <= 1.0:
            return False
        else:
            points = model.points(values, both[1])
            ruling = model.settle(values, both[1], first, points)
            right = (
                decision.points == points
                and both[0] == 1.0 - both[1]
                and decision.confidence == max(both)
                and (model.compiled.own_labels or decision.label == (both[1] > model.compiled.threshold))
            )
        return (
            right
            and decision.outcome == ruling.outcome
            and decision.rules == (() if model.rules is None else model.rules.codes(ruling.fired))
            and (decision.model, decision.policy) == (model.identity, model.policy_identity)
            and not decision.degraded
        )


class ScoringRequest(msgspec.Struct, eq=False, gc=False):
    """A validated record, with what its decision needs besides its values.

    Attributes
    ----------
    active : ActiveModel
        The model that validated it.
    values : tuple
        In the order of the schema.
    warnings : tuple of str
        What is unusual about them.
    request_id : str or None
        As the caller gave it.
    stage_seconds : dict of str to float, or None
        Where the time of each stage goes, if it is measured.
    """

    active: ActiveModel
    values: Row
    warnings: tuple[str, ...] = ()
    request_id: str | None = None
    stage_seconds: dict[str, float] | None = None

    @property
    def cache_key(self) -> tuple[str, Row]:
        """The model's identity and the values themselves, so that no other applicant has the same key."""
        return self.active.cache_name, self.values

    def answered_by(self, cache: TieredCache[Any, Any], found: object) -> Decision | None:
        """Answer with what a cache holds; it loses what the model could not have said.

        Parameters
        ----------
        cache : TieredCache
            Where it was found; a tier of it may be shared with others.
        found : object
            What the cache holds under this request's key.

        Returns
        -------
        Decision or None
            None for what is no answer.
        """
        if isinstance(found, Decision) and self.active.may_have_said(found, self.values):
            return found.as_cached(self.request_id).made_by(self.active.model)
        cache.invalidate(self.cache_key)
        return None


def activated(model: StoredModel, drift: DriftMonitor | None, *, cached: bool, logged: bool) -> ActiveModel:
    """Put together a model in use, and what belongs to it alone.

    Parameters
    ----------
    model : StoredModel
        What answers.
    drift : DriftMonitor or None
        Compares its records with its reference.
    cached, logged : bool
        Whether a cache and a decision log need what they say of it.

    Returns
    -------
    ActiveModel
    """
    name = model.decision_digest if cached else ""
    if model.language != "es":
        name = f"{name}-{model.language}"
    return ActiveModel(model, model.schema.digest, audit_context(model) if logged else None, drift, name)


def audit_context(model: StoredModel) -> AuditContext:
    """Give what the decision log says of a model on every line.

    Parameters
    ----------
    model : StoredModel
        The model.

    Returns
    -------
    AuditContext
    """
    from morosidad.audit import AuditContext

    return AuditContext(
        model=model.name,
        version=model.version,
        digest=model.digest,
        schema=model.schema.version,
        policy=model.policy.version,
        cutoffs={"revisar": model.policy.review_at, "rechazar": model.policy.decline_at},
        fields=model.schema.names,
        policy_digest=model.policy.digest,
    )


def text_of_id(request_id: object, language: Language) -> str:
    """Give the id of a request as plain text, so that all that writes it later can.

    Parameters
    ----------
    request_id : object
        A text, perhaps of a subclass of `str` or a member of an enum.
    language : {'es', 'en', 'pt'}
        Of the error.

    Returns
    -------
    str

    Raises
    ------
    InvalidRecord
        If it is something else, longer than the longest text of a record, or holds a lone surrogate.
    """
    found = request_id if type(request_id) is str else plain(request_id)
    if not isinstance(found, str) or not is_text(found):
        raise InvalidRecord([field_error(language, "a_text", "tipo", "request_id")])
    if len(found) > LONGEST:
        raise InvalidRecord([field_error(language, "too_long", "rango", "request_id", longest=LONGEST)])
    return found


def score_few(
    score: Callable[..., Decision], alone: StoredModel | None, records: Sequence[Record]
) -> list[Decision | RecordError]:
    """Decide on a few records without ids of requests; as `score_each`."""
    answers: list[Decision | RecordError] = []
    if alone is None or alone.schema.names_codes:
        for record in records:
            try:
                answers.append(score(record))
            except InvalidRecord as error:
                answers.append(RecordError(len(answers), error.errors))
        return answers
    read, answer = alone.schema.read, alone.answer
    for record in records:
        try:
            values, warnings = read(record)
            answers.append(answer(values, warnings))
        except InvalidRecord as error:
            answers.append(RecordError(len(answers), error.errors))
    return answers


def score_each(
    score: Callable[..., Decision],
    alone: StoredModel | None,
    records: Iterable[Record],
    ids: Iterable[str | None] | None = None,
    first: int = 0,
) -> list[Decision | RecordError]:
    """Decide on records one by one, no slower than as many calls of `Scorer.score_one`.

    Parameters
    ----------
    score : callable
        Decides on one record, with all parts: `RecordPath.score`.
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
