"""Faults under load, one at a time and in pairs: nothing wrong, nothing lost, and all is well after."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from morosidad.shipped import PATH
from reliability import breakage
from reliability.breakage import Fault
from serving import Applicant, Server, Traffic, applicants, closed_loop, run, wait_until
from support import needed

KINDS: list[type[Fault]] = [
    breakage.ModelRaises,
    breakage.TruncatedModel,
    breakage.RedisGone,
    breakage.DiskFull,
    breakage.FolderGone,
    breakage.ClockMoves,
    breakage.BadClients,
]
IN_CI = [
    (breakage.ModelRaises, breakage.DiskFull),
    (breakage.TruncatedModel, breakage.RedisGone),
    (breakage.FolderGone, breakage.ClockMoves),
]
RATE = 150.0
WARM = 0.7


class Bench:
    """A server with everything that may break, and people who ask it all the time."""

    def __init__(self, folder: Path) -> None:
        needed(shutil.which("redis-server") is not None, "redis-server")
        self.folder = folder
        self.disk = folder / "disco"
        self.disk.mkdir()
        self.mounted = breakage.small_disk(self.disk)
        (self.disk / "registro").mkdir()
        shutil.copy(PATH, folder / "modelo.morosidad")
        self.redis = breakage.Redis()
        self.server = Server(
            folder,
            script="faulty",
            log="disco/registro/decisiones.jsonl",
            TEST_MODEL="fast",
            SERVER_MODEL="modelo.morosidad",
            CACHE_ENABLED=False,
            RATE_LIMIT_ENABLED=True,
            RATE_LIMIT_PER_MINUTE=10**7,
            RATE_LIMIT_STORAGE=f"redis://127.0.0.1:{self.redis.port}/0",
            SERVER_READ_TIMEOUT=2,
        )
        self.people: list[Applicant] = applicants(400, seed=5)
        self.answered: set[str] = set()

    def ask_for_a_while(self, over: threading.Event) -> Traffic:
        return run(
            closed_loop(self.server.port, self.people, rate=RATE, seconds=60, going=lambda: not over.is_set())
        )

    def close(self) -> None:
        self.server.stop()
        self.redis.kill()
        if self.mounted:
            subprocess.run(["umount", str(self.disk)], check=True)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("faults"))
    try:
        with made.server:
            yield made
    finally:
        made.close()


def live_through(bench: Bench, faults: list[Fault], seconds: float) -> Traffic:
    """Let faults come and go while people ask; check what is answered and told meanwhile and afterwards."""
    server, over = bench.server, threading.Event()
    found: list[Traffic] = []
    asking = threading.Thread(target=lambda: found.append(bench.ask_for_a_while(over)))
    before = watched(server)
    asking.start()
    try:
        over.wait(WARM)
        for fault in faults:
            fault.start(bench)
        expected = [fault.alerts for fault in faults if fault.alerts]
        wait_until(lambda: any(alerts & server.alerts() for alerts in expected) or not expected, 15.0)
        over.wait(seconds)
        for fault in faults:
            fault.stop(bench)
        wait_until(lambda: watched(server) <= before, 60.0, lambda: watched(server))
    finally:
        over.set()
        asking.join()
    (traffic,) = found
    allowed = frozenset({200}).union(*(fault.statuses for fault in faults))
    assert traffic.wrong == []
    assert set(traffic.statuses) <= allowed, str(traffic)
    assert traffic.broken == {}, str(traffic)
    assert traffic.statuses[200] > 0, str(traffic)
    after = run(closed_loop(server.port, bench.people[:100], connections=4))
    assert (dict(after.statuses), after.wrong) == ({200: 100}, [])
    bench.answered.update(traffic.answered, after.answered)
    return traffic


def watched(server: Server) -> set[str]:
    """Give the open alerts that end with a fault; that lines were taken away is told for good."""
    others = ("deriva", "cache", "tiempo", "registro:lineas_faltantes")
    return {code for code in server.alerts() if not code.startswith(others)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_makes_no_answer_wrong_is_told_and_leaves_nothing_behind(
    kind: type[Fault], bench: Bench, request: pytest.FixtureRequest
) -> None:
    seconds = 10.0 if request.config.getoption("--long", default=False) else 0.5
    print(kind.__name__, live_through(bench, [kind()], seconds))


def test_faults_in_pairs_do_no_more_harm(bench: Bench, request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("--long", default=False)
    for first, second in itertools.combinations(KINDS, 2) if long else IN_CI:
        print(first.__name__, second.__name__, live_through(bench, [first(), second()], 3.0 if long else 0.5))


def test_after_all_faults_every_decision_that_was_answered_stands_in_the_log(bench: Bench) -> None:
    assert bench.server.stop() in (0, -15)
    folders = [folder for folder in bench.disk.iterdir() if folder.is_dir()]
    found = breakage.logged(folders)
    assert bench.answered
    assert bench.answered - found.keys() == set()
