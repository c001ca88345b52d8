"""Hardware limits of the host and of a container."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from helpers.resources import GB, Host, Memory
from morosidad.resources import (
    HardwareLimits,
    hardware_limits,
)

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
