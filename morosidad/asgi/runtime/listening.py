"""An event loop that takes new connections as they come, not one in each of its turns.

libuv accepts one connection a turn. While turns are long, because there is much to do, or while more
come than there are turns, connections would wait in the system's queue, where nothing can refuse them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any

_QUEUED_FOR = 0.005
_ACCEPTED_AT_ONCE = 64

try:
    from uvloop import Loop as _Loop
except ModuleNotFoundError:  # asyncio's own loop takes all that wait
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:

    class _ListeningLoop(_Loop):
        """uvloop's event loop, with an acceptor for each server."""

        async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
            """Listen, as uvloop does, for connections without TLS."""
            acceptor = Acceptor(self, protocol_factory)
            server: Any = await super().create_server(acceptor, *args, **options)
            acceptor.server = server
            return server

    new_event_loop = _ListeningLoop


class Acceptor:
    """Makes the protocol of each connection that a server accepts, and accepts those behind it.

    It does so once connections have come turn after turn for 5 ms: they queue. Until then other processes
    that listen on the same port have their chance to take some.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where the server listens.
    make_protocol : callable
        Makes a protocol.

    Attributes
    ----------
    server : asyncio.Server, optional
        Who listens; to be set once it does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, make_protocol: Callable[[], Any]) -> None:
        self.server: asyncio.Server | None = None
        self._loop = loop
        self._make_protocol = make_protocol
        self._since = 0.0
        self._came = False
        self._looking = False
        self._opening: set[asyncio.Task[Any]] = set()

    def __call__(self) -> Any:
        """Make a protocol for a connection that has come."""
        self._came = True
        if not self._looking:
            self._looking = True
            self._since = time.monotonic()
            self._loop.call_soon(self._look)
        return self._make_protocol()

    def _look(self) -> None:
        """See, once a turn, whether connections still come."""
        self._looking = self._came
        if self._came:
            self._came = False
            self._loop.call_soon(self._look)
            if time.monotonic() - self._since > _QUEUED_FOR:
                self._take_waiting()

    def _take_waiting(self) -> None:
        for listening in self.server.sockets if self.server else ():  # none once it is closed
            try:
                handle = os.dup(listening.fileno())
            except OSError:  # no handle is free: libuv refuses what comes
                return
            with socket.socket(fileno=handle) as queue:
                queue.setblocking(False)
                for _ in range(_ACCEPTED_AT_ONCE):
                    try:
                        connection, _ = queue.accept()
                    except OSError:  # no more, or no room for more
                        break
                    self._open(connection)

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        opening = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[Any]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # a client that has left at once is no error
