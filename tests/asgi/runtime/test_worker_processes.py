"""What server processes tell each other: cache, drift and alerts of the whole."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from morosidad import DriftMonitor, Scorer, Settings, TieredCache
from morosidad.alerts import Alert
from morosidad.asgi.runtime.reloading import Reloader
from morosidad.asgi.runtime.worker_processes import ProcessReport, WorkerProcesses, all_cache_stats, all_drift
from morosidad.asgi.service import Service
from morosidad.kpis.server_sharing import OtherProcess
from morosidad.workers import WorkerPool

RECORD = {"edad": 41, "ingresos_mensuales": 2_400_000.0, "monto_credito": 6_000_000.0, "plazo_meses": 36}
ALERT = Alert("critical", "el disco está lleno", 5.0, "registro:disco_lleno")


def share(process: int, model: str = "m", alerts: tuple[Alert, ...] = ()) -> ProcessReport:
    cache: TieredCache[str, int] = TieredCache()
    cache.get("nothing")
    return ProcessReport(process, model, cache.stats(), None, alerts)


def write(shared: Path, told: ProcessReport, age: float = 0.0) -> Path:
    path = shared.with_name(f"{shared.name}.proceso-{told.process}")
    path.write_bytes(msgspec.json.encode(told))
    when = path.stat().st_mtime - age
    os.utime(path, (when, when))
    return path


@pytest.mark.parametrize("name", ["kpi", "kpi[1]"])
def test_a_process_hears_what_the_others_told_of_late(tmp_path: Path, name: str) -> None:
    shared = tmp_path / name
    write(shared, share(1))
    write(shared, share(2), age=20.0)
    gone = write(shared, share(3), age=100.0)
    (tmp_path / f"{name}.proceso-4").write_bytes(b"{torn")
    processes = WorkerProcesses(str(shared))
    assert [found.process for found in processes.exchange(lambda: share(os.getpid()))] == [1]
    assert processes.latest == (share(1),)
    assert not gone.exists()
    own = tmp_path / f"{name}.proceso-{os.getpid()}"
    assert msgspec.json.decode(own.read_bytes(), type=ProcessReport) == share(os.getpid())
    processes.leave()
    processes.leave()
    assert not own.exists()


def test_alone_nothing_is_told(tmp_path: Path) -> None:
    processes = WorkerProcesses(None)
    assert processes.exchange(lambda: pytest.fail("nobody listens")) == ()
    processes.leave()


def test_without_the_folder_there_is_still_this_process(tmp_path: Path) -> None:
    assert WorkerProcesses(str(tmp_path / "gone" / "kpi")).exchange(lambda: share(1)) == ()


def test_cache_counts_add_up() -> None:
    assert all_cache_stats(None, []) is None
    whole = all_cache_stats(share(1).cache, [share(2), share(3), ProcessReport(4, "m", None, None, ())])
    assert whole is not None
    assert whole.misses == 3


def test_drift_is_that_of_all_who_answer_with_the_same_model() -> None:
    reference = Scorer.default().drift_reference
    assert reference is not None
    own, other, whole = (DriftMonitor(reference, every=1) for _ in range(3))
    values = Scorer.default().schema.read(RECORD)[0]
    for number in range(30):
        (own if number % 2 else other).observe(values, 0.01 * number)
        whole.observe(values, 0.01 * number)
    shares = [
        ProcessReport(1, "m", None, other.totals(), ()),
        ProcessReport(2, "another", None, other.totals(), ()),
    ]
    assert all_drift(own, "m", shares) == whole.report()
    assert all_drift(own, "m", shares[1:]) == own.report()
    assert all_drift(None, "m", shares) is None
    with pytest.raises(ValueError, match="zip"):
        own.add(1, [1, 2])


def test_alerts_of_other_processes_open_here_and_close(tmp_path: Path) -> None:
    shared = tmp_path / "kpi"
    settings = Settings(audit_file=None, kpi_file=str(shared), rate_limit_enabled=False)
    service = Service(Scorer.default(), settings)
    path = write(shared, share(1, alerts=(ALERT,)))
    service.alert_monitor.check()
    (shown,) = service.alerts.active
    assert (shown.code, shown.message) == ("registro:disco_lleno@1", ALERT.message)
    told = msgspec.json.decode((tmp_path / f"kpi.proceso-{os.getpid()}").read_bytes(), type=ProcessReport)
    assert told.alerts == (), "what others told is not told again"
    service.alerts.set(ALERT.code, True, "critical", ALERT.message)
    service.alert_monitor.check()
    assert [alert.code for alert in service.alerts.active] == [ALERT.code]
    service.alerts.set(ALERT.code, False, "info", "")
    path.unlink()
    service.alert_monitor.check()
    assert service.alerts.active == ()
    service.kpis.close()


class Servers:
    """What hears other servers, in the place of a Redis."""

    def __init__(self, *others: Any) -> None:
        self.others = others
        self.failing = False
        self.closed = False

    def exchange(self, process: int, note: bytes) -> tuple[Any, ...]:
        self.told = process, msgspec.json.decode(note, type=ProcessReport)
        return self.others

    def close(self) -> None:
        self.closed = True


def heard(server: str, note: bytes, age: float = 0.0) -> OtherProcess:
    return OtherProcess(server, 1, None, age, note)  # type: ignore[arg-type]


def test_servers_tell_each_other_what_their_processes_do() -> None:
    note = msgspec.json.encode(share(7, alerts=(ALERT,)))
    told = heard("a:1", note), heard("b:1", note, age=60.0), heard("c:1", b"{torn"), heard("d:1", b"")
    servers: Any = Servers(*told)
    processes = WorkerProcesses(None, servers=servers)
    (found,) = processes.exchange(lambda: share(8))
    assert servers.told == (8, share(8))
    assert (found.server, found.place, found.alerts) == ("a:1", "a:1/7", (ALERT,))
    assert processes.latest == ()
    assert processes.elsewhere == processes.everywhere == (found,)
    processes.leave()
    assert servers.closed


def test_counts_of_drift_that_do_not_fit_are_left_out() -> None:
    scorer = Scorer.default()
    reference = Scorer.default().drift_reference
    own = DriftMonitor(reference)
    size = len(own.totals()[1])
    fitting = ProcessReport(1, scorer.digest, None, (3, [1] * size), ())
    report = all_drift(own, scorer.digest, [fitting, msgspec.structs.replace(fitting, drift=(5, [1]))])
    assert report is not None
    assert report.records == 3


def test_a_reload_of_another_server_is_followed_when_it_is_news() -> None:
    done: list[str] = []
    scorer = Scorer.default()
    reloader = Reloader(scorer, lambda: done.append("warm"), None)

    async def follow(announced: dict[str, str]) -> int:
        reloader.hear(announced)
        pool = WorkerPool(1)
        try:
            await reloader.follow(pool)
        finally:
            pool.close()
        return len(done)

    own = scorer._model.decision_digest
    for announced, times in (
        ({"a:1/7": "old"}, 0),  # it was so before this server began
        ({"a:1/7": "old", "b:1/7": ""}, 0),
        ({"a:1/7": own, "b:1/7": ""}, 0),  # what is here already
        ({"a:1/7": own, "b:1/7": "new"}, 1),
        ({"a:1/7": own, "b:1/7": "new"}, 1),
        ({}, 1),
    ):
        assert asyncio.run(follow(announced)) == times
