"""HTTP responses: their heads, error documents, and the logs of access and of admin actions."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from starlette.types import Send

from morosidad.asgi.endpoints.call import HTML, JSON, Call, Headers, Reply
from morosidad.asgi.problems import ErrorDocument, Problem, problem_of, said, source_of
from morosidad.asgi.runtime.logs import write_action

_logger = logging.getLogger("morosidad.asgi")
_access_logger = logging.getLogger("morosidad.asgi.access")

_BASE: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_BASE_LINES = b"".join(b"%b: %b\r\n" % header for header in _BASE)
_defaults: tuple[Headers, bytes] = ((), b"")  # of the last answer that was written as bytes, and their lines
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


async def respond(call: Call, answer: Reply, send: Send) -> None:
    """Send an answer, and log it where that is wanted."""
    body = answer.body
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.media_type),
                (b"content-length", b"%d" % len(body)),
                (b"x-request-id", call.request_id),
                *(answer.headers if answer.media_type is HTML else (*_BASE, *answer.headers)),
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if call.scope["method"] == "HEAD" else body})
    if call.service.settings.server_access_log:
        line = {
            "hora": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "metodo": call.scope["method"],
            "ruta": call.path,
            "estado": answer.status,
            "segundos": round(call.seconds(), 6),
            "cliente": call.client,
            "direccion": call.service.access.client(call.scope),
            "request_id": call.request_id.decode(),
        }
        _access_logger.info("%s", msgspec.json.encode(line).decode())


def head_of(answer: Reply, request_id: bytes, default_headers: Headers) -> bytes:
    """Give the head of an answer in JSON, as `respond` has the server write it."""
    global _defaults
    if default_headers is not _defaults[0]:  # the server makes them anew once a second
        _defaults = default_headers, _lines(default_headers)
    return b"HTTP/1.1 %d %b\r\n%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n%b%b\r\n" % (
        answer.status,
        _PHRASES[answer.status],
        _defaults[1],
        answer.media_type,
        len(answer.body),
        request_id,
        _BASE_LINES,
        _lines(answer.headers) if answer.headers else b"",
    )


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def refusal(error: Exception, call: Call) -> Reply:
    """Count and make the error document of an exception; what was not foreseen is logged without its text."""
    problem = problem_of(error)
    call.service.refused[call.path, problem.code] += 1
    if problem.status == 500 and not isinstance(error, Problem):
        _logger.error("%s at %s", source_of(error), call.path)
    message, errors = said(problem, call.service.language)
    document = ErrorDocument(
        error=message,
        codigo=problem.code,
        errores=errors,
        tiempo_procesamiento=call.seconds(),
        request_id=call.request_id.decode(),
    )
    return Reply(msgspec.json.encode(document), problem.status, JSON, problem.headers)


def log_action(call: Call, action: str, before: str, after: str, answer: Reply) -> None:
    """Write who did what, from where, from which model or settings to which, and what came of it.

    Parameters
    ----------
    call : Call
        The request; its client is the name of the key, or the address where none was accepted.
    action : str
        What was asked for.
    before, after : str
        Digests of the model that was served, or of the settings, when it was asked for and now.
    answer : Reply
        What is answered.
    """
    write_action(
        action,
        who=call.client,
        address=call.service.access.client(call.scope),
        before=before,
        after=after,
        status=answer.status,
        request_id=call.request_id.decode(),
    )
