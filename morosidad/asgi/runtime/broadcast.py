"""Broadcast of one message a second to every WebSocket client; nobody waits for a slow one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

PROTOCOL = "morosidad"
GOING_AWAY, TOO_BIG, POLICY, TRY_LATER = 1001, 1009, 1008, 1013
_MAX_MISSED = 5
_MAX_MESSAGE = 4096
_SLICE = 4
_CLOSE_TIMEOUT = 2.0


class Channel:
    """The clients of one stream of messages; its length is their number."""

    def __init__(self) -> None:
        self._clients: set[_Client] = set()
        self._latest: str | None = None

    def __len__(self) -> int:
        return len(self._clients)

    async def serve(self, websocket: WebSocket, allowed: Callable[[], bool] = lambda: True) -> None:
        """Accept a client and send it each message until one of the two leaves, or it is allowed no more."""
        asked = websocket.scope.get("subprotocols", ())
        await websocket.accept(PROTOCOL if PROTOCOL in asked else None)
        client = _Client(websocket, self._latest, allowed)
        self._clients.add(client)
        try:
            await client.run()
        finally:
            self._clients.discard(client)

    async def publish(self, message: str) -> None:
        """Hand a message to every client, a few at a time, so that requests go on between them."""
        self._latest = message
        for number, client in enumerate(tuple(self._clients)):
            if client.allowed():
                client.offer(message)
            else:
                client.leave(POLICY)
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Tell every client that the server goes away, and wait until they are gone."""
        clients = tuple(self._clients)
        for client in clients:
            client.leave(GOING_AWAY)
        if clients:
            gone = [asyncio.create_task(client.gone.wait()) for client in clients]
            _, left = await asyncio.wait(gone, timeout=_CLOSE_TIMEOUT)
            for waiting in left:
                waiting.cancel()


class _Client:
    """One WebSocket: a slot for the message that it gets next."""

    def __init__(self, websocket: WebSocket, first: str | None, allowed: Callable[[], bool]) -> None:
        self.allowed = allowed
        self._socket = websocket
        self._slot = first
        self._missed = 0
        self._filled = asyncio.Event()
        if first is not None:
            self._filled.set()
        self._runner: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self.gone = asyncio.Event()

    def offer(self, message: str) -> None:
        """Put a message into the slot; a client that has not taken several is dropped."""
        self._missed = self._missed + 1 if self._filled.is_set() else 0
        if self._missed >= _MAX_MISSED:
            self.leave(POLICY)
        self._slot = message
        self._filled.set()

    def leave(self, code: int) -> None:
        """End the connection with a code."""
        if self._closer is None:
            if self._sender is not None:
                self._sender.cancel()
            self._closer = asyncio.create_task(self._close(code))

    async def run(self) -> None:
        """Send what comes into the slot, until the client leaves or is told to."""
        self._runner = asyncio.current_task()
        self._sender = asyncio.create_task(self._send())
        try:
            await self._listen()
        except asyncio.CancelledError:
            if self._closer is None:
                raise
        finally:
            self._sender.cancel()
            self.gone.set()

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, OSError):
            while True:
                await self._filled.wait()
                message = self._slot
                if message is not None:
                    await self._socket.send_text(message)
                if self._slot is message:
                    self._filled.clear()

    async def _listen(self) -> None:
        """Take what the client says, which means nothing, until it leaves or says too much."""
        with suppress(WebSocketDisconnect):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if len(message.get("text") or message.get("bytes") or "") > _MAX_MESSAGE:
                    self.leave(TOO_BIG)

    async def _close(self, code: int) -> None:
        """Say goodbye; who does not take even that is left without it."""
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._socket.close(code)
                await self.gone.wait()
        if self._runner is not None and not self.gone.is_set():
            self._runner.cancel()
