"""Questions that are asked again where the server refuses them for want of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from serving import Client
from traffic import Applicant, Traffic, ask_about


async def until_answered(
    port: int, people: Sequence[Applicant], connections: int = 8, seconds: float = 0.0
) -> Traffic:
    """Ask about everybody once, or again and again for some seconds; who is refused with 503 asks again."""
    traffic, end = Traffic(), time.perf_counter() + seconds
    turn = iter(_rounds(people, end))

    async def one() -> None:
        async with Client(port) as client:
            for applicant in turn:
                while await ask_about(client, applicant, traffic, time.perf_counter()) == 503:
                    await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(connections)))
    return traffic


def _rounds(people: Sequence[Applicant], end: float) -> Iterator[Applicant]:
    yield from people
    while time.perf_counter() < end:
        yield from people
