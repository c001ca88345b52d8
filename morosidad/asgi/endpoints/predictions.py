"""Endpoints that decide: one record, a batch, a form's live check, and what would change a decision."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from morosidad.asgi.endpoints.call import Call, Reply, reply
from morosidad.asgi.guards.bodies import decode, record_of
from morosidad.asgi.guards.questions import question_of
from morosidad.asgi.problems import bad_request, shortened, told
from morosidad.asgi.runtime.parts import without_parts
from morosidad.errors import FieldError, InvalidRecord
from morosidad.languages import Language, say
from morosidad.policy.decision import Decision, DecisionOutcome, RecordError
from morosidad.scoring.counterfactuals.result import Counterfactual

_encode = msgspec.json.encode
_MOST_ERRORS_OF_BATCH = 3000


class Validation(msgspec.Struct, frozen=True):
    """What the live check of a form answers."""

    valido: bool
    errores: tuple[FieldError, ...] = ()
    advertencias: tuple[str, ...] = ()


class RecordProblem(msgspec.Struct, frozen=True):
    """What stands in the place of a bad record of a batch."""

    indice: int
    errores: tuple[FieldError, ...]
    error: str
    codigo: Literal["E002"] = "E002"


class WouldChange(msgspec.Struct, frozen=True):
    """What is answered to the question what would change a decision.

    Attributes
    ----------
    decision : str
        The outcome as the record stands; what is approved needs no change.
    opciones : tuple of Counterfactual
        Cheapest first; none where none was found.
    modelo : str
        Who answers.
    tiempo_procesamiento : float
        Seconds.
    request_id : str
        Of the request.
    """

    decision: DecisionOutcome
    opciones: tuple[Counterfactual, ...]
    modelo: str
    tiempo_procesamiento: float
    request_id: str


async def predict(call: Call) -> Reply:
    """``POST /predecir``: one applicant."""
    record = record_of(decode(await call.body()))
    return Reply(decided(await call.service.score(record, call.request_id.decode()), call))


def decided(decision: Decision, call: Call) -> bytes:
    """Give the JSON of a decision: its own, with one more key at its end."""
    return b'%b,"tiempo_procesamiento":%.9f}' % (_encode(decision)[:-1], call.seconds())


async def predict_batch(call: Call) -> Reply:
    """``POST /predecir/lote``: a list in, a list out, in the same order."""
    found = decode(await call.body())
    limit = call.service.settings.server_batch_size
    if type(found) is not list:
        raise bad_request(told("no_list"))
    if len(found) > limit:
        raise bad_request(told("batch_too_large", limit=limit))
    service = call.service
    if len(found) > 1 and service.limiter is not None:  # the request itself was counted already
        await service.limiter.hit("score", call.client, len(found) - 1, refusal="batch_over_limit")
    records = [_as_record(item) for item in found]
    answers = _Answers(service.language)
    await service.score_batch(records, call.request_id.decode(), answers.take)
    return Reply(b"[%b]" % b",".join(answers.encoded))


class _Answers:
    """The answers to a batch, encoded one by one; after many errors only the first of each record stands."""

    def __init__(self, language: Language) -> None:
        self.encoded: list[bytes] = []
        self._language: Language = language
        self._left = _MOST_ERRORS_OF_BATCH

    def take(self, found: Decision | RecordError) -> None:
        """Take the answer for the next record."""
        if isinstance(found, RecordError):
            errors = shortened(found.errors, max(1, min(len(found.errors), self._left)), self._language)
            self._left -= len(errors)
            self.encoded.append(
                _encode(RecordProblem(found.index, errors, say(self._language, "server.invalid")))
            )
        else:
            self.encoded.append(_encode(found))


async def check(call: Call) -> Reply:
    """``POST /validar``: what is wrong with a record, as ``/predecir`` would say it."""
    record = record_of(decode(await call.body()))
    try:
        _, warnings = call.service.scorer.schema.read(record)
    except InvalidRecord as error:
        return reply(Validation(False, error.errors))
    return reply(Validation(True, (), warnings))


async def what_would_change(call: Call) -> Reply:
    """``POST /que-cambiaria``: the least changes after which an applicant would be approved."""
    service = call.service
    scorer = without_parts(service.scorer)  # one model to the end, whatever is reloaded meanwhile
    question = question_of(decode(await call.body()), scorer.schema)
    limiter = service.limiter
    if limiter is not None and limiter.per_minute > 1:  # as one decision it was counted already
        further = min(question.cost, limiter.per_minute) - 1
        await limiter.hit("score", call.client, further, refusal="question_over_limit")
    before, found = await service.what_would_change(scorer, question)
    return reply(WouldChange(before.outcome, found, before.model, call.seconds(), call.request_id.decode()))


def _as_record(item: Any) -> Any:
    """Let only objects be records: a text would be taken for JSON once more."""
    return item if type(item) is dict else _Nothing()


class _Nothing:
    """Stands for what is no record."""
