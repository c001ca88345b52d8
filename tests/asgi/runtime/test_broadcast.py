"""Streams: everybody gets the latest message, and nobody waits for who does not take it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from morosidad.asgi.endpoints.websocket_protocol import GuardedWebSocketProtocol
from morosidad.asgi.runtime import broadcast
from morosidad.asgi.runtime.broadcast import GOING_AWAY, POLICY, PROTOCOL, TOO_BIG, Channel


class Socket:
    """A WebSocket in this process: ready to take messages, or not."""

    def __init__(self, *asked: str, takes: bool = True, goes: bool = True) -> None:
        self.scope = {"subprotocols": asked}
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[str] = []
        self.accepted: str | None = ""
        self.closed: int | None = None
        self._takes, self._goes = takes, goes

    async def accept(self, protocol: str | None) -> None:
        self.accepted = protocol

    async def send_text(self, text: str) -> None:
        if not self._takes:
            await asyncio.Event().wait()
        self.sent.append(text)

    async def receive(self) -> dict[str, Any]:
        return await self.said.get()

    async def close(self, code: int) -> None:
        self.closed = code
        if not self._goes:
            await asyncio.Event().wait()
        self.said.put_nowait({"type": "websocket.disconnect"})


def serve(channel: Channel, *sockets: Socket) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(channel.serve(socket)) for socket in sockets]  # type: ignore[arg-type]


async def pause() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_each_client_gets_the_latest_and_then_every_message() -> None:
    async def run() -> None:
        channel, early, late = Channel(), Socket(), Socket(PROTOCOL)
        tasks = serve(channel, early)
        await pause()
        await channel.publish("1")
        await pause()
        tasks += serve(channel, late)
        await pause()
        await channel.publish("2")
        await pause()
        assert (early.sent, late.sent) == (["1", "2"], ["1", "2"])
        assert (early.accepted, late.accepted) == (None, PROTOCOL)
        assert len(channel) == 2
        await channel.close()
        assert (early.closed, late.closed) == (GOING_AWAY, GOING_AWAY)
        await asyncio.gather(*tasks)
        assert len(channel) == 0

    asyncio.run(run())


@pytest.mark.parametrize("goes", [True, False])
def test_a_client_that_takes_nothing_is_let_go_and_the_others_wait_for_nothing(
    goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "_CLOSE_TIMEOUT", 0.02)

    async def run() -> None:
        channel, deaf, good = Channel(), Socket(takes=False, goes=goes), Socket()
        tasks = serve(channel, deaf, good)
        await pause()
        for number in range(8):
            await channel.publish(str(number))
            await pause()
        await tasks[0]
        assert deaf.closed == POLICY
        assert good.sent == [str(number) for number in range(8)]
        assert len(channel) == 1
        await channel.close()
        await tasks[1]

    asyncio.run(run())


def test_a_client_that_says_too_much_is_let_go() -> None:
    async def run() -> None:
        channel, loud = Channel(), Socket()
        (task,) = serve(channel, loud)
        await pause()
        loud.said.put_nowait({"type": "websocket.receive", "text": "hola"})
        await pause()
        assert loud.closed is None
        loud.said.put_nowait({"type": "websocket.receive", "bytes": b"x" * 5000})
        await task
        assert loud.closed == TOO_BIG

    asyncio.run(run())


def test_a_server_that_is_cancelled_cancels_its_clients() -> None:
    async def run() -> None:
        channel = Channel()
        (task,) = serve(channel, Socket())
        await pause()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(channel) == 0

    asyncio.run(run())


class Pipe:
    """A transport that only notes how it ended."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize("ready", [True, False])
def test_a_goodbye_that_nobody_takes_ends_the_connection(
    ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(*_: object) -> None:
        return None

    monkeypatch.setattr(GuardedWebSocketProtocol.__base__, "send", send)
    stream = GuardedWebSocketProtocol.__new__(GuardedWebSocketProtocol)
    stream.transport = pipe = Pipe()  # type: ignore[assignment]

    async def run() -> None:
        stream.writable = asyncio.Event()
        if ready:
            stream.writable.set()
        await stream.send({"type": "websocket.send", "text": "1"})
        assert not pipe.aborted
        await stream.send({"type": "websocket.close", "code": POLICY})

    asyncio.run(run())
    assert pipe.aborted is not ready
