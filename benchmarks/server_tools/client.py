"""A small HTTP client that asks at a steady rate."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import Any

from measuring import full


def quantiles(seconds: list[float]) -> tuple[float, float]:
    """Give the median and the 99th percentile."""
    found = statistics.quantiles(seconds, n=100)
    return found[49], found[98]


def p99s(port: int, bodies: list[str], rate: float) -> list[float]:
    """Give the 99th percentile of some runs at a steady rate, in seconds."""
    return [asyncio.run(steady(port, bodies, rate, full(10.0, 0.5))) for _ in range(full(2, 1))]


async def steady(port: int, bodies: list[str], rate: float, seconds: float, connections: int = 16) -> float:
    """Ask at a steady rate on several connections; give the 99th percentile in seconds."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = time.perf_counter() + number / rate
        while (now := time.perf_counter()) < end or len(took) < 100:
            await asyncio.sleep(max(0.0, due - now))
            due += connections / rate
            body = bodies[len(took) % len(bodies)].encode()
            start = time.perf_counter()
            await post(reader, writer, "/predecir", body)
            took.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return quantiles(took)[1]


async def post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
) -> tuple[int, Any]:
    """Send one request; give the status and the decoded answer."""
    writer.write(
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
        % (path.encode(), len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    content = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return int(head.split(b" ", 2)[1]), json.loads(content)
