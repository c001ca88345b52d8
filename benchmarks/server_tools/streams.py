"""Hold many WebSocket clients open and count what each gets: ``python streams.py PORT CLIENTS``.

Says so in a line when all are connected, and tells the counts when a line comes in.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import pairwise
from typing import cast

HEAD = (
    b"GET /ws/metricas HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Listener(asyncio.Protocol):
    """One client, which reads frames and answers pings."""

    def __init__(self, connected: asyncio.Semaphore) -> None:
        self.times: list[float] = []
        self._connected = connected
        self._data = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(HEAD)

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        self._data += data
        if not self._open:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head.split(b"\r\n")[0], head
            self._open, self._data = True, rest
            self._connected.release()
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == 1:
                self.times.append(time.perf_counter())
            elif kind == 9:
                self._transport.write(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size == 126:
            if len(data) < 4:
                return None
            size, start = int.from_bytes(data[2:4], "big"), 4
        if len(data) < start + size:
            return None
        self._data = data[start + size :]
        return data[0] & 0x0F, data[start : start + size]


async def main(port: int, clients: int) -> None:
    """Connect, wait, tell."""
    loop, connected = asyncio.get_running_loop(), asyncio.Semaphore(0)
    listeners = []
    for _ in range(clients):
        _, listener = await loop.create_connection(lambda: Listener(connected), "127.0.0.1", port)
        listeners.append(listener)
        await connected.acquire()
    print("connected", flush=True)
    await asyncio.sleep(1.0)
    start = time.perf_counter()
    await loop.run_in_executor(None, sys.stdin.readline)
    end = time.perf_counter()
    heard = [[t for t in listener.times if start <= t <= end] for listener in listeners]
    gaps = [b - a for times in heard for a, b in pairwise(times)]
    counts = [len(times) for times in heard]
    print(json.dumps({"shortest": min(counts), "longest": max(counts), "gap": max(gaps, default=0.0),
                      "seconds": end - start}))  # fmt: skip


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
