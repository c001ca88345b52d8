"""After a fork, work that was under way in threads of the parent: tasks, samples, recovery."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any

import pytest

from helpers.workers import Gate, held
from morosidad.cache import TieredCache
from morosidad.errors import Overloaded
from morosidad.kpis import KPITracker
from morosidad.kpis.live import LiveMetrics
from morosidad.recovery import RecoveryLevel, RecoveryPolicy
from morosidad.resources import ResourceMonitor
from morosidad.resources.reader import ResourceSample
from morosidad.workers import MicroBatcher, WorkerPool
from processes.forked import held_by_another_thread, in_child
from support import LONG

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning"),
]


def _sample() -> ResourceSample:
    return ResourceSample(memory_percent=50.0, cpu_percent=10.0, memory_used=1, memory_limit=2)


def test_tasks_of_the_parent_are_refused_in_the_child_and_done_in_the_parent():
    gate, one = Gate(), []
    with WorkerPool(1) as pool, MicroBatcher(lambda rows: [gate(row) for row in rows]) as batcher:
        running = held(pool, gate)
        tasks = [running, pool.submit(abs, -3), batcher.submit(4), pool.submit(abs, -5)]
        done = WorkerPool(1).submit(abs, -6)
        assert done.result(LONG) == 6

        def refused() -> Any:
            for task in tasks[:-1]:
                with pytest.raises(Overloaded, match="forked"):
                    task.result()
            one.append(tasks[-1].cancel())
            return done.result(), one, pool.submit(abs, -7).result(LONG), pool.stats().running

        with held_by_another_thread(*(task._condition for task in (*tasks, done))):
            assert in_child(refused) == (6, [False], 7, 0)
        gate.opened.set()
        assert [task.result(LONG) for task in tasks] == [None, 3, 4, 5]


def test_a_task_of_the_parent_is_refused_to_a_coroutine_too():
    gate = Gate()
    with WorkerPool(1) as pool:
        task = held(pool, gate)

        async def ask() -> str:
            try:
                return str(await task)
            except Overloaded:
                return "refused"

        assert in_child(lambda: asyncio.run(ask())) == "refused"
        gate.opened.set()


def test_threads_in_the_background_go_on_in_the_child():
    cache: TieredCache[str, int] = TieredCache(10, 10, 60)
    ticks: list[int] = []
    monitor = ResourceMonitor(interval=0.001, read=_sample, on_sample=lambda _: ticks.append(os.getpid()))
    live = LiveMetrics(KPITracker(), interval=0.001)
    with monitor, live, cache.expire_every(0.001) as expiry:

        def run() -> bool:
            while os.getpid() not in ticks or not live.history or not expiry._thread.is_alive():
                time.sleep(0.001)
            monitor.stop()
            live.close()
            expiry.stop()
            return monitor._thread is None and live._thread is None

        live._history.clear()
        assert in_child(run)
    assert not in_child(lambda: monitor._thread or live._thread or expiry._thread.is_alive())


def test_a_run_of_recovery_in_the_parent_holds_nobody_up_in_the_child():
    entered, release = threading.Event(), threading.Event()

    def remedy(_: Any) -> None:
        entered.set()
        assert release.wait(LONG)

    policy = RecoveryPolicy([RecoveryLevel("one", (remedy,), LONG)], deadline=LONG)
    broken = [True]

    def fn() -> str:
        if broken:
            raise ValueError
        return "fine"

    leader = threading.Thread(target=lambda: policy.call(fn))
    leader.start()
    assert entered.wait(LONG)

    def child() -> tuple[str, int]:
        release.set()
        broken.clear()
        return policy.call(fn), policy.stats().abandoned

    assert in_child(child) == ("fine", 0)
    broken.clear()
    release.set()
    leader.join()
