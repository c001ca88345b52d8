"""One request: let in, handled, answered, whatever happens."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from starlette.types import Receive, Scope, Send

from morosidad.asgi.guards.bodies import ClientGone, check_media_type, read_body
from morosidad.asgi.guards.keys import Scope as Need
from morosidad.asgi.problems import (
    ErrorDocument,
    Problem,
    bad_request,
    problem_of,
    source_of,
    too_large,
    unavailable,
)

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_logger = logging.getLogger("morosidad.asgi")
_access_logger = logging.getLogger("morosidad.asgi.access")

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
Headers = Sequence[tuple[bytes, bytes]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_id_prefix = token_hex(6).encode()
_next_id = count(1).__next__
_BASE: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_BASE_LINES = b"".join(b"%b: %b\r\n" % header for header in _BASE)
_defaults: tuple[Headers, bytes] = ((), b"")  # of the last answer that was written as bytes, and their lines
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


class Call:
    """A request under way.

    Attributes
    ----------
    service : Service
        What answers.
    headers : dict
        The request's headers.
    route : str
        The path as the application knows it.
    request_id : bytes
        As the client gave it, or made.
    client : str
        Who asks, for limits and logs.
    started : float
        When it began, by `time.perf_counter`.
    """

    __slots__ = ("_receive", "client", "headers", "request_id", "route", "scope", "service", "started")

    def __init__(self, service: Service, route: str, scope: Scope, receive: Receive | None = None) -> None:
        self.started: float = time.perf_counter()
        self.service: Service = service
        self.route: str = route
        self.scope: Scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.client: str = ""
        given = self.headers.get(b"x-request-id")
        self.request_id: bytes = given if given and _REQUEST_ID.fullmatch(given) else _new_id()
        self._receive = receive

    async def body(self) -> bytes:
        """Read the body, within the limits; one that says to be no JSON is refused."""
        settings = self.service.settings
        limit = settings.server_body_size
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            raise too_large(limit)
        assert self._receive is not None, "who reads the body gives its channel"
        body = await read_body(self.scope, self._receive, limit, settings.server_read_timeout)
        kind = self.headers.get(b"content-type", JSON)
        if kind != JSON and body:
            check_media_type(kind)
        return body

    def admit(self, need: Need | None) -> None:
        """Find out who asks, and refuse who may not; None needs no key.

        Raises
        ------
        Problem
            E001, E401 or E403.
        """
        access = self.service.access
        client = self.client = access.client(self.scope)
        if need is None:
            access.check_place(self.headers, client)
            return
        self.client = access.check(self.headers, client, need)
        given = self.headers.get(b"x-request-id")
        if given is not None and given is not self.request_id:
            raise bad_request("X-Request-ID: se esperaban de 1 a 128 letras, cifras o . _ : -")

    def seconds(self) -> float:
        """Tell how long it has taken so far."""
        return time.perf_counter() - self.started


class Reply(NamedTuple):
    """What is answered."""

    body: bytes
    status: int = 200
    media_type: bytes = JSON
    headers: Headers = ()


def reply(document: Any, status: int = 200) -> Reply:
    """Answer with a document as JSON."""
    return Reply(msgspec.json.encode(document), status)


Handler = Callable[[Call], Awaitable[Reply]]


class Endpoint:
    """An ASGI application around a handler.

    Parameters
    ----------
    service : Service
        What answers.
    route : str
        The path.
    handler : coroutine function
        Takes the `Call`.
    need : str, optional
        The scope that a key must have; None for what anybody may see.
    kind : str, optional
        Which of the limits counts it; that of `need` by default.
    work : bool
        Whether it is refused while the server starts, stops or is overloaded.
    """

    def __init__(
        self,
        service: Service,
        route: str,
        handler: Handler,
        *,
        need: Need | None = None,
        kind: str | None = None,
        work: bool = False,
    ) -> None:
        self._service = service
        self._route = route
        self._handler = handler
        self._need: Need | None = need
        self._kind: str = kind or need or ""
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = Call(self._service, self._route, scope, receive)
        with self._service.spans.span(scope["method"], self._route, call.headers) as span:
            try:
                await self._admit(call)
                answer = await self._handler(call)
            except ClientGone:
                return
            except Exception as error:
                answer = refusal(error, call)
            if span is not None:
                span.answered(answer.status)
        await respond(call, answer, send)

    async def _admit(self, call: Call) -> None:
        service = self._service
        call.admit(self._need)
        if self._work and (reason := service.refuses()):
            raise unavailable(reason, close=service.stopping)
        if self._need is not None and service.limiter is not None:
            await service.limiter.hit(self._kind, call.client)


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
            "metodo": call.scope["method"],
            "ruta": call.route,
            "estado": answer.status,
            "segundos": round(call.seconds(), 6),
            "cliente": call.client,
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
    call.service.refused[call.route, problem.code] += 1
    if problem.status == 500 and not isinstance(error, Problem):
        _logger.error("%s en %s", source_of(error), call.route)
    document = ErrorDocument(
        error=problem.message,
        codigo=problem.code,
        errores=problem.errors,
        tiempo_procesamiento=call.seconds(),
        request_id=call.request_id.decode(),
    )
    return Reply(msgspec.json.encode(document), problem.status, JSON, problem.headers)


def _new_id() -> bytes:
    return b"%b-%x" % (_id_prefix, _next_id())
