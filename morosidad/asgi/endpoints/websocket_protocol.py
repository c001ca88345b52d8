"""The WebSocket protocol of uvicorn, which cuts off clients that take nothing any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from morosidad.asgi.service import Service


class GuardedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends connections whose client has stopped reading.

    uvicorn itself waits until such a client has read all before it says goodbye, which may be never, and
    for a handshake as long as it takes.
    """

    _counted: str | None = None
    _handshake_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, and give its handshake a time."""
        super().connection_made(transport)
        self._service: Service | None = getattr(getattr(self.app, "state", None), "service", None)
        if self._service is not None:
            self._counted = self.client[0] if self.client else ""
            self._service.connections.took_over(self._counted)
            seconds = self._service.settings.server_read_timeout
            self._handshake_timer = self.loop.call_later(seconds, self._look_at_handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the connection back."""
        if self._handshake_timer is not None:
            self._handshake_timer.cancel()
        if self._service is not None and self._counted is not None:
            self._service.connections.closed(self._counted)
            self._counted = None
        super().connection_lost(exc)

    def _look_at_handshake(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    async def send(self, message: Any) -> None:
        """Send a message; a goodbye that can't be sent ends the connection without one."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.transport.abort()
        await super().send(message)

    def keepalive_timeout(self) -> None:
        """End the connection of a client that does not answer a ping, whatever it has not read."""
        super().keepalive_timeout()
        self.transport.abort()
