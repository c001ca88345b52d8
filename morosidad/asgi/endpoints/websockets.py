"""WebSocket endpoints: admitted clients get one message a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.websockets import WebSocket

from morosidad.asgi.guards.keys import KeyScope
from morosidad.asgi.problems import Problem
from morosidad.asgi.runtime.broadcast import POLICY, TRY_LATER, Channel
from morosidad.asgi.service import READY

if TYPE_CHECKING:
    from morosidad.asgi.service import Service


class _Pass:
    """Tells whether a client that was let in still is: keys may be changed while it is served."""

    def __init__(self, service: Service, headers: dict[bytes, bytes], client: str, scope: KeyScope) -> None:
        self._service = service
        self._given = (headers, client, scope)
        self._access = service.access  # what has let it in

    def __call__(self) -> bool:
        access = self._service.access
        if access is not self._access:
            try:
                access.check(*self._given)
            except Problem:
                return False
            self._access = access
        return True


class StreamEndpoint:
    """A Starlette endpoint that sends the messages of a channel.

    Parameters
    ----------
    service : Service
        Who decides who is let in.
    channel : Channel
        Whose messages are sent.
    scope : str
        The scope that a key must have.
    """

    def __init__(self, service: Service, channel: Channel, scope: KeyScope) -> None:
        self._service = service
        self._channel = channel
        self._scope: KeyScope = scope

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client, or close its connection with a code that says why."""
        service = self._service
        headers = dict(websocket.scope["headers"])
        client = service.access.client(websocket.scope)
        try:
            holder = service.access.check(headers, client, self._scope)
        except Problem:
            await websocket.close(POLICY)
            return
        taken = len(service.metrics_channel) + len(service.kpis_channel)
        if service.state != READY or taken >= service.settings.websocket_clients:
            service.refused[websocket.url.path, "E503"] += 1
            await websocket.close(TRY_LATER)
            return
        if service.streams[holder] >= service.connections.most_of_one:
            service.refused[websocket.url.path, "E429"] += 1
            await websocket.close(TRY_LATER)
            return
        service.streams[holder] += 1
        try:
            await self._channel.serve(websocket, _Pass(self._service, headers, client, self._scope))
        finally:
            service.streams[holder] -= 1
            if not service.streams[holder]:
                del service.streams[holder]
