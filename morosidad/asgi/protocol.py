"""HTTP as uvicorn speaks it, with limits on how long a request takes to arrive and how large its head is."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from morosidad.asgi.bodies import BOUNDED_READ

_HEAD_BYTES = 32 * 1024
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """Ends connections whose request does not arrive in time, or whose head is too large.

    uvicorn itself waits for ever for the first request of a connection and for the rest of one, and
    takes a head of any size.
    """

    @property
    def seconds(self) -> float:
        """In which a request must have arrived, as the application's settings say."""
        return self.app.state.service.settings.server_read_timeout  # type: ignore[no-any-return]

    _head_bytes = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is open."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Give the request its time, and tell the application that it need not."""
        super().on_message_begin()
        self.scope["extensions"] = {BOUNDED_READ: {}}
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def on_headers_complete(self) -> None:
        """End the head: the body has a limit of its own."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the head of another request."""
        self._in_head = True
        self._head_bytes = 0
        self._stop_timer()
        super().on_message_complete()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self._refuse(_TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
