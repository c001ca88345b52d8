"""The straight way of a decision answers as the ordinary one does, and steps aside for all else."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.endpoints.http_protocol import GuardedHTTPProtocol
from morosidad.asgi.guards.loop_load import LoopLoad
from morosidad.asgi.runtime.server import options
from morosidad.asgi.service import BATCHED

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
GOOD = json.dumps({"datos": RECORD}).encode()


class Wire(asyncio.Transport):
    """What a protocol writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.closed = False
        self.reading = True
        self.unread = 0

    def write(self, data: Any) -> None:
        self.data += bytes(data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 5000)}.get(name, default)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


def settings(**given: Any) -> Settings:
    return Settings(**{"audit_file": None, "rate_limit_enabled": False, "metrics_enabled": False, **given})


def post(
    body: bytes, *headers: str, path: str = "/predecir", method: str = "POST", http: str = "1.1"
) -> bytes:
    lines = [f"{method} {path} HTTP/{http}", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def talk(
    pieces: Sequence[bytes | None],
    given: Settings | None = None,
    *,
    direct: bool = True,
    during: Callable[[Any, GuardedHTTPProtocol], object] = lambda service, protocol: None,
) -> tuple[bytes, Wire]:
    """Send pieces to a server's protocol, and give all that it writes."""
    wire = Wire()

    async def connected() -> None:
        used = given or settings()
        app = create_app(Scorer.default(), used)
        if not direct:
            app.state.direct = None
        config = Config(app, lifespan="off", **{**options(used), "log_config": None})
        config.load()
        async with app.router.lifespan_context(app):
            protocol = GuardedHTTPProtocol(config, ServerState(), {})
            protocol.connection_made(wire)
            each_is_looked_at = used.server_origins or used.rate_limit_enabled or used.server_access_log
            assert (protocol._direct is not None) == (direct and not each_is_looked_at)
            during(app.state.service, protocol)
            for piece in pieces:
                if piece is not None:
                    protocol.data_received(piece)
                for _ in range(20):
                    await asyncio.sleep(0.001)
            async with asyncio.timeout(60):
                while not wire.closed and _is_answering(protocol):
                    await asyncio.sleep(0.001)
            ended = wire.closed
            protocol.connection_lost(None)
            wire.closed = ended

    asyncio.run(connected())
    return wire.data, wire


def _is_answering(protocol: GuardedHTTPProtocol) -> bool:
    cycle = protocol.cycle
    return bool(protocol.pipeline) or (cycle is not None and not cycle.response_complete)


def answers(data: bytes) -> list[tuple[bytes, dict[str, str], Any]]:
    """Take answers apart: first line, headers, document without what differs each time."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = dict(line.decode().split(": ", 1) for line in lines)
        size = int(headers.pop("content-length"))
        headers.pop("x-request-id", None)
        document = json.loads(data[:size]) if size else None
        if isinstance(document, dict):
            document = {k: v for k, v in document.items() if k not in ("tiempo_procesamiento", "request_id")}
        found.append((first, headers, document))
        data = data[size:]
    return found


REQUESTS = {
    "a good one": post(GOOD),
    "with an id": post(GOOD, "X-Request-ID: abc-1"),
    "with a bad id": post(GOOD, "X-Request-ID: a b"),
    "as JSON": post(GOOD, "Content-Type: application/json"),
    "as text": post(GOOD, "Content-Type: text/plain"),
    "with a media type that has parameters": post(GOOD, "Content-Type: application/json; charset=utf-8"),
    "for another host": post(GOOD).replace(b"localhost", b"example.org"),
    "from another page": post(GOOD, "Origin: https://example.org"),
    "forwarded": post(GOOD, "X-Forwarded-For: 192.0.2.1"),
    "an invalid record": post(b'{"datos": {"edad": 300}}'),
    "no JSON": post(b'{"datos": '),
    "nothing": post(b""),
    "a name twice": post(b'{"datos": {"edad": 30, "edad": 40}}'),
    "more in the envelope": post(json.dumps({"datos": RECORD, "session_id": "s"}).encode()),
    "a large one": post(b'{"datos": {"otro": "' + b"x" * 40_000 + b'"}}'),
    "too large a one": post(b"[" * 2**21),
    "read": post(b"", method="GET"),
    "with a query": post(GOOD, path="/predecir?a=1"),
    "HTTP 1.0": post(GOOD, http="1.0"),
    "the last on its connection": post(GOOD, "Connection: close"),
    "after 100-continue": post(GOOD, "Expect: 100-continue"),
    "two at once": post(GOOD) + post(GOOD),
    "a bad one before a good one": post(b"{") + post(GOOD),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_both_ways_answer_alike(request_: bytes) -> None:
    straight, wire = talk([request_])
    ordinary, other = talk([request_], direct=False)
    if straight.startswith(b"HTTP/1.1 100"):
        straight, ordinary = straight.split(b"\r\n\r\n", 1)[1], ordinary.split(b"\r\n\r\n", 1)[1]
    assert answers(straight) == answers(ordinary)
    assert straight
    assert wire.closed == other.closed


def test_a_request_that_comes_in_pieces_is_answered_once() -> None:
    whole = post(GOOD)
    data, _ = talk([whole[:20], whole[20:-30], whole[-30:]])
    ((first, _, document),) = answers(data)
    assert first == b"HTTP/1.1 200 OK"
    assert document == answers(talk([whole])[0])[0][2]


@pytest.mark.parametrize(
    "given",
    [{"rate_limit_enabled": True}, {"server_access_log": True}, {"server_origins": ("https://a.example",)}],
)
def test_what_looks_at_each_request_is_never_passed_by(given: dict[str, Any], monkeypatch: Any) -> None:
    from morosidad.asgi.endpoints import direct

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(direct, "decided", fail)
    data, _ = talk([post(GOOD)], settings(**given))
    assert answers(data)[0][0] == b"HTTP/1.1 200 OK"


def test_a_body_over_the_limit_is_refused_however_small_the_limit_is() -> None:
    data, _ = talk([post(GOOD)], settings(server_body_size=50))
    assert answers(data)[0][2]["codigo"] == "E413"


def test_a_stopping_server_refuses_and_ends_the_connection() -> None:
    data, wire = talk([post(GOOD)], during=lambda service, _: service.drain())
    assert answers(data)[0][2]["codigo"] == "E503"
    assert wire.closed


def test_a_request_under_way_when_the_server_stops_is_answered() -> None:
    whole = post(GOOD)
    pieces = [whole[:-10], whole[-10:]]

    def stop_between(service: Any, protocol: GuardedHTTPProtocol) -> None:
        asyncio.get_running_loop().call_later(0.01, protocol.shutdown)

    data, wire = talk(pieces, during=stop_between)
    assert answers(data)[0][0] == b"HTTP/1.1 200 OK"
    assert wire.closed


def test_without_time_left_in_a_turn_a_request_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopLoad, "overloaded", True)
    data, wire = talk([post(GOOD)])
    ((first, headers, document),) = answers(data)
    assert first == b"HTTP/1.1 503 Service Unavailable"
    assert headers["retry-after"] == "1"
    assert document["codigo"] == "E503"
    assert not wire.closed


class Clocks:
    """Wall and processor time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.spent = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.wall)
        monkeypatch.setattr("time.thread_time", lambda: self.spent)

    def work(self, seconds: float) -> None:
        self.wall += seconds
        self.spent += seconds

    def wait(self, seconds: float) -> None:
        self.wall += seconds


def turns(loop_load: LoopLoad, *works: Callable[[], None], asked: int = 1) -> list[int]:
    """Ask before and some times after each piece of work, in one turn of the loop each; count refusals."""

    async def run() -> list[int]:
        found = []
        for work in works:
            assert not loop_load.overloaded
            work()
            found.append(sum(loop_load.overloaded for _ in range(asked)))
            loop_load._end()
        return found

    return asyncio.run(run())


def test_only_the_second_long_turn_is_an_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    long, short = lambda: clocks.work(0.05), lambda: clocks.work(0.001)
    assert turns(LoopLoad(), short, long, short, long, long, short, short) == [0, 0, 0, 0, 1, 1, 0]


def test_in_overload_a_share_is_refused_wherever_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()
    twice_too_long = lambda: clocks.work(0.014)  # noqa: E731
    found = turns(loop_load, *[twice_too_long] * 40, asked=100)
    assert found[:2] == [0, 0]
    assert 10 < found[2] < 40
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(found))
    assert found[-1] > 95  # as it does not help, less and less is let in


def test_the_share_is_such_that_a_turn_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()

    async def run() -> list[int]:
        served = []
        for _ in range(30):
            served.append(0)
            for _ in range(60):
                refused = loop_load.overloaded
                served[-1] += not refused
                clocks.work(0.00001 if refused else 0.0005)
            loop_load._end()
        return served

    served = asyncio.run(run())
    assert served[0] == 60
    assert all(17 <= each <= 24 for each in served[5:]), served  # of half a millisecond each: 10 ms


def test_after_a_pause_an_overload_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()
    long = lambda: clocks.work(0.05)  # noqa: E731
    assert turns(loop_load, long, long, long, asked=20)[2] == 20
    clocks.wait(0.06)
    assert turns(loop_load, long, asked=20) == [0]


def test_waiting_for_a_processor_is_no_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    wait = lambda: clocks.wait(5.0)  # noqa: E731
    assert turns(LoopLoad(), wait, wait, wait) == [0] * 3


def test_a_turn_ends_by_itself() -> None:
    async def run() -> None:
        loop_load = LoopLoad()
        assert not loop_load.overloaded
        assert loop_load._began is not None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert loop_load._began is None

    asyncio.run(run())


@pytest.mark.parametrize("direct", [True, False])
def test_while_the_queue_of_a_slow_model_is_full_all_are_refused(direct: bool) -> None:
    seen: list[int] = []

    def fill(service: Any, protocol: GuardedHTTPProtocol) -> None:
        service.mode = BATCHED
        service._batcher.queue_size = 0
        real = service.decide

        async def decide(*given: Any) -> Any:
            seen.append(1)
            return await real(*given)

        service.decide = decide

    data, wire = talk([post(GOOD)], direct=direct, during=fill)
    [(first, headers, document)] = answers(data)
    assert first == b"HTTP/1.1 503 Service Unavailable"
    assert (document["codigo"], "retry-after" in headers) == ("E503", True)
    assert len(seen) == (0 if direct else 1)  # at once, where the request arrives, if it can be
    assert not wire.closed


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


class CountedLoad:
    """A loop load that has room for one request, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def overloaded(self) -> bool:
        self.asked += 1
        return self.asked > 1


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (GOOD, 200, ()),
        (b'{"datos": {"edad": 300}}', 400, ()),
        (b'{"datos": ', 400, ()),
        (GOOD, 200, ("Content-Type: application/json; charset=utf-8",)),
    ],
)
def test_a_request_is_charged_to_the_loop_once(body: bytes, status: int, headers: tuple[str, ...]) -> None:
    load = CountedLoad()

    def with_room_for_one(service: Any, _: Any) -> None:
        service.loop_load = load

    data, _ = talk([post(body, *headers)], during=with_room_for_one)
    assert int(data.split(b" ")[1]) == status
    assert load.asked == 1


def test_a_request_that_the_model_fails_on_is_charged_once_however_it_goes_on() -> None:
    load = CountedLoad()

    def failing_once(service: Any, _: Any) -> None:
        service.loop_load = load
        real = service.scorer.score_nowait
        failures = iter([RuntimeError("no")])

        def score_nowait(*given: Any) -> Any:
            for failure in failures:
                raise failure
            return real(*given)

        service.scorer.score_nowait = score_nowait

    data, _ = talk([post(GOOD)], during=failing_once)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert load.asked == 1


def test_an_invalid_record_is_counted_as_one_refusal() -> None:
    found = []

    def look(service: Any, _: Any) -> None:
        found.append(service)

    talk([post(b'{"datos": {"edad": 300}}')], during=look)
    assert found[0].refused == {("/predecir", "E002"): 1}
