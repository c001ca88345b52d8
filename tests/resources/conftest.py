"""Fixtures of the tests of resources: a host and a container of known size."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from helpers.resources import GB, Host


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
