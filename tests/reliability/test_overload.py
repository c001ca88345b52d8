"""Three times what the server can do: right answers, quick refusals, and soon all is well again."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from faulty import slow_scorer
from serving import Server, run, wait_until
from traffic import Traffic, applicants, closed_loop, open_loop

ROUNDS = 3
QUICK, OPENED, CALM = 0.05, 0.2, 2.0
"""Seconds, on a machine that does nothing else; ten times as many are allowed where it does.

`OPENED` is for an answer on a new connection, from when it was to be opened.
"""


def measured(server: Server, people: list, connections: int) -> float:
    """Measure the most that the server answers in a second."""
    run(closed_loop(server.port, people, connections=connections, seconds=1.0))
    best = run(closed_loop(server.port, people, connections=connections, seconds=2.0))
    assert set(best.statuses) == {200}, str(best)
    return best.total / 2.0


def check(rounds: list[Traffic], slowest: float) -> None:
    """Nothing wrong, nothing unanswered, and quick refusals, but where the machine stood still."""
    for traffic in rounds:
        assert (traffic.wrong, dict(traffic.broken)) == ([], {})
        assert set(traffic.statuses) <= {200, 503}, str(traffic)
        assert traffic.statuses[200] > 0, str(traffic)
    assert any(traffic.refused for traffic in rounds)
    p99 = [quantile(traffic.refused, 0.99) for traffic in rounds]
    assert statistics.median(p99) < slowest, p99


@pytest.mark.parametrize(
    ("kind", "fresh"), [("busy", False), ("slow", False), ("busy", True)], ids=["busy", "slow", "fresh"]
)
def test_at_three_times_the_maximum_answers_stay_right_and_all_is_well_soon_after(
    kind: str, fresh: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    long = request.config.getoption("--long", default=False)
    seconds, patience = (10.0, 1) if long else (2.0, 10)
    people = applicants(600, seed=11, scorer=slow_scorer() if kind == "slow" else None)
    more = {"QUEUE_SIZE": 50} if kind == "slow" else {}
    with Server(tmp_path, script="faulty", TEST_MODEL=kind, CACHE_ENABLED=False, **more) as server:
        top = measured(server, people, 8)
        rounds: list[Traffic] = []
        alerts: set[str] = set()
        for _ in range(ROUNDS):
            rounds.append(run(open_loop(server.port, people, 3.0 * top, seconds, fresh=fresh)))
            alerts |= server.alerts()
            print(f"{kind}: at most {top:.0f}/s; at three times: {rounds[-1]}; {times(rounds[-1].refused)}")
        check(rounds, (OPENED if fresh else QUICK) * patience)
        assert "rechazos" in alerts

        def calm() -> bool:
            after = run(closed_loop(server.port, people, connections=4, rate=0.3 * top, seconds=0.3))
            return set(after.statuses) == {200} and not after.wrong and not after.broken

        took = wait_until(calm, 20.0)
        print(f"back to normal after {took:.2f} s")
        assert took < CALM * patience
        wait_until(lambda: "rechazos" not in server.alerts(), tell=server.alerts)


def quantile(seconds: list[float], q: float) -> float:
    """Give a quantile of times; nothing took no time."""
    ordered = sorted(seconds) or [0.0]
    return ordered[int(q * (len(ordered) - 1))]


def times(refused: list[float]) -> str:
    """Tell how quick refusals were."""
    p50, p99 = quantile(refused, 0.5), quantile(refused, 0.99)
    return f"refusals p50 {p50 * 1e3:.0f} ms p99 {p99 * 1e3:.0f} ms"
