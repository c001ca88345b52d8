"""Three times what the server can do: right answers, quick refusals, and soon all is well again."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from faulty import slow_scorer
from serving import Server, run, wait_until
from traffic import Applicant, Traffic, applicants, closed_loop, open_loop

ROUNDS = 3
QUICK, OPENED, CALM = 0.05, 0.2, 2.0
"""Seconds, on a machine that does nothing else, for the long run.

`OPENED` is for an answer on a new connection, from when it was to be opened.
"""


def measured(server: Server, people: list[Applicant], allowed: frozenset[int]) -> float:
    """Measure the most that the server answers in a second."""
    run(closed_loop(server.port, people, connections=8, seconds=1.0))
    best = run(closed_loop(server.port, people, connections=8, seconds=2.0))
    assert set(best.statuses) <= allowed | {200}, str(best)
    return best.statuses[200] / 2.0


def check(traffic: Traffic) -> None:
    """Nothing wrong, nothing unanswered."""
    assert (traffic.wrong, dict(traffic.broken)) == ([], {})
    assert set(traffic.statuses) <= {200, 503}, str(traffic)
    assert traffic.statuses[200] > 0, str(traffic)


def overloaded(server: Server, people: list[Applicant], rate: float, seconds: float, fresh: bool) -> Traffic:
    """Ask at a rate; where the machine has become quicker than when it was measured, at a higher one."""
    while True:
        traffic = run(open_loop(server.port, people, rate, seconds, fresh=fresh))
        check(traffic)
        if traffic.refused:
            return traffic
        rate *= 2.0


@pytest.mark.parametrize(
    ("kind", "fresh"), [("busy", False), ("slow", False), ("busy", True)], ids=["busy", "slow", "fresh"]
)
def test_at_three_times_the_maximum_answers_stay_right_and_all_is_well_soon_after(
    kind: str, fresh: bool, tmp_path: Path, long: bool, refusals: frozenset[int]
) -> None:
    people = applicants(600, seed=11, scorer=slow_scorer() if kind == "slow" else None)
    more = {"QUEUE_SIZE": 50} if kind == "slow" else {}
    with Server(tmp_path, script="faulty", TEST_MODEL=kind, CACHE_ENABLED=False, **more) as server:
        top = measured(server, people, refusals)
        rounds: list[Traffic] = []
        alerts: set[str] = set()
        for _ in range(ROUNDS if long else 1):
            rounds.append(overloaded(server, people, 3.0 * top, 10.0 if long else 2.0, fresh))
            alerts |= server.alerts()
            print(f"{kind}: at most {top:.0f}/s; at three times: {rounds[-1]}; {times(rounds[-1].refused)}")
        assert "rechazos" in alerts

        def calm() -> bool:
            after = run(closed_loop(server.port, people, connections=4, rate=0.3 * top, seconds=0.3))
            return set(after.statuses) - refusals == {200} and not after.wrong and not after.broken

        took = wait_until(calm, 60.0)
        print(f"back to normal after {took:.2f} s")
        wait_until(lambda: "rechazos" not in server.alerts(), 60.0, server.alerts)
    if long:
        p99 = [quantile(traffic.refused, 0.99) for traffic in rounds]
        assert statistics.median(p99) < (OPENED if fresh else QUICK), p99
        assert took < CALM


def quantile(seconds: list[float], q: float) -> float:
    """Give a quantile of times; nothing took no time."""
    ordered = sorted(seconds) or [0.0]
    return ordered[int(q * (len(ordered) - 1))]


def times(refused: list[float]) -> str:
    """Tell how quick refusals were."""
    p50, p99 = quantile(refused, 0.5), quantile(refused, 0.99)
    return f"refusals p50 {p50 * 1e3:.0f} ms p99 {p99 * 1e3:.0f} ms"
