"""Many clients at once, each with applicants of its own: every answer belongs to its request."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serving import Server, run
from traffic import Traffic, applicants, closed_loop

CLIENTS = 64
EACH = 25


def test_every_answer_belongs_to_its_request(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seconds = 60.0 if request.config.getoption("--long", default=False) else 3.0
    people = applicants(CLIENTS * EACH, seed=23)
    shares = [people[n * EACH : (n + 1) * EACH] for n in range(CLIENTS)]
    assert len({person.probability for person in people}) > 0.99 * len(people)

    async def all_at_once(port: int) -> list[Traffic]:
        return await asyncio.gather(
            *(closed_loop(port, share, connections=1, seconds=seconds) for share in shares)
        )

    with Server(tmp_path, script="unloaded") as server:  # overload is not what is tried here
        found = run(all_at_once(server.port))
    print(sum(traffic.total for traffic in found), "answers")
    assert [traffic.wrong for traffic in found] == [[]] * CLIENTS
    assert {status for traffic in found for status in traffic.statuses} == {200}
    assert not any(traffic.broken for traffic in found)
    everybody = [request_id for traffic in found for request_id in traffic.answered]
    assert len(set(everybody)) == len(everybody)
