"""Connections that queue are accepted many at a time, and only then."""

from __future__ import annotations

import asyncio
import importlib
import socket
import warnings
from collections.abc import Coroutine
from typing import Any

import pytest

from morosidad.asgi.runtime import listening

pytest.importorskip("uvloop", reason="asyncio's own loop accepts all that wait")


class Echo(asyncio.Protocol):
    """Sends back what it gets."""

    made = 0

    def connection_made(self, transport: Any) -> None:
        type(self).made += 1
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(listening.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(Echo, "made", 0)
    return Clock(monkeypatch)


def run(work: Coroutine[Any, Any, None]) -> None:
    with warnings.catch_warnings(), asyncio.Runner(loop_factory=listening.new_event_loop) as runner:
        warnings.simplefilter("ignore", ResourceWarning)  # of what a failure leaves open: it would not close
        runner.run(work)


async def listen() -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=100)


def connect(server: asyncio.Server, number: int) -> list[socket.socket]:
    """Connect without a turn of the event loop: all wait in the system's queue."""
    address = server.sockets[0].getsockname()
    return [socket.create_connection(address) for _ in range(number)]


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def end(clients: list[socket.socket]) -> None:
    for client in clients:
        client.close()


def test_those_that_queue_for_long_are_taken_at_once(clock: Clock) -> None:
    async def work() -> None:
        server = await listen()
        clients = connect(server, 60)
        await turns(5)
        before = Echo.made
        assert 0 < before <= 6  # one a turn
        clock.now += 0.006
        await turns(5)
        assert Echo.made == 60
        for number, client in enumerate(clients):  # and each is served
            client.sendall(b"%d" % number)
        await asyncio.sleep(0.01)
        while Echo.made and not all(_answered(client) for client in clients):
            await asyncio.sleep(0.001)
        assert [client.recv(10) for client in clients] == [b"%d" % number for number in range(60)]
        end(clients)
        server.close()

    run(work())


def _answered(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(10, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def test_those_that_come_now_and_then_are_left_to_the_loop(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening.Acceptor, "_take_waiting", lambda _: pytest.fail("nothing queues"))

    async def work() -> None:
        server = await listen()
        clients: list[socket.socket] = []
        for number in range(1, 6):
            clients += connect(server, 1)
            while Echo.made < number:
                await asyncio.sleep(0)
            await turns(3)
            clock.now += 1.0
        end(clients)
        server.close()

    run(work())


def test_not_all_at_once_are_taken_where_many_wait(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_ACCEPTED_AT_ONCE", 8)

    async def work() -> None:
        server = await listen()
        clients = connect(server, 40)
        await turns(2)
        clock.now += 0.006
        found = []
        while Echo.made < 40:
            before = Echo.made
            await turns(1)
            found.append(Echo.made - before)
        assert max(found) == 8 + 1  # and the one that the loop accepts
        end(clients)
        server.close()

    run(work())


def test_a_closed_server_takes_nobody(clock: Clock) -> None:
    async def work() -> None:
        server = await listen()
        clients = connect(server, 30)
        await turns(3)
        server.close()
        await turns(2)  # those accepted before
        made = Echo.made
        clock.now += 0.006
        await turns(5)
        assert Echo.made == made < 30
        end(clients)

    run(work())


def test_without_uvloop_it_is_the_loop_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "uvloop", None)
        importlib.reload(listening)
        loop = listening.new_event_loop()
        loop.close()
        assert type(loop).__module__.startswith("asyncio")
    importlib.reload(listening)
