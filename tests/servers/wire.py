"""A server's HTTP protocol without a network: what is written to it, and what it writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.endpoints.http_protocol import GuardedHTTPProtocol
from morosidad.asgi.runtime.server import options

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
    """Send pieces to a server's protocol, and give all that it writes; for None, time goes by."""
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
            usable = protocol._direct is not None and protocol._direct.usable
            assert usable == (direct and not each_is_looked_at)
            during(app.state.service, protocol)
            for piece in pieces:
                if piece is None:
                    await asyncio.sleep(0.02)
                    continue
                protocol.data_received(piece)
                for _ in range(20):  # turns of the loop, as for what arrives by itself
                    await asyncio.sleep(0)
            async with asyncio.timeout(60):
                while not wire.closed and _is_answering(protocol):
                    await asyncio.sleep(0.001)
            ended = wire.closed
            protocol.connection_lost(None)
            wire.closed = ended

    asyncio.run(connected())
    return wire.data, wire


def _is_answering(protocol: GuardedHTTPProtocol) -> bool:
    """Tell whether an answer is still to come, to a client that reads."""
    cycle = protocol.cycle
    waits = bool(protocol.pipeline) or (cycle is not None and not cycle.response_complete)
    return waits and not protocol.flow.write_paused


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
