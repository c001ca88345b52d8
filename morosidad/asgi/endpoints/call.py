"""The HTTP request under way, and the reply to it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from starlette.types import Receive, Scope

from morosidad.asgi.guards.bodies import check_media_type, read_body
from morosidad.asgi.problems import bad_request, told, too_large

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
Headers = Sequence[tuple[bytes, bytes]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_id_prefix = token_hex(6).encode()
_next_id = count(1).__next__


class Call:
    """A request under way.

    Attributes
    ----------
    service : Service
        What answers.
    headers : dict
        The request's headers.
    path : str
        The path as the application knows it.
    request_id : bytes
        As the client gave it, or made.
    client : str
        Who asks, for limits and logs.
    admitted : bool
        Whether it was let in; that is decided once.
    started : float
        When it began, by `time.perf_counter`.
    """

    __slots__ = (
        "_receive",
        "admitted",
        "client",
        "headers",
        "path",
        "request_id",
        "scope",
        "service",
        "started",
    )

    def __init__(self, service: Service, path: str, scope: Scope, receive: Receive | None = None) -> None:
        self.started: float = time.perf_counter()
        self.service: Service = service
        self.path: str = path
        self.scope: Scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.client: str = ""
        self.admitted: bool = False
        given = self.headers.get(b"x-request-id")
        self.request_id: bytes = given if given and _REQUEST_ID.fullmatch(given) else _new_id()
        self._receive = receive

    def resume(self, scope: Scope, receive: Receive) -> None:
        """Go on as an ordinary ASGI request: what the direct path could not answer."""
        self.scope, self._receive = scope, receive

    async def body(self) -> bytes:
        """Read the body, within the limits; one that says to be no JSON is refused.

        Raises
        ------
        Problem
            E413 when it is too large, E001 when it does not arrive in time or is declared to be no JSON.
        ClientGone
            The connection ended before.
        """
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

    def check_request_id(self) -> None:
        """Refuse an ``X-Request-ID`` that could not be taken over.

        Raises
        ------
        Problem
            E001.
        """
        given = self.headers.get(b"x-request-id")
        if given is not None and given is not self.request_id:
            raise bad_request(told("wrong_request_id"))

    def seconds(self) -> float:
        """Tell how long it has taken so far."""
        return time.perf_counter() - self.started


class Reply(NamedTuple):
    """What is answered."""

    body: bytes
    status: int = 200
    media_type: bytes = JSON
    headers: Headers = ()


def reply(document: object, status: int = 200) -> Reply:
    """Answer with a document as JSON.

    Returns
    -------
    Reply
        Its body is the document, encoded.
    """
    return Reply(msgspec.json.encode(document), status)


def _new_id() -> bytes:
    return b"%b-%x" % (_id_prefix, _next_id())
