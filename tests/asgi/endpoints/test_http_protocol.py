"""The limits of a connection: how long a request takes to arrive, how large its head is, who reads slowly."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from morosidad import Scorer
from morosidad.asgi import create_app
from morosidad.asgi.endpoints.http_protocol import GuardedHTTPProtocol
from morosidad.asgi.runtime.server import options
from wire import GOOD, Wire, answers, post, settings, talk


def test_a_stopping_server_refuses_and_ends_the_connection() -> None:
    data, wire = talk([post(GOOD)], during=lambda service, _: service.drain())
    assert answers(data)[0][2]["codigo"] == "E503"
    assert wire.closed


def test_a_request_under_way_when_the_server_stops_is_answered() -> None:
    whole = post(GOOD)
    pieces = [whole[:-10], None, whole[-10:]]

    def stop_between(service: Any, protocol: GuardedHTTPProtocol) -> None:
        asyncio.get_running_loop().call_later(0.01, protocol.shutdown)

    data, wire = talk(pieces, during=stop_between)
    assert answers(data)[0][0] == b"HTTP/1.1 200 OK"
    assert wire.closed


def _patient(_: Any, protocol: GuardedHTTPProtocol) -> None:
    protocol.timeout_keep_alive = 3600


def test_a_request_that_does_not_arrive_is_refused_and_an_idle_connection_is_not() -> None:
    data, wire = talk([post(GOOD)[:40], *[None] * 5], settings(server_read_timeout=0.03))
    assert data.startswith(b"HTTP/1.1 408 ")
    assert wire.closed
    data, wire = talk([post(GOOD), *[None] * 10], settings(server_read_timeout=0.1), during=_patient)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert not wire.closed


def test_a_connection_that_idles_too_long_is_closed_without_a_word() -> None:
    def impatient(_: Any, protocol: GuardedHTTPProtocol) -> None:
        protocol.timeout_keep_alive = 0.02  # type: ignore[assignment]

    quick = settings(server_read_timeout=0.05)
    data, wire = talk([post(GOOD), *[None] * 10], quick, during=impatient)
    assert wire.closed
    assert len(answers(data)) == 1
    data, wire = talk([post(GOOD) + post(GOOD)[:40], *[None] * 10], quick, during=impatient)
    assert wire.closed
    assert data.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 408 " in data  # the second was on its way: that is no idling
    data, wire = talk([post(GOOD)] * 12, quick, during=_patient)
    assert not wire.closed
    assert len(answers(data)) == 12


def test_a_head_that_never_ends_is_refused() -> None:
    data, wire = talk([b"POST /predecir HTTP/1.1\r\nA: " + b"x" * 40_000])
    assert data.startswith(b"HTTP/1.1 431 ")
    assert wire.closed


def test_who_asks_and_asks_without_waiting_for_an_answer_is_cut_off() -> None:
    alive = b"GET /salud/viva HTTP/1.1\r\nHost: localhost\r\n\r\n"
    data, wire = talk([alive * 30])
    assert len(answers(data)) == 30
    assert not wire.closed
    _, wire = talk([alive * 100])
    assert wire.closed


def test_a_client_that_reads_slowly_is_waited_for_and_one_that_does_not_is_cut_off() -> None:
    def full(_: Any, protocol: GuardedHTTPProtocol) -> None:
        protocol.transport.unread = 100_000  # type: ignore[attr-defined]
        protocol.pause_writing()

    def full_then_slow(service: Any, protocol: GuardedHTTPProtocol) -> None:
        def read_a_little() -> None:
            protocol.transport.unread -= 1  # type: ignore[attr-defined]
            protocol.loop.call_later(0.01, read_a_little)

        full(service, protocol)
        read_a_little()

    def full_then_empty(service: Any, protocol: GuardedHTTPProtocol) -> None:
        full(service, protocol)
        protocol.resume_writing()

    quick = settings(server_read_timeout=0.05)
    first = post(GOOD)
    assert talk([first, *[None] * 5], quick, during=full)[1].closed
    assert not talk([first, *[None] * 5], quick, during=full_then_slow)[1].closed
    assert not talk([first, *[None] * 5], quick, during=full_then_empty)[1].closed


def test_a_websocket_leaves_nothing_of_the_http_protocol_behind() -> None:
    async def connected() -> None:
        used, wire = settings(metrics_enabled=True), Wire()
        app = create_app(Scorer.default(), used)
        config = Config(app, lifespan="off", **{**options(used), "log_config": None})
        config.load()
        async with app.router.lifespan_context(app):
            protocol = GuardedHTTPProtocol(config, ServerState(), {})
            protocol.connection_made(wire)
            protocol.data_received(
                b"GET /ws/metricas HTTP/1.1\r\nHost: localhost\r\n"
                b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            left = weakref.ref(protocol)
            del protocol
            async with asyncio.timeout(60):
                while not wire.data or left() is not None:
                    await asyncio.sleep(0.01)
                    gc.collect()
            assert wire.data.startswith(b"HTTP/1.1 101 ")
            wire.protocol.connection_lost(None)

    asyncio.run(connected())
