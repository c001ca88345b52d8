"""Bodies that nobody should send: each is answered in bounded time, never with a 500 or a traceback."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from traffic import applicants

BODIES = 1_000_000
BODIES_IN_CI = 20_000
SLOWEST = 1.0
"""Seconds of processor time for one body, which do not depend on what else the machine does."""
PATHS = ("/predecir", "/predecir/lote", "/validar", "/admin/recargar", "/predecir", "/validar")
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 1e308, -1e308, 1e-320, 10**30, -(10**400), 0.1, "", " ", "sí",
    "\x00", "NaN", "1e5", "1.000,5", "٣٤", "x" * 5000, "\ud800", [], {}, [[]], [1, 2], {"edad": 3},
    "datos", "__class__",
]  # fmt: skip
RAW = [
    b"", b"null", b"[]", b"{}", b"NaN", b"[NaN]", b'{"datos":NaN}', b'{"datos":{"edad":Infinity}}',
    b"\xff\xfe",
    b'{"datos":{"edad":1,"edad":2}}', b'{"datos":{}}' * 2, b"[" * 5000, b'{"a":' * 5000,
    b'{"datos":"' + b"\xff" * 9,
    b'{"datos":{"edad":1e99999}}', b'{"datos":{"ed\\u0061d":30,"edad":40}}', b"\xef\xbb\xbf{}",
    b'"' * 999,
]  # fmt: skip
PIECES = [b"", b'"', b"{", b"}", b"\\", b",", b"\x00", b"\xc3", b"\\ud800", b"1e999"]


class Maker:
    """Makes bodies: records with something changed, what only looks like JSON, and noise."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.records = [json.loads(person.body)["datos"] for person in applicants(200, seed=seed)]
        self.names = list(self.records[0])

    def body(self) -> bytes:
        """Make one."""
        kind = self.random.random()
        if kind < 0.05:
            return self.random.choice(RAW)
        if kind < 0.15:
            return self.random.randbytes(self.random.randrange(200))
        text = json.dumps(self.document(), ensure_ascii=self.random.random() < 0.7)
        body = text.encode("utf-8", "surrogatepass")
        return self.damaged(body) if kind < 0.4 else body

    def document(self) -> Any:
        """Make a document that is nearly one of ours."""
        choose = self.random.random()
        if choose < 0.5:
            return {"datos": self.record()} | self.odd_envelope()
        if choose < 0.8:
            return [self.record() for _ in range(self.random.randrange(4))]
        return self.random.choice(
            [self.record(), self.random.choice(ODD), {"datos": self.random.choice(ODD)}]
        )

    def record(self) -> Any:
        """Change something in a record, or nothing."""
        record = dict(self.random.choice(self.records))
        for _ in range(self.random.randrange(4)):
            name = self.random.choice(self.names)
            change = self.random.randrange(5)
            if change == 0:
                record.pop(name, None)
            elif change == 1:
                record[self.random.choice([name.upper(), name + " ", "otro", "", "é" * 300])] = record.get(
                    name
                )
            else:
                record[name] = self.random.choice(ODD)
        return record

    def odd_envelope(self) -> dict[str, Any]:
        """Add what may stand beside a record, and what may not."""
        if self.random.random() < 0.7:
            return {}
        names = ["timestamp_cliente", "session_id", "otro", "datos "]
        return {self.random.choice(names): self.random.choice(ODD)}

    def damaged(self, body: bytes) -> bytes:
        """Cut, double or overwrite some bytes."""
        found = bytearray(body)
        for _ in range(self.random.randrange(1, 4)):
            place = self.random.randrange(len(found) + 1)
            piece = self.random.choice(
                [b"", b'"', b"{", b"}", b"\\", b",", b"\x00", b"\xc3", b"\\ud800", b"1e999"]
            )
            found[place : place + self.random.randrange(5)] = piece
        return bytes(found)


class Asker:
    """Calls an ASGI application in this process."""

    def __init__(self, app: Callable[..., Any], refusals: frozenset[int]) -> None:
        self.app = app
        self.refusals = refusals
        self.answers: Counter[tuple[str, int]] = Counter()
        self.slowest = 0.0

    async def ask(self, path: str, parts: list[bytes]) -> None:
        """Send a body, and look at the answer."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 5000), "state": {},
        }  # fmt: skip
        left = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
            for number, part in enumerate(parts)
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return left.pop(0) if left else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        start = time.process_time()
        await self.app(scope, receive, send)
        self.slowest = max(self.slowest, time.process_time() - start)
        status, body = sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
        self.answers[path, status] += 1
        assert status < 500 or status in self.refusals, (path, parts, body)
        assert b"Traceback" not in body, (path, parts)
        json.loads(body)


def test_no_body_breaks_the_server(long: bool, refusals: frozenset[int]) -> None:
    number = BODIES if long else BODIES_IN_CI
    settings = Settings(audit_file=None, rate_limit_enabled=False, metrics_enabled=False)
    app = create_app(Scorer.default(), settings)
    asker, maker = Asker(app, refusals), Maker(71)

    async def all_of_them() -> None:
        async with app.router.lifespan_context(app):
            for count in range(number):
                body = maker.body()
                path = maker.random.choice(PATHS)
                if path == "/admin/recargar" and body in (b"", b"{}"):
                    continue
                cut = maker.random.randrange(len(body) + 1)
                await asker.ask(path, [body] if count % 4 else [body[:cut], body[cut:]])
                await asyncio.sleep(0)  # a turn of the loop of its own, as for what arrives by itself

    asyncio.run(all_of_them())
    print(f"slowest {asker.slowest * 1e3:.1f} ms; {dict(asker.answers)}")
    assert asker.slowest < SLOWEST
    good = sum(count for (_, status), count in asker.answers.items() if status == 200)
    assert 0.05 * number < good < 0.95 * number
