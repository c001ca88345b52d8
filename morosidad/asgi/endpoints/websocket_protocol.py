"""The WebSocket protocol of uvicorn, which cuts off clients that take nothing any more."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class GuardedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends connections whose client has stopped reading.

    uvicorn itself waits until such a client has read all before it says goodbye, which may be never.
    """

    async def send(self, message: Any) -> None:
        """Send a message; a goodbye that can't be sent ends the connection without one."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.transport.abort()
        await super().send(message)

    def keepalive_timeout(self) -> None:
        """End the connection of a client that does not answer a ping, whatever it has not read."""
        super().keepalive_timeout()
        self.transport.abort()
