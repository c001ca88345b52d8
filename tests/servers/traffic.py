"""Traffic for a server under test: applicants with known answers, asked steadily or without a pause."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from morosidad import Scorer, make_applicants
from morosidad.policy.decision import Decision
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from serving import FOUND, Client

_EXACT = 1e-12


class Applicant(NamedTuple):
    """A request, and the probability that must come back."""

    body: bytes
    probability: float


def applicants(number: int, seed: int = 0, scorer: Scorer | None = None) -> list[Applicant]:
    """Make distinct applicants, with what the model in this process says about each."""
    scorer = scorer or Scorer.default()
    frame = make_applicants(number, seed=seed)[list(AHORRO_VALLE.names)]
    records = [
        {name: value for name, value in row.items() if value == value and value is not None}
        for row in frame.to_dict("records")
    ]
    decided = scorer.score_many(records)
    return [
        Applicant(json.dumps({"datos": record}).encode(), decision.probabilities[1])
        for record, decision in zip(records, decided, strict=True)
        if isinstance(decision, Decision)
    ]


@dataclass
class Traffic:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[Any] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All requests, those without an answer among them."""
        return self.statuses.total() + self.broken.total()

    def quantile(self, q: float) -> float:
        """Give a quantile of the seconds of good answers."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0

    def __str__(self) -> str:
        return (
            f"{dict(self.statuses)} wrong {len(self.wrong)} broken {dict(self.broken)} "
            f"p50 {self.quantile(0.5) * 1e3:.1f} ms p99 {self.quantile(0.99) * 1e3:.1f} ms"
        )


async def ask_about(client: Client, applicant: Applicant, traffic: Traffic, since: float) -> int:
    """Ask for one decision and note what came; give the status, 0 for none."""
    try:
        async with asyncio.timeout(FOUND):
            status, answer = await client.ask("POST", "/predecir", applicant.body)
    except (OSError, EOFError, TimeoutError) as error:
        traffic.broken[type(error).__name__] += 1
        return 0
    took = time.perf_counter() - since
    traffic.statuses[status] += 1
    if status == 200:
        traffic.seconds.append(took)
        traffic.answered.append(answer["request_id"])
        gap = abs(answer["probabilidades"][1] - applicant.probability)
        if gap > _EXACT or answer["degradado"]:
            traffic.wrong.append(answer)
    else:
        traffic.refused.append(took)
        if "Traceback" in json.dumps(answer):
            traffic.wrong.append(answer)
    return status


async def closed_loop(
    port: int,
    people: Sequence[Applicant],
    *,
    connections: int = 16,
    seconds: float | None = None,
    rate: float | None = None,
    traffic: Traffic | None = None,
    going: Callable[[], bool] = lambda: True,
) -> Traffic:
    """Ask on several connections, each its next question when it has the answer, for a time or once around.

    With `rate`, all together ask at most so often a second.
    """
    traffic = traffic or Traffic()
    turn = iter(people) if seconds is None else _around(people)
    end = time.perf_counter() + (seconds or 1e9)
    gap = connections / rate if rate else 0.0

    async def one(number: int) -> None:
        async with Client(port) as client:
            due = time.perf_counter() + gap * number / connections
            while time.perf_counter() < end and going():
                if gap:
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    due = max(due + gap, time.perf_counter() - gap)
                applicant = next(turn, None)
                if applicant is None:
                    return
                if not await ask_about(client, applicant, traffic, time.perf_counter()):
                    await asyncio.sleep(0.02)

    await asyncio.gather(*(one(number) for number in range(connections)))
    return traffic


async def open_loop(
    port: int, people: Sequence[Applicant], rate: float, seconds: float, most: int = 500, fresh: bool = False
) -> Traffic:
    """Ask at a steady rate, whether answers come or not; times count from when each question was due.

    The connections, `most` of them, take turns: none is left idle until it is closed. They stand before the
    first question, or, if `fresh`, each is opened for one question alone.
    """
    traffic, turn = Traffic(), _around(people)
    idle = deque(Client(port) for _ in range(most))
    for client in () if fresh else idle:
        assert (await client.ask("GET", "/salud/viva"))[0] == 200
    asking: set[asyncio.Task[None]] = set()

    async def one(client: Client, due: float) -> None:
        await ask_about(client, next(turn), traffic, due)
        if fresh:
            client.close()
        idle.append(Client(port) if fresh else client)

    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        while time.perf_counter() < due or not idle:
            await asyncio.sleep(0.001)
        task = asyncio.create_task(one(idle.popleft(), due))
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)
    for client in idle:
        client.close()
    return traffic


def _around(people: Sequence[Applicant]) -> Iterator[Applicant]:
    while True:
        yield from people
