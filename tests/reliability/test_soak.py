"""Mixed traffic for minutes: no error, and nothing grows."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from morosidad.audit.chain.paths import numbered_files
from serving import Client, Server, run
from traffic import Applicant, Traffic, applicants, closed_loop

SHARE = 0.7
GROWTH = 5 * 2**20
FIGURES = ("/api/kpis", "/api/metricas-tiempo-real", "/metrics", "/salud/lista", "/openapi.json")


async def measure(port: int, people: list[Applicant]) -> float:
    """Measure the most that is answered in a second."""
    found = await closed_loop(port, people, connections=16, seconds=2.0)
    return found.total / 2.0


async def look_at_figures(port: int, over: asyncio.Event) -> int:
    """Ask for the figures again and again; give how often."""
    times = 0
    async with Client(port) as client:
        while not over.is_set():
            for path in FIGURES:
                status, _ = await client.ask("GET", path)
                assert status in (200, 404), path
                times += 1
            await asyncio.sleep(0.2)
    return times


async def send_batches_and_mistakes(port: int, people: list[Applicant], over: asyncio.Event) -> int:
    """Send batches, records to check and what is no record."""
    records = b",".join(person.body[len(b'{"datos": ') : -1] for person in people[:20])
    times = 0
    async with Client(port) as client:
        while not over.is_set():
            asked = [
                await client.ask("POST", "/predecir/lote", b"[%b]" % records),
                await client.ask("POST", "/validar", people[0].body),
                await client.ask("POST", "/predecir", b'{"datos": {"edad": 300}}'),
                await client.ask("POST", "/predecir", b'{"datos": '),
            ]
            assert [status for status, _ in asked] == [200, 200, 400, 400]
            assert [item["probabilidades"][1] for item in asked[0][1]] == [p.probability for p in people[:20]]
            times += 4
            await asyncio.sleep(0.05)
    return times


async def come_and_go(port: int, people: list[Applicant], over: asyncio.Event) -> int:
    """Open connections and streams for a moment each; give how many."""
    times = 0
    while not over.is_set():
        async with Client(port) as client, connect(f"ws://127.0.0.1:{port}/ws/kpis"):
            status, _ = await client.ask("POST", "/predecir", people[times % len(people)].body)
            assert status == 200
        times += 2
        await asyncio.sleep(0.05)
    return times


@contextlib.asynccontextmanager
async def watching(port: int, clients: int = 10) -> AsyncIterator[list[int]]:
    """Hold WebSocket clients open, and count what each receives."""
    counts = [0] * clients

    async def one(number: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/ws/{'metricas' if number % 2 else 'kpis'}") as stream:
            async for _ in stream:
                counts[number] += 1

    tasks = [asyncio.create_task(one(number)) for number in range(clients)]
    try:
        yield counts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def soak(server: Server, people: list[Applicant], rate: float, seconds: float) -> Traffic:
    """Let everybody at the server for a time, and take the full files of its log away afterwards."""
    over = asyncio.Event()
    others = [
        asyncio.create_task(look_at_figures(server.port, over)),
        asyncio.create_task(send_batches_and_mistakes(server.port, people, over)),
        asyncio.create_task(come_and_go(server.port, people, over)),
    ]
    async with watching(server.port) as counts:
        traffic = await closed_loop(server.port, people, connections=16, seconds=seconds, rate=rate)
    over.set()
    assert all(await asyncio.gather(*others))
    assert min(counts) >= 0.5 * seconds - 2
    for full in numbered_files(server.log).values():
        full.unlink()
    return traffic


def test_nothing_fails_and_nothing_grows(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("--long", default=False)
    warm_up, seconds, parts = (60.0, 600.0, 20) if long else (10.0, 48.0, 6)
    people = applicants(5000, seed=31)
    with Server(tmp_path, LOG_ROTATION_SIZE="50MB") as server:
        top = run(measure(server.port, people))
        run(soak(server, people, SHARE * top, warm_up))  # until all is loaded
        before = server.usage()
        found = [run(soak(server, people, SHARE * top, seconds / parts)) for _ in range(parts)]
        after = server.usage()
    slow = [traffic.quantile(0.99) for traffic in found]
    growth = after.memory - before.memory
    print(
        f"at most {top:.0f}/s; asked {sum(t.total for t in found)}; "
        f"p99 {', '.join(f'{s * 1e3:.1f}' for s in slow)} ms; memory {growth / 2**20:+.1f} MB, "
        f"files {before.files} -> {after.files}, threads {before.threads} -> {after.threads}"
    )
    for traffic in found:
        assert (traffic.wrong, dict(traffic.broken), set(traffic.statuses)) == ([], {}, {200}), str(traffic)
    assert growth <= GROWTH
    assert after.files <= before.files
    assert after.threads <= before.threads
    assert statistics.median(slow[parts // 2 :]) < 10 * statistics.median(slow[: parts // 2])
