"""Faults under load, one at a time and in pairs: nothing wrong, nothing lost, and all is well after."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faulty import slow_scorer
from morosidad.training.shipped import PATH
from reliability import breakage
from reliability.asking import until_answered
from reliability.breakage import Fault
from serving import Server, run, wait_until
from support import needed
from traffic import Applicant, Traffic, applicants, closed_loop

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
    (breakage.DiskFull, breakage.ModelRaises),
    (breakage.TruncatedModel, breakage.RedisGone),
    (breakage.FolderGone, breakage.ClockMoves),
]
BESIDE_A_HANG = [
    breakage.DiskFull,
    breakage.RedisGone,
    breakage.FolderGone,
    breakage.ClockMoves,
    breakage.BadClients,
]
BESIDE_A_KILL = [breakage.RedisGone, breakage.TruncatedModel, breakage.BadClients]
MACHINE = ("rechazos", "memoria")
"""Alerts that a busy machine opens by itself."""
RATE = 150.0
WARM = 0.7


class Bench:
    """A server with everything that may break, and people who ask it all the time."""

    def __init__(self, folder: Path, model: str | None = "fast", **options: Any) -> None:
        needed(shutil.which("redis-server") is not None, "redis-server")
        self.folder = folder
        self.disk = folder / "disco"
        self.disk.mkdir()
        self.mounted = breakage.small_disk(self.disk)
        (self.disk / "registro").mkdir()
        shutil.copy(PATH, folder / "modelo.morosidad")
        self.redis = breakage.Redis()
        settings = {
            **({"script": "faulty", "TEST_MODEL": model} if model else {}),
            "log": "disco/registro/decisiones.jsonl",
            "SERVER_MODEL": "modelo.morosidad",
            "CACHE_ENABLED": False,
            "RATE_LIMIT_ENABLED": True,
            "RATE_LIMIT_PER_MINUTE": 10**7,
            "RATE_LIMIT_STORAGE": f"redis://127.0.0.1:{self.redis.port}/0",
            "SERVER_READ_TIMEOUT": 2,
        }
        self.server = Server(folder, **{**settings, **options})
        self.people: list[Applicant] = applicants(
            400, seed=5, scorer=slow_scorer() if model == "slow" else None
        )
        self.answered: set[str] = set()

    def ask_for_a_while(self, over: threading.Event) -> Traffic:
        return run(
            closed_loop(
                self.server.port, self.people, rate=RATE, seconds=600, going=lambda: not over.is_set()
            )
        )

    def close(self) -> None:
        self.server.stop()
        self.redis.kill()
        if self.mounted:
            subprocess.run(["umount", str(self.disk)], check=True)


@contextlib.contextmanager
def running(made: Bench) -> Iterator[Bench]:
    try:
        with made.server:
            yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running(Bench(tmp_path_factory.mktemp("faults"))) as made:
        yield made


def live_through(
    bench: Bench, faults: list[Fault], seconds: float, refusals: frozenset[int] = frozenset()
) -> Traffic:
    """Let faults come and go while people ask; check what is answered and told meanwhile and afterwards.

    `refusals` are the statuses by which a busy machine may refuse, fault or no fault.
    """
    server, over = bench.server, threading.Event()
    found: list[Traffic] = []
    asking = threading.Thread(target=lambda: found.append(bench.ask_for_a_while(over)))
    before = watched(server) | {code for code in MACHINE if refusals}
    asking.start()
    try:
        over.wait(WARM)
        with contextlib.ExitStack() as lasting:  # the last one ends first: no model is loaded while it fails
            for fault in faults:
                fault.start(bench)
                lasting.callback(fault.stop, bench)
                wait_until(lambda fault=fault: is_told(fault, server), 60.0, server.alerts)
            over.wait(seconds)
        wait_until(lambda: watched(server) <= before, 120.0, lambda: watched(server))
    finally:
        over.set()
        asking.join()
    (traffic,) = found
    allowed = refusals.union({200}, *(fault.statuses for fault in faults))
    assert traffic.wrong == []
    assert set(traffic.statuses) <= allowed, str(traffic)
    assert traffic.broken == {} or any(fault.breaks for fault in faults), str(traffic)
    assert traffic.statuses[200] > 0, str(traffic)
    after = run(until_answered(server.port, bench.people[:100], connections=4))
    assert (after.wrong, after.statuses[200], set(after.statuses) - refusals) == ([], 100, {200})
    bench.answered.update(traffic.answered, after.answered)
    return traffic


def is_told(fault: Fault, server: Server) -> bool:
    """Say whether an alert shows that belongs to a fault."""
    return not fault.alerts or bool(fault.alerts & server.alerts())


def watched(server: Server) -> set[str]:
    """Give the open alerts that end with a fault; that lines were taken away is told for good."""
    others = ("deriva", "cache", "tiempo", "registro:lineas_faltantes")
    return {code for code in server.alerts() if not code.startswith(others)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_makes_no_answer_wrong_is_told_and_leaves_nothing_behind(
    kind: type[Fault], bench: Bench, long: bool, refusals: frozenset[int]
) -> None:
    print(kind.__name__, live_through(bench, [kind()], 10.0 if long else 0.5, refusals))


def test_faults_in_pairs_do_no_more_harm(bench: Bench, long: bool, refusals: frozenset[int]) -> None:
    # Without decisions nothing is written, so that the model fails last.
    pairs = itertools.combinations([*KINDS[1:], KINDS[0]], 2) if long else IN_CI
    for first, second in pairs:
        done = live_through(bench, [first(), second()], 3.0 if long else 0.5, refusals)
        print(first.__name__, second.__name__, done)


def test_told_to_stop_in_the_midst_of_faults_it_finishes_what_it_began(bench: Bench) -> None:
    over, found = threading.Event(), []
    asking = threading.Thread(target=lambda: found.append(bench.ask_for_a_while(over)))
    asking.start()
    breakage.RedisGone().start(bench)
    deaf = breakage.BadClients()
    deaf.start(bench)
    over.wait(WARM)
    try:
        assert bench.server.stop() in (0, -15)
    finally:
        over.set()
        asking.join()
        deaf.stop(bench)
    (traffic,) = found
    print(traffic)
    assert (traffic.wrong, set(traffic.statuses) - {200, 503}) == ([], set())
    bench.answered.update(traffic.answered)
    check_log(bench)


def test_a_hanging_model_and_another_fault(tmp_path: Path, long: bool, refusals: frozenset[int]) -> None:
    with running(Bench(tmp_path, "slow", SERVER_MODEL="", TIMEOUT_PREDICCION=1)) as bench:
        for kind in BESIDE_A_HANG if long else BESIDE_A_HANG[:1]:
            faults = [kind(), breakage.ModelHangs()]
            print(kind.__name__, "ModelHangs", live_through(bench, faults, 3.0 if long else 0.5, refusals))
        assert bench.server.stop() in (0, -15)
        check_log(bench)


def test_a_killed_process_and_another_fault(tmp_path: Path, long: bool, refusals: frozenset[int]) -> None:
    with running(Bench(tmp_path, None, workers=2, AUDIT_DURABLE=True)) as bench:
        for kind in BESIDE_A_KILL if long else BESIDE_A_KILL[:1]:
            faults = [kind(), breakage.ProcessKilled()]
            print(kind.__name__, "ProcessKilled", live_through(bench, faults, 3.0 if long else 0.5, refusals))
        assert bench.server.stop() in (0, -15)
        check_log(bench)


def check_log(bench: Bench) -> None:
    """Every decision that was answered stands in the log."""
    found = breakage.logged([folder for folder in bench.disk.iterdir() if folder.is_dir()])
    assert bench.answered
    assert bench.answered - found.keys() == set()
