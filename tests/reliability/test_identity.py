"""Many clients at once, each with applicants of its own: every answer belongs to its request."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reliability.asking import until_answered
from serving import Server, run
from traffic import Traffic, applicants

CLIENTS = 64
EACH = 25


def test_every_answer_belongs_to_its_request(tmp_path: Path, long: bool, refusals: frozenset[int]) -> None:
    seconds = 60.0 if long else 0.0
    people = applicants(CLIENTS * EACH, seed=23)
    shares = [people[n * EACH : (n + 1) * EACH] for n in range(CLIENTS)]
    assert len({person.probability for person in people}) > 0.99 * len(people)

    async def all_at_once(port: int) -> list[Traffic]:
        return await asyncio.gather(*(until_answered(port, share, 1, seconds) for share in shares))

    with Server(tmp_path) as server:
        found = run(all_at_once(server.port))
    print(sum(traffic.total for traffic in found), "answers")
    assert [traffic.wrong for traffic in found] == [[]] * CLIENTS
    assert {status for traffic in found for status in traffic.statuses} - refusals == {200}
    assert min(traffic.statuses[200] for traffic in found) >= EACH
    assert not any(traffic.broken for traffic in found)
    everybody = [request_id for traffic in found for request_id in traffic.answered]
    assert len(set(everybody)) == len(everybody)
