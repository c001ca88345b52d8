"""The HTTP protocol of uvicorn, with limits on the time that a request takes and the size of its head.

A request that the application can answer at once is answered where its last byte arrives (see `direct`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from morosidad.asgi.endpoints.direct import DIRECT_CALL
from morosidad.asgi.endpoints.responses import head_of
from morosidad.asgi.guards import upgrades
from morosidad.asgi.guards.bodies import BOUNDED_READ

if TYPE_CHECKING:
    from morosidad.asgi.endpoints.call import Call, Reply
    from morosidad.asgi.endpoints.direct import DirectPath
    from morosidad.asgi.service import Service

_HEAD_BYTES = 32 * 1024
_DIRECT_BYTES = 32 * 1024
_PIPELINED = 32
_END = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request" + _END
_NO_TUNNEL = b"HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD, POST" + _END
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large" + _END
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _END
_TOO_MANY = {
    "E429": b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5" + _END,
    "E503": b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5" + _END,
}


class _Ended(Exception):
    """The request was refused: nothing more of what has come is read."""


class GuardedHTTPProtocol(HttpToolsProtocol):
    """Ends connections whose request does not arrive in time, or whose head is too large.

    uvicorn itself waits for ever for the first request of a connection, for the rest of one, and for a
    client that does not read; it takes a head of any size, and any number of requests before an answer.
    """

    seconds: float = 10.0

    _head_bytes = 0
    _head_read = 0
    _in_head = True
    _deadline: float | None = None
    _timer: asyncio.TimerHandle | None = None
    _drain_timer: asyncio.TimerHandle | None = None
    cycle: Any
    url: bytes
    headers: list[tuple[bytes, bytes]]
    expect_100_continue: bool
    _held: bytes | None = None  # the body so far of a request that may be answered at once
    _idle_until: float | None = None

    _upgrading = False
    _counted: str | None = None  # the address that this connection counts for

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        state = getattr(self.app, "state", None)
        self._direct: DirectPath | None = getattr(state, "direct", None)
        self._streams: frozenset[str] = getattr(state, "streams", frozenset())
        self._service: Service | None = getattr(state, "service", None)
        if self._service is not None:
            self.seconds = self._service.settings.server_read_timeout

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time, unless there are too many connections."""
        super().connection_made(transport)
        if self._service is not None:
            self._counted = self.client[0] if self.client else ""
            trusted = self._service.access.is_proxy(self._counted)
            code = self._service.connections.opened(self._counted, trusted=trusted)
            if code is not None:
                self._refuse(_TOO_MANY[code])
                return
        self._deadline = self.loop.time() + self.seconds
        self._timer = self.loop.call_at(self._deadline, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._forget_timers()
        self._give_back()
        super().connection_lost(exc)

    def _give_back(self) -> None:
        if self._service is not None and self._counted is not None:
            self._service.connections.closed(self._counted)
            self._counted = None

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket's protocol, which has time limits of its own."""
        self._forget_timers()
        plain = upgrades.without_upgrade(self.headers)
        asked = [(b"connection", b"upgrade"), (b"upgrade", upgrades.WEBSOCKET)]
        # all that uvicorn reads of it here
        self.__dict__["scope"] = {"method": "GET", "headers": [*plain, *asked]}
        super().handle_websocket_upgrade()
        self._give_back()  # the other protocol has counted it

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is open, and read it."""
        self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        while data and not self.transport.is_closing():
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                plain = self._upgrade()
                if plain is None:
                    return
                data = plain + data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
                return
            else:
                break
        if self._in_head and self._head_bytes > _HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        """Say that a request is none, where nothing else was said already."""
        if not self.transport.is_closing():
            self.logger.warning(msg)
            super().send_400_response(msg)

    def _upgrade(self) -> bytes | None:
        """Open a WebSocket, or read on as if no upgrade had been asked for: none other is spoken.

        The parser would leave the rest of the request unread, so another one reads it, without the upgrade.

        Returns
        -------
        bytes or None
            The head to be read in place of the one that has come; None where nothing more is read here.
        """
        self._upgrading = False
        if self.transport.is_closing():
            return None
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if upgrades.asks_for_websocket(self.headers):
            self.handle_websocket_upgrade()
            return None
        self.parser: Any = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return upgrades.head_bytes(method, self.url, version, upgrades.without_upgrade(self.headers))

    def on_url(self, url: bytes) -> None:
        """Count what has come of a head."""
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count what has come of a head; what stands behind a body is no header of the request."""
        self._count_head(len(name) + len(value) + 4)
        if self._in_head:
            super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_read += size
        if self._head_read > _HEAD_BYTES:
            self._end(_TOO_LARGE)

    def _end(self, answer: bytes) -> None:
        self._refuse(answer)
        raise _Ended

    def on_message_begin(self) -> None:
        """Give the request its time, and tell the application that it need not."""
        if len(self.pipeline) >= _PIPELINED:
            self.transport.abort()
            raise RuntimeError("too many requests before an answer")  # ends the reading of what has come
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._head_read = 0
        self._idle_until = None
        if self._deadline is None:
            self._deadline = self.loop.time() + self.seconds

    def on_headers_complete(self) -> None:
        """End the head: the body has a limit of its own."""
        parser: Any = self.parser
        method, version = parser.get_method(), parser.get_http_version()
        if method == b"CONNECT":
            self._end(_NO_TUNNEL)
        if not upgrades.has_one_host(self.headers, version):
            self._end(_BAD_REQUEST)
        if parser.should_upgrade():
            if upgrades.asks_for_websocket(self.headers) and not upgrades.opens_websocket(
                method, version, self.url, self.headers, self._streams
            ):
                self._end(_BAD_REQUEST)
            self._upgrading = True
            return
        self._in_head = False
        if self._may_be_direct():
            self._held = b""
        else:
            self._open()

    def on_body(self, body: bytes) -> None:
        """Collect a body that may be answered at once, up to a size."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body
            if len(self._held) > _DIRECT_BYTES:
                self._go_ordinary()

    def on_message_complete(self) -> None:
        """Answer at once or go on, and expect the head of another request."""
        if self._upgrading:
            return
        if self._held is not None:
            self._answer_at_once(self._held)
        if self.cycle is not None and not self.cycle.response_complete:
            super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0
        self._deadline = None

    def shutdown(self) -> None:
        """Let a request that is arriving be answered before the connection ends."""
        if self._held is not None:
            self._go_ordinary()
        super().shutdown()

    def pause_writing(self) -> None:
        """Look later whether the client has begun to read."""
        super().pause_writing()
        self._await_reading(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop looking."""
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        super().resume_writing()

    def _forget_timers(self) -> None:
        for timer in (self._timer, self._drain_timer):
            if timer is not None:
                timer.cancel()

    def _await_reading(self, left: int) -> None:
        self._drain_timer = self.loop.call_later(self.seconds, self._look_at_reading, left)

    def _look_at_reading(self, before: int) -> None:
        """End the connection if the client has taken nothing."""
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._await_reading(left)
        else:
            self.transport.abort()

    def _may_be_direct(self) -> bool:
        parser: Any = self.parser
        return (
            self._direct is not None
            and self._direct.usable
            and self.url == self._direct.url
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not self.expect_100_continue
            and not self.root_path
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _answer_at_once(self, body: bytes) -> None:
        """Answer on the direct path, or let the request go on in the ordinary endpoint."""
        assert self._direct is not None
        call = self._direct.call(self.client, self.headers)
        answer = self._direct.answer(call, body)
        if answer is None:
            self._go_ordinary(call)
        else:
            self._held = None
            self._write(answer, call.request_id)

    def _open(self, call: Call | None = None) -> None:
        """Hand a request to the application, once its head is there."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # makes what a request that is answered at once does not need
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        self.scope["extensions"] = {BOUNDED_READ: {}, DIRECT_CALL: {"call": call}}
        super().on_headers_complete()

    def _go_ordinary(self, call: Call | None = None) -> None:
        """Hand a request that was held back to the application, as far as it has come."""
        body, self._held = self._held, None
        self._open(call)
        if body:
            super().on_body(body)

    def _write(self, answer: Reply, request_id: bytes) -> None:
        self.transport.write(head_of(answer, request_id, self.server_state.default_headers) + answer.body)
        self.server_state.total_requests += 1
        self._idle_until = self.loop.time() + self.timeout_keep_alive

    def _look(self) -> None:
        """End the connection if it is idle, or if a request's time is over; else look again then.

        One timer that is seldom moved serves all requests: a connection may idle for a while longer.
        """
        now = self.loop.time()
        if self._deadline is not None and self._deadline <= now:
            self._refuse(_TOO_SLOW)
        elif self._idle_until is not None and self._idle_until <= now:
            self.transport.close()
        else:
            self._timer = self.loop.call_at(
                self._deadline or self._idle_until or now + self.seconds, self._look
            )

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
