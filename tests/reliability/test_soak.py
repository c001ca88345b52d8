"""Mixed traffic for minutes: no error, and nothing grows."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from morosidad.audit.chain.paths import numbered_files
from serving import Client, Server, run
from traffic import Applicant, Traffic, applicants, closed_loop

SHARE = 0.7
GROWTH = 5 * 2**20
WARM = 20_000
"""Answers after which all is loaded and every buffer has its size."""
FIGURES = ("/api/kpis", "/api/metricas-tiempo-real", "/metrics", "/salud/lista", "/openapi.json")


async def measure(port: int, people: list[Applicant]) -> float:
    """Measure the most that is answered in a second."""
    found = await closed_loop(port, people, connections=16, seconds=2.0)
    return found.statuses[200] / 2.0


async def ask(client: Client, path: str, body: bytes, strict: bool) -> tuple[int, Any]:
    """Ask, and unless it is `strict`, ask again where there was no time for it."""
    while True:
        status, answer = await client.ask("POST", path, body)
        if status != 503 or strict:
            return status, answer
        await asyncio.sleep(0.05)


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


async def send_batches_and_mistakes(
    port: int, people: list[Applicant], over: asyncio.Event, strict: bool
) -> int:
    """Send batches, records to check and what is no record."""
    records = b",".join(person.body[len(b'{"datos": ') : -1] for person in people[:20])
    times = 0
    async with Client(port) as client:
        while not over.is_set():
            asked = [
                await ask(client, "/predecir/lote", b"[%b]" % records, strict),
                await ask(client, "/validar", people[0].body, strict),
                await ask(client, "/predecir", b'{"datos": {"edad": 300}}', strict),
                await ask(client, "/predecir", b'{"datos": ', strict),
            ]
            assert [status for status, _ in asked] == [200, 200, 400, 400]
            assert [item["probabilidades"][1] for item in asked[0][1]] == [p.probability for p in people[:20]]
            times += 4
            await asyncio.sleep(0.05)
    return times


async def come_and_go(port: int, people: list[Applicant], over: asyncio.Event, strict: bool) -> int:
    """Open connections and streams for a moment each; give how many."""
    times = 0
    while not over.is_set():
        async with Client(port) as client, connect(f"ws://127.0.0.1:{port}/ws/kpis"):
            status, _ = await ask(client, "/predecir", people[times % len(people)].body, strict)
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


async def soak(server: Server, people: list[Applicant], rate: float, seconds: float, strict: bool) -> Traffic:
    """Let everybody at the server for a time, and take the full files of its log away afterwards.

    Where it is `strict`, nothing may be refused, and each stream brings a message every two seconds.
    """
    over = asyncio.Event()
    others = [
        asyncio.create_task(look_at_figures(server.port, over)),
        asyncio.create_task(send_batches_and_mistakes(server.port, people, over, strict)),
        asyncio.create_task(come_and_go(server.port, people, over, strict)),
    ]
    async with watching(server.port) as counts:
        traffic = await closed_loop(server.port, people, connections=16, seconds=seconds, rate=rate)
        assert not strict or min(counts) >= 0.5 * seconds - 2
        while not all(counts):
            await asyncio.sleep(0.1)
    over.set()
    assert all(await asyncio.gather(*others))
    for full in numbered_files(server.log).values():
        full.unlink()
    return traffic


def test_nothing_fails_and_nothing_grows(tmp_path: Path, long: bool, refusals: frozenset[int]) -> None:
    seconds, parts = (600.0, 20) if long else (30.0, 6)
    people = applicants(5000, seed=31)
    with Server(tmp_path, LOG_ROTATION_SIZE="50MB") as server:
        top = run(measure(server.port, people))
        warm = 0
        while warm < WARM:
            warm += run(soak(server, people, SHARE * top, 60.0 if long else 5.0, long)).total
        before = server.usage()
        found = [run(soak(server, people, SHARE * top, seconds / parts, long)) for _ in range(parts)]
        after = server.usage()
    slow = [traffic.quantile(0.99) for traffic in found]
    growth = after.memory - before.memory
    print(
        f"at most {top:.0f}/s; asked {sum(t.total for t in found)}; "
        f"p99 {', '.join(f'{s * 1e3:.1f}' for s in slow)} ms; memory {growth / 2**20:+.1f} MB, "
        f"files {before.files} -> {after.files}, threads {before.threads} -> {after.threads}"
    )
    for traffic in found:
        assert (traffic.wrong, dict(traffic.broken)) == ([], {}), str(traffic)
        assert set(traffic.statuses) - refusals == {200}, str(traffic)
    assert growth <= GROWTH
    assert after.files <= before.files
    assert after.threads <= before.threads
    if long:
        assert statistics.median(slow[parts // 2 :]) < 10 * statistics.median(slow[: parts // 2])
