"""Limits, samples, the monitor with its hysteresis, and what it sheds."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.resources import (
    HardwareLimits,
    ResourceMonitor,
    ResourceReader,
    ResourceSample,
    hardware_limits,
)
from morosidad.resources.shedding import LoadShedder
from morosidad.workers import WorkerPool

LONG = 30.0
GB = 1 << 30

Memory = namedtuple("Memory", "total available")
Cpu = namedtuple("Cpu", "user idle iowait guest guest_nice")


def sample(memory: float = 50.0, cpu: float | None = 50.0) -> ResourceSample:
    return ResourceSample(memory_used=int(memory), memory_limit=100, memory_percent=memory, cpu_percent=cpu)


class Host:
    """A made-up host: 8 GB, of which 2 are in use, and four CPUs with clocks that tests move."""

    def __init__(self) -> None:
        self.memory = Memory(8 * GB, 6 * GB)
        self.cpus = [Cpu(10.0, 90.0, 0.0, 0.0, 0.0) for _ in range(4)]
        self.allowed = {0, 1, 2, 3}

    def work(self, busy: float, idle: float, *, waiting: float = 0.0, only: int | None = None) -> None:
        for number, cpu in enumerate(self.cpus):
            if only in (None, number):
                self.cpus[number] = Cpu(
                    cpu.user + busy,
                    cpu.idle + idle,
                    cpu.iowait + waiting,
                    cpu.guest + busy / 2,
                    cpu.guest_nice,
                )


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: host.memory)
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: host.cpus)
    monkeypatch.setattr(psutil, "cpu_count", lambda: len(host.cpus))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: host.allowed, raising=False)
    return host


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """Half a CPU and 1 GB, of which a quarter is in use."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{GB}\n")
    (group / "memory.current").write_text(f"{GB // 4}\n")
    (group / "cpu.max").write_text("50000 100000\n")
    (group / "cpu.stat").write_text("usage_usec 0\n")
    return tmp_path


# -- limits ----------------------------------------------------------------------------------------------


def test_limits_are_the_hosts_where_nothing_else_limits(host: Host, tmp_path: Path):
    assert hardware_limits(tmp_path) == HardwareLimits(cpus=4.0, memory=8 * GB)


def test_limits_are_the_containers_where_it_has_some(host: Host, container: Path):
    limits = hardware_limits(str(container))
    assert limits == HardwareLimits(cpus=0.5, memory=GB)
    assert limits.workers == 1


def test_a_limit_above_the_host_is_none(host: Host, container: Path):
    host.memory = Memory(GB // 2, GB // 4)
    host.allowed = {2}
    (container / "sys/fs/cgroup/cpu.max").write_text("300000 100000\n")
    assert hardware_limits(container) == HardwareLimits(cpus=1.0, memory=GB // 2)


def test_only_the_cpus_that_the_scheduler_allows_count(host: Host, tmp_path: Path):
    host.allowed = {1, 3}
    assert hardware_limits(tmp_path).cpus == 2.0


def test_a_system_that_pins_no_process_has_all_its_cpus(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert hardware_limits(tmp_path).cpus == 4.0


@pytest.mark.parametrize(("cpus", "workers"), [(0.1, 1), (1.0, 1), (1.5, 2), (8.0, 8)])
def test_workers_are_the_cpus_rounded_up(cpus: float, workers: int):
    assert HardwareLimits(cpus=cpus, memory=GB).workers == workers


def test_this_machine_has_limits():
    limits = hardware_limits()
    assert 0 < limits.cpus <= (os.cpu_count() or 1)
    assert 0 < limits.memory <= psutil.virtual_memory().total


# -- samples ---------------------------------------------------------------------------------------------


def test_memory_is_the_hosts_without_a_container(host: Host, tmp_path: Path):
    taken = ResourceReader(tmp_path)()
    assert (taken.memory_used, taken.memory_limit, taken.memory_percent) == (2 * GB, 8 * GB, 25.0)


def test_memory_is_the_containers_within_one(host: Host, container: Path):
    taken = ResourceReader(container)()
    assert (taken.memory_used, taken.memory_limit, taken.memory_percent) == (GB // 4, GB, 25.0)
    (container / "sys/fs/cgroup/memory.current").write_text(f"{2 * GB}\n")
    assert ResourceReader(container)().memory_percent == 100.0


@pytest.mark.parametrize("missing", ["memory.current", "memory.max"])
def test_memory_is_the_hosts_when_the_container_does_not_say(host: Host, container: Path, missing: str):
    (container / "sys/fs/cgroup" / missing).unlink()
    assert ResourceReader(container)().memory_limit == 8 * GB


def test_memory_is_the_hosts_when_the_containers_limit_is_beyond_it(host: Host, container: Path):
    (container / "sys/fs/cgroup/memory.max").write_text("9223372036854771712\n")
    taken = ResourceReader(container)()
    assert (taken.memory_used, taken.memory_limit) == (2 * GB, 8 * GB)


def test_cpu_is_unknown_before_time_has_passed_and_then_the_share_that_was_busy(host: Host, tmp_path: Path):
    read = ResourceReader(tmp_path)
    assert read().cpu_percent is None
    host.work(busy=3.0, idle=1.0)
    assert read().cpu_percent == 75.0
    assert read().cpu_percent == 75.0
    host.work(busy=0.0, idle=3.0, waiting=1.0)
    assert read().cpu_percent == 0.0


def test_cpu_counts_only_where_this_process_may_run(host: Host, tmp_path: Path):
    host.allowed = {1}
    read = ResourceReader(tmp_path)
    host.work(busy=4.0, idle=0.0, only=0)
    host.work(busy=1.0, idle=3.0, only=1)
    assert read().cpu_percent == 25.0


def test_cpu_is_a_share_of_the_containers_quota(host: Host, container: Path, clock: Any):
    read = ResourceReader(container, clock=clock)
    clock.advance(10.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 4000000\n")
    assert read().cpu_percent == pytest.approx(80.0)
    clock.advance(1.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 9000000\n")
    assert read().cpu_percent == 100.0


def test_cpu_starts_anew_when_the_quota_changes(host: Host, container: Path, clock: Any):
    read = ResourceReader(container, clock=clock)
    clock.advance(1.0)
    assert read().cpu_percent == 0.0
    (container / "sys/fs/cgroup/cpu.max").write_text("100000 100000\n")
    clock.advance(1.0)
    assert read().cpu_percent is None
    clock.advance(1.0)
    (container / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 500000\n")
    assert read().cpu_percent == pytest.approx(50.0)


def test_cpu_is_the_hosts_when_the_quota_is_wider_or_its_use_unknown(host: Host, container: Path):
    (container / "sys/fs/cgroup/cpu.stat").unlink()
    read = ResourceReader(container)
    host.work(busy=1.0, idle=1.0)
    assert read().cpu_percent == 50.0


def test_this_machine_gives_a_sample():
    taken = ResourceReader()()
    assert 0 < taken.memory_percent <= 100
    assert 0 < taken.memory_used <= taken.memory_limit


def test_samples_go_out_under_spanish_names():
    assert set(msgspec.to_builtins(sample())) == {"memoria_usada", "memoria_limite", "uso_memoria", "uso_cpu"}


# -- the monitor -----------------------------------------------------------------------------------------


class Watcher:
    """A monitor on made-up samples, and the names of the calls that it made."""

    def __init__(self, clock: Any, **options: Any) -> None:
        self.calls: list[str] = []
        self.clock = clock
        self.now = sample()
        names = ("on_memory_high", "on_memory_normal", "on_cpu_high", "on_cpu_normal", "on_cleanup")
        hooks = {name: self.hook(name.removeprefix("on_")) for name in names}
        self.monitor = ResourceMonitor(read=lambda: self.now, clock=clock, **(hooks | options))

    def hook(self, name: str) -> Callable[[ResourceSample], None]:
        return lambda _: self.calls.append(name)

    def see(self, *, memory: float = 50.0, cpu: float | None = 50.0, seconds: float = 1.0) -> list[str]:
        self.now = sample(memory, cpu)
        self.clock.advance(seconds)
        self.calls.clear()
        self.monitor.poll()
        return list(self.calls)


def test_the_latest_sample_is_at_hand(clock: Any):
    watcher = Watcher(clock)
    assert watcher.monitor.latest is None
    taken = watcher.monitor.poll()
    assert watcher.monitor.latest is taken is watcher.now


def test_a_level_is_high_once_it_has_stayed_over_its_limit(clock: Any):
    watcher = Watcher(clock, sustain=3.0)
    assert watcher.see(memory=85.1) == []
    assert watcher.see(memory=99.0, seconds=2.9) == []
    assert not watcher.monitor.memory_high
    assert watcher.see(memory=86.0) == ["memory_high"]
    assert watcher.monitor.memory_high
    assert not watcher.monitor.cpu_high


def test_a_moment_over_the_limit_changes_nothing(clock: Any):
    watcher = Watcher(clock, sustain=3.0)
    for _ in range(3):
        assert watcher.see(cpu=100.0, seconds=2.0) == []
        assert watcher.see(cpu=80.0, seconds=2.0) == []


def test_a_level_is_normal_once_it_has_stayed_well_below_its_limit(clock: Any):
    watcher = Watcher(clock, sustain=3.0, margin=10.0)
    watcher.see(cpu=81.0)
    assert watcher.see(cpu=81.0, seconds=3.0) == ["cpu_high"]
    assert watcher.see(cpu=70.0, seconds=10.0) == []
    assert watcher.see(cpu=69.0) == []
    assert watcher.see(cpu=75.0, seconds=3.0) == []
    assert watcher.see(cpu=69.0) == []
    assert watcher.see(cpu=0.0, seconds=3.0) == ["cpu_normal"]
    assert not watcher.monitor.cpu_high


def test_the_call_is_made_again_while_the_level_is_over_its_limit(clock: Any):
    watcher = Watcher(clock, sustain=0.0, repeat=30.0)
    assert watcher.see(memory=90.0) == ["memory_high"]
    assert watcher.see(memory=90.0, seconds=29.0) == []
    assert watcher.see(memory=90.0, seconds=1.0) == ["memory_high"]
    assert watcher.see(memory=80.0, seconds=30.0) == []
    assert watcher.see(memory=90.0, seconds=1.0) == ["memory_high"]


def test_an_unknown_level_is_neither_high_nor_normal(clock: Any):
    watcher = Watcher(clock, sustain=0.0)
    assert watcher.see(cpu=None) == []
    assert watcher.see(cpu=90.0) == ["cpu_high"]
    assert watcher.see(cpu=None, seconds=100.0) == []
    assert watcher.monitor.cpu_high


@given(
    levels=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 3)), max_size=60), sustain=st.integers(0, 4)
)
def test_calls_alternate_and_follow_from_what_was_seen(levels: list[tuple[int, int]], sustain: int):
    now = 0.0
    watcher = Watcher(lambda: now, sustain=float(sustain), repeat=float("inf"), cleanup_interval=float("inf"))
    seen: list[tuple[float, int]] = []
    high = False
    for percent, seconds in levels:
        now += seconds
        seen.append((now, percent))
        watcher.now = sample(memory=float(percent))
        watcher.calls.clear()
        watcher.monitor.poll()
        # A plain model: look back over everything since the level last was on its own side.
        other_side = [percent < 75 if high else percent > 85 for _, percent in seen]
        first = len(seen)
        while first and other_side[first - 1]:
            first -= 1
        if first < len(seen) and now - seen[first][0] >= sustain:
            high = not high
            seen.clear()
            assert watcher.calls == ["memory_high" if high else "memory_normal"]
        else:
            assert watcher.calls == []
        assert watcher.monitor.memory_high is high


def test_every_sample_is_handed_on(clock: Any):
    samples: list[ResourceSample] = []
    watcher = Watcher(clock, on_sample=samples.append)
    watcher.see(memory=10.0)
    watcher.see(memory=20.0)
    assert [each.memory_percent for each in samples] == [10.0, 20.0]


def test_cleaning_up_is_due_from_time_to_time(clock: Any):
    watcher = Watcher(clock, cleanup_interval=300.0)
    assert watcher.see(seconds=299.0) == []
    assert watcher.see(seconds=1.0) == ["cleanup"]
    assert watcher.see(seconds=299.0) == []
    assert watcher.see(seconds=301.0) == ["cleanup"]


def test_a_callback_that_raises_is_logged_and_stops_nothing(clock: Any, caplog: pytest.LogCaptureFixture):
    def fail(_: ResourceSample) -> None:
        raise KeyError("callback")

    watcher = Watcher(clock, on_sample=fail, sustain=0.0)
    with caplog.at_level(logging.WARNING, "morosidad.resources"):
        assert watcher.see(memory=90.0) == ["memory_high"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "Memoria alta: 90 %" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"interval": 0.0},
        {"memory_limit_percent": 101.0},
        {"cpu_limit_percent": 10.0, "margin": 10.0},
        {"margin": -1.0},
    ],
)
def test_senseless_options_are_refused(options: dict[str, float]):
    with pytest.raises(ValueError, match=r"interval|limit"):
        ResourceMonitor(**options)


# -- the monitor's thread --------------------------------------------------------------------------------


@pytest.fixture
def sampled() -> Iterator[tuple[ResourceMonitor, threading.Semaphore]]:
    """A monitor that samples as fast as it can, and a semaphore that counts its samples."""
    count = threading.Semaphore(0)
    monitor = ResourceMonitor(interval=1e-4, read=sample, on_sample=lambda _: count.release())
    yield monitor, count
    monitor.stop()


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "recursos"]


def test_nothing_runs_before_the_start_and_after_the_stop(
    sampled: tuple[ResourceMonitor, threading.Semaphore],
):
    monitor, count = sampled
    assert running() == []
    assert monitor.start() is monitor
    monitor.start()
    assert len(running()) == 1
    assert count.acquire(timeout=LONG)
    monitor.stop()
    monitor.stop()
    assert running() == []


def test_a_monitor_can_be_started_again(sampled: tuple[ResourceMonitor, threading.Semaphore]):
    monitor, count = sampled
    for _ in range(2):
        with monitor:
            assert count.acquire(timeout=LONG)
        assert running() == []


def test_a_callback_may_stop_the_monitor():
    stopped = threading.Event()

    def stop(_: ResourceSample) -> None:
        monitor.stop()
        stopped.set()

    monitor = ResourceMonitor(interval=1e-4, read=sample, on_sample=stop).start()
    threads = running()
    assert stopped.wait(LONG)
    for thread in threads:
        thread.join(LONG)
    assert running() == []


def test_a_measurement_that_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture):
    again = threading.Event()
    attempts: list[int] = []

    def read() -> ResourceSample:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("gone")
        again.set()
        return sample()

    with caplog.at_level(logging.ERROR, "morosidad.resources"), ResourceMonitor(interval=1e-4, read=read):
        assert again.wait(LONG)
    assert "No se pudieron medir" in caplog.text


def test_stopping_takes_back_what_was_given_up(clock: Any):
    watcher = Watcher(clock, sustain=0.0)
    watcher.see(memory=90.0, cpu=90.0)
    watcher.calls.clear()
    watcher.monitor.stop()
    assert watcher.calls == ["memory_normal", "cpu_normal"]
    watcher.monitor.stop()
    assert watcher.calls == ["memory_normal", "cpu_normal"]
    assert not watcher.monitor.memory_high


def test_by_default_the_monitor_measures_this_machine():
    taken = ResourceMonitor().poll()
    assert taken.memory_used > 0


def test_importing_loads_nothing_heavy_and_starts_no_thread():
    code = (
        "import sys, threading, morosidad.resources, morosidad.workers;"
        "print(threading.active_count(), {'psutil', 'numpy', 'pandas'} & set(sys.modules))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "1 set()\n"


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
