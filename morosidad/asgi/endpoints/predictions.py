"""Endpoints that decide: one record, a batch, and a form's live check."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from morosidad.asgi.endpoints.call import Call, Reply, reply
from morosidad.asgi.guards.bodies import decode, record_of
from morosidad.asgi.problems import bad_request, told
from morosidad.errors import FieldError, InvalidRecord
from morosidad.languages import Language, say
from morosidad.policy.decision import Decision, RecordError

_encode = msgspec.json.encode


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
    records = [_as_record(item) for item in found]
    decided = await call.service.score_batch(records, call.request_id.decode())
    language = call.service.language
    return reply([_in_place(item, language) for item in decided])


async def check(call: Call) -> Reply:
    """``POST /validar``: what is wrong with a record, as ``/predecir`` would say it."""
    record = record_of(decode(await call.body()))
    try:
        _, warnings = call.service.scorer.schema.read(record)
    except InvalidRecord as error:
        return reply(Validation(False, error.errors))
    return reply(Validation(True, (), warnings))


def _as_record(item: Any) -> Any:
    """Let only objects be records: a text would be taken for JSON once more."""
    return item if type(item) is dict else _Nothing()


class _Nothing:
    """Stands for what is no record."""


def _in_place(found: Decision | RecordError, language: Language) -> Any:
    if isinstance(found, RecordError):
        return RecordProblem(found.index, found.errors, say(language, "server.invalid"))
    return found
