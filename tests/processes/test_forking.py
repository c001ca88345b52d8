"""After a fork every part works in the child, whatever threads of the parent were doing."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from helpers.workers import Gate
from morosidad import Scorer
from morosidad.alerts import AlertBook
from morosidad.audit import AuditContext, AuditLog, find_logs, read, verify
from morosidad.cache import TieredCache
from morosidad.cache.redis import RedisTier
from morosidad.cache.store import StripedLocks
from morosidad.kpis import KPITracker
from morosidad.kpis.live import LiveMetrics
from morosidad.monitoring.drift import DriftMonitor
from morosidad.processes.forking import _Process, forks, was_held
from morosidad.recovery import RecoveryPolicy
from morosidad.recovery.bulkhead import Bulkhead
from morosidad.resources import ResourceMonitor
from morosidad.resources.reader import ResourceSample
from morosidad.workers import MicroBatcher, WorkerPool
from processes.forked import held_by_another_thread, in_child
from scoring_parts import RECORD, scorer_with
from support import LONG

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning"),
]


class Part(NamedTuple):
    """A part, the locks that its threads hold at some moment, and a use of it with its answer."""

    make: Callable[[], Any]
    locks: Callable[[Any], list[Any]]
    use: Callable[[Any], Any]
    answer: Any


def _cached(cache: TieredCache[str, int]) -> Any:
    return cache.get_or_compute("k", lambda: 3), cache.pop("k"), len(cache)


def _recovered(policy: RecoveryPolicy) -> str:
    calls = iter([ValueError("first"), "second"])

    def once_failing() -> str:
        answer = next(calls)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return policy.call(once_failing)


def _redis() -> RedisTier[int]:
    pool = types.SimpleNamespace(connection_kwargs={})
    kept: dict[bytes, bytes] = {}
    client = types.SimpleNamespace(
        connection_pool=pool, set=lambda name, value, px: kept.update({name: value}), close=kept.clear
    )
    return RedisTier(client)  # type: ignore[arg-type]


def _sample() -> ResourceSample:
    return ResourceSample(memory_percent=50.0, cpu_percent=10.0, memory_used=1, memory_limit=2)


def _logged(log: AuditLog) -> tuple[bool, bool]:
    return _append(log, "child"), log.flush()


def _append(log: AuditLog, request_id: str) -> bool:
    context = AuditContext(
        model="m", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=("edad",)
    )
    decision = types.SimpleNamespace(
        probability=0.1,
        probabilities=(0.9, 0.1),
        label=0,
        confidence=0.9,
        outcome="aprobar",
        reasons=(),
        warnings=(),
        cached=None,
        degraded=False,
        request_id=request_id,
    )
    return log.append(context, decision, (30,), 0.1)


@pytest.fixture
def parts(tmp_path) -> dict[str, Part]:
    def log() -> AuditLog:
        return AuditLog(tmp_path / "d.jsonl", usage=lambda: (None, None))

    def live() -> LiveMetrics:
        return LiveMetrics(KPITracker(), interval=0.001)

    return {
        "alerts": Part(AlertBook, lambda p: [p._lock], lambda p: p.set("A1", True, "info", "x"), None),
        "figures": Part(
            KPITracker,
            lambda p: [p._lock, p._diagnosis._lock] if hasattr(p, "_diagnosis") else [p._lock],
            lambda p: (p.record(0.01), p.report().predictions, p.lifetime().total)[1:],
            (1, 1),
        ),
        "live metrics": Part(live, lambda p: [p._lock, p.tracker._lock], lambda p: bool(p.tick()), True),
        "cache": Part(lambda: TieredCache(10, 10, 60), lambda p: [p._lock], _cached, (3, 3, 0)),
        "striped locks": Part(StripedLocks, lambda p: p._locks, lambda p: p.all().__enter__(), None),
        "redis": Part(_redis, lambda p: [p._lock], lambda p: p.set("a", 1, 5.0), None),
        "pool": Part(lambda: WorkerPool(1), lambda p: [p._lock], lambda p: p.submit(abs, -2).result(LONG), 2),
        "micro-batcher": Part(
            lambda: MicroBatcher(list),
            lambda p: [p._lock, p._pool._lock],
            lambda p: p.submit(2).result(LONG),
            2,
        ),
        "monitor": Part(
            lambda: ResourceMonitor(read=_sample),
            lambda p: [p._lock],
            lambda p: p.poll().cpu_percent,
            10.0,
        ),
        "bulkhead": Part(
            lambda: Bulkhead(1, "b"), lambda p: [p._lock], lambda p: p.submit(abs, -2).result(LONG), 2
        ),
        "recovery": Part(
            RecoveryPolicy,
            lambda p: [p._breaker._lock, p._events._lock, p._escalation.bulkhead._lock],
            lambda p: (_recovered(p), p.stats().state),
            ("second", "cerrada"),
        ),
        "log": Part(log, lambda p: [p._lock, p._io, p._encoding, p._notifier._lock], _logged, (True, True)),
    }


NAMES = ["alerts", "figures", "live metrics", "cache", "striped locks", "redis"]
NAMES += ["pool", "micro-batcher", "monitor", "bulkhead", "recovery", "log"]


@pytest.mark.parametrize("name", NAMES)
def test_locks_that_threads_of_the_parent_hold_bar_nobody_in_the_child(parts, name):
    part = parts[name]
    own = part.make()
    locks = part.locks(own)
    with held_by_another_thread(*locks):
        assert in_child(lambda: part.use(own)) == part.answer
    assert part.use(own) == part.answer  # and the parent's own goes on
    if hasattr(own, "close"):
        own.close()


def test_drift_is_counted_by_each_process_for_itself(trained):
    scorer = scorer_with(trained)
    monitor = DriftMonitor(scorer.drift_reference, every=1)
    values = [None] * len(scorer.drift_reference.fields)
    monitor.observe(values, 0.5)
    with held_by_another_thread(monitor._lock):
        assert in_child(lambda: (monitor.observe(values, 0.5), monitor._records)[1]) == 1
    assert monitor._records == 1


def test_a_cache_keeps_its_entries_and_computes_what_was_in_flight(parts):
    cache: TieredCache[str, int] = TieredCache(10, 10, 60)
    cache["known"] = 1
    gate = Gate()
    threads = [threading.Thread(target=cache.get_or_compute, args=("k", lambda: gate(7))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert gate.entered.wait(LONG)
    while not cache.stats().waits:
        time.sleep(0.001)
    assert in_child(lambda: (cache["known"], cache.get_or_compute("k", lambda: 8))) == (1, 8)
    gate.opened.set()
    for thread in threads:
        thread.join()
    assert cache["k"] == 7


def test_a_fork_within_a_computation_answers_in_both_processes():
    cache: TieredCache[str, Any] = TieredCache(10, 10, 60)
    go_on, asked = threading.Event(), threading.Event()

    def other() -> None:
        asked.set()
        cache.get_or_compute("k", lambda: 0)

    def compute() -> Any:
        thread = threading.Thread(target=other)
        thread.start()
        while not cache.stats().waits:
            time.sleep(0.001)
        child = in_child(lambda: cache.get_or_compute("k", lambda: "the child's"))
        return child, go_on.set()

    assert cache.get_or_compute("k", compute) == ("the child's", None)


def test_a_cache_that_was_being_changed_begins_empty():
    cache: TieredCache[str, int] = TieredCache(10, 10, 60)
    cache["k"] = 1
    with held_by_another_thread(cache._lock):
        assert in_child(lambda: (len(cache), cache.get_or_compute("k", lambda: 2))) == (0, 2)
    assert cache["k"] == 1


def test_the_log_of_a_child_is_a_file_of_its_own_and_all_chains_are_valid(tmp_path):
    path = tmp_path / "d.jsonl"
    stop = threading.Event()
    with AuditLog(path, usage=lambda: (None, None), buffer_size=5, flush_interval=0.001) as log:
        _append(log, "parent")
        assert log.flush()
        appended = [1]

        def busy() -> None:
            while not stop.is_set():
                _append(log, "parent")
                appended[0] += 1

        thread = threading.Thread(target=busy)
        thread.start()

        def child() -> str:
            assert all(_append(log, "child") for _ in range(20))
            log.close()
            return log.stats().path

        files = [in_child(child) for _ in range(5)]
        stop.set()
        thread.join()
    assert str(path) not in files
    assert all(verify(found).ok for found in find_logs(path))
    ids = [line.request_id for line in read(find_logs(path))]
    assert (ids.count("child"), ids.count("parent")) == (100, appended[0])


def test_a_log_that_was_closed_stays_closed_in_the_child(tmp_path):
    log = AuditLog(tmp_path / "d.jsonl", usage=lambda: (None, None))
    log.close()
    assert in_child(lambda: _append(log, "x")) is False


def test_a_scorer_with_all_its_parts_decides_in_children_while_it_is_busy(trained, tmp_path):
    kpis = KPITracker(shared=tmp_path / "k")
    log = AuditLog(tmp_path / "d.jsonl", usage=lambda: (None, None), flush_interval=0.001)
    scorer = scorer_with(
        trained, cache=TieredCache(10, 10, 60), kpis=kpis, recovery=RecoveryPolicy(), audit=log
    )
    expected = scorer.score_one(RECORD).probability
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            scorer.score_one(RECORD)
            kpis.report()

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()

    def child() -> tuple[float, int]:
        decisions = [scorer.score_one(RECORD) for _ in range(20)]
        log.close()
        return decisions[-1].probability, log.stats().lost

    try:
        answers = [in_child(child) for _ in range(5)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        log.close()
        kpis.close()
    assert answers == [(expected, 0)] * 5
    assert all(verify(found).ok for found in find_logs(tmp_path / "d.jsonl"))


def test_a_reload_in_the_parent_does_not_bar_the_child(trained, tmp_path):
    scorer_with(trained).save(tmp_path / "m.morosidad")
    scorer = Scorer.load(tmp_path / "m.morosidad")
    with held_by_another_thread(scorer._path._activating, scorer._path.reloading):
        digest = in_child(lambda: (scorer.reload(tmp_path / "m.morosidad"), scorer.digest)[1])
    assert digest == scorer.digest


class _Counting:
    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.times = 0

    def _after_fork(self) -> None:
        self.times += 1
        if self.fails:
            raise ValueError("x")


def test_one_part_that_fails_bars_no_other(caplog):
    process = _Process()
    process.hooked = True
    first, second = _Counting(fails=True), _Counting()
    for part in (first, second, second):
        process.add(part)
    with caplog.at_level(logging.ERROR):
        process.renew()
    assert (first.times, second.times, process.forks) == (1, 1, 1)
    assert "_Counting" in caplog.text


def test_parts_are_held_weakly():
    process = _Process()
    process.hooked = True
    part = _Counting()
    process.add(part)
    del part
    gc.collect()
    assert not process.parts
    process.renew()


def test_where_there_are_no_forks_none_are_watched(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    process = _Process()
    part = _Counting()
    process.add(part)
    assert not process.hooked
    assert part.times == 0


def test_forks_are_counted():
    assert in_child(forks) == forks() + 1
    lock = threading.Lock()
    assert not was_held(lock)
    assert was_held(lock)
