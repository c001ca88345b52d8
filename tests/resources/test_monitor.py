"""ResourceMonitor: high and normal levels, callbacks and its thread."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.resources import Watcher, sample
from morosidad.resources import (
    ResourceMonitor,
    ResourceSample,
)
from support import LONG


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
    assert "memory high: 90 %" in caplog.text


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
    assert "the resources could not be measured" in caplog.text


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
