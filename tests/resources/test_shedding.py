"""LoadShedder, alone and under a ResourceMonitor."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from helpers.resources import Watcher
from morosidad.resources.shedding import LoadShedder
from morosidad.workers import WorkerPool

# -- shedding --------------------------------------------------------------------------------------------


def test_high_memory_trims_and_collects_garbage(monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: done.append("collect"))
    LoadShedder(trim=[lambda: done.append("l1"), lambda: done.append("l2")]).free_memory()
    assert done == ["l1", "l2", "collect"]


def test_high_cpu_halves_the_pools_and_normal_cpu_gives_back_their_sizes():
    pools = [WorkerPool(5), WorkerPool(2)]
    shedder = LoadShedder(pools=iter(pools))
    sizes = []
    for _ in range(3):
        shedder.shrink()
        sizes.append([pool.size for pool in pools])
    assert sizes == [[2, 1], [1, 1], [1, 1]]
    shedder.restore()
    assert [pool.size for pool in pools] == [5, 2]
    pools[0].resize(3)
    shedder.restore()
    assert [pool.size for pool in pools] == [3, 2]


def test_a_monitor_sheds_and_takes_back(clock: Any):
    pool = WorkerPool(4)
    shedder = LoadShedder(pools=[pool])
    watcher = Watcher(clock, sustain=0.0, on_cpu_high=shedder.shrink, on_cpu_normal=shedder.restore)
    watcher.see(cpu=95.0)
    assert pool.size == 2
    watcher.see(cpu=95.0, seconds=30.0)
    assert pool.size == 1
    watcher.see(cpu=10.0)
    assert pool.size == 4
