from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from morosidad.errors import ConfigurationError
from morosidad.kpis import KPITracker
from morosidad.processes import forking

WORK = """
import sys
from morosidad.kpis import KPITracker

tracker = KPITracker(shared=sys.argv[1], processes=int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    tracker.record(0.01, probability=0.9)
tracker.observe_resources(connections=2)
print("ready", flush=True)
sys.stdin.read()
"""


def test_figures_are_not_written_through_a_link(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"")
    (tmp_path / "kpi").symlink_to(other)
    with pytest.raises(OSError, match="kpi"):
        KPITracker(shared=tmp_path / "kpi")
    assert other.read_bytes() == b""


FORK = """
import os, sys
from morosidad.kpis import KPITracker

tracker = KPITracker(shared=sys.argv[1] or None, processes=2)
tracker.record(0.01)
if os.fork() == 0:
    tracker.record(0.01)
    tracker.record(0.01)
    print("child", tracker.lifetime().total, flush=True)
    os._exit(0)
os.wait()
tracker.record(0.01)
print("parent", tracker.lifetime().total)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kpis"


@pytest.fixture
def worker(path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes that have recorded so many predictions when the call returns."""
    started = []

    def start(predictions: int, processes: int = 4) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WORK, path, str(processes), str(predictions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.communicate()


def test_any_process_shows_the_whole_and_a_killed_one_leaves_with_the_window(path, worker):
    ahead = 0.0
    tracker = KPITracker(shared=path, processes=4, clock=lambda: time.monotonic() + ahead)
    tracker.record(0.01, probability=0.1)
    tracker.observe_resources(connections=1)
    killed, ended = worker(100), worker(50)
    report = tracker.report()
    assert report.predictions == 151
    assert report.metrics.predictions_today == 151
    assert report.metrics.default_ratio == 150.0
    assert report.metrics.connections == 5
    killed.kill()
    killed.wait()
    ended.communicate()
    assert tracker.report().predictions == 151
    worker(7)
    assert tracker.report().predictions == 158
    ahead = 301.0
    assert tracker.report().predictions == 0
    assert tracker.report().metrics.predictions_today == 158
    assert tracker.lifetime().total == 158


def test_the_lane_of_a_dead_process_goes_to_the_next_that_asks(path, worker):
    tracker = KPITracker(shared=path, processes=2)
    for _ in range(2):
        process = worker(1, processes=2)
        with pytest.raises(ConfigurationError, match="no room"):
            KPITracker(shared=path, processes=2)
        process.kill()
        process.wait()
    assert tracker.lifetime().total == 2


def test_trackers_of_one_process_have_lanes_of_their_own(path):
    one = KPITracker(shared=path, processes=2)
    other = KPITracker(shared=path, processes=2)
    one.record(0.01)
    other.record(0.01)
    assert one.report().predictions == other.report().predictions == 2


def test_a_closed_tracker_gives_its_lane_back_and_counts_for_itself(path):
    one = KPITracker(shared=path, processes=2)
    with KPITracker(shared=path, processes=2) as other:
        other.record(0.01)
    other.record(0.01)
    other.record(0.01)
    assert other.report().predictions == 2
    assert one.report().predictions == 1
    third = KPITracker(shared=path, processes=2)
    third.record(0.01)
    assert one.report().predictions == 2


def test_a_tracker_that_is_dropped_gives_its_lane_back(path):
    kept = KPITracker(shared=path, processes=2)
    KPITracker(shared=path, processes=2).record(0.01)
    KPITracker(shared=path, processes=2).record(0.01)
    assert kept.report().predictions == 2


def test_the_first_process_starts_the_file_afresh(path, worker):
    worker(100).communicate()
    tracker = KPITracker(shared=path, processes=4)
    assert tracker.lifetime().total == 0
    assert tracker.report().metrics.predictions_today == 0


def test_one_file_for_this_user_alone_is_all_there_is(path, worker):
    tracker = KPITracker(shared=path, processes=4)
    worker(1)
    assert [file.name for file in path.parent.iterdir()] == ["kpis"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tracker.report().predictions == 1


@pytest.mark.parametrize("content", [b"x", b"not counts at all" * 1000])
def test_a_file_of_something_else_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not a file of shared counts"):
        KPITracker(shared=path)
    assert path.read_bytes() == content


def test_another_shape_is_refused_while_the_file_is_in_use(path):
    tracker = KPITracker(shared=path)
    for other in ({"window": 60}, {"subwindows": 60}, {"processes": 3}):
        with pytest.raises(ConfigurationError, match="in use"):
            KPITracker(shared=path, **other)
    tracker.close()
    other = KPITracker(60, shared=path, processes=3)
    other.record(0.01)
    assert other.report().predictions == 1


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room on a disk")
def test_a_full_disk_is_an_error_at_the_beginning(path, monkeypatch):
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="no space left"):
        KPITracker(shared=path)


def test_a_file_can_be_shared_where_no_room_can_be_reserved(path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    tracker = KPITracker(shared=path)
    tracker.record(0.01)
    assert tracker.report().predictions == 1


def test_only_the_process_that_took_a_lane_gives_it_back(path, monkeypatch):
    tracker = KPITracker(shared=path, processes=1)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        tracker.close()
    with pytest.raises(ConfigurationError, match="no room"):
        KPITracker(shared=path, processes=1)


@pytest.fixture
def fork(monkeypatch) -> Callable[[], None]:
    """Run what would run in a forked child."""
    process = forking._Process()
    process.hooked = True
    monkeypatch.setattr(forking, "_process", process)
    return process.renew


def test_a_child_begins_with_nothing_counted(fork):
    tracker = KPITracker()
    tracker.record(0.01)
    fork()
    assert tracker.lifetime().total == 0
    tracker.record(0.01)
    assert tracker.lifetime().total == 1


def test_a_child_takes_a_lane_of_its_own(path, fork):
    tracker = KPITracker(shared=path, processes=2)
    tracker.record(0.01)
    fork()
    tracker.record(0.01)
    assert tracker.lifetime().total == 2
    with pytest.raises(ConfigurationError, match="no room"):
        KPITracker(shared=path, processes=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("shared", [True, False])
def test_a_forked_process_counts_for_itself(path, shared):
    done = subprocess.run(
        [sys.executable, "-c", FORK, path if shared else ""], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == (["child", "3", "parent", "4"] if shared else ["child", "2", "parent", "2"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_without_a_lane_leaves_its_parents_alone(path):
    code = FORK.replace("processes=2", "processes=1")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["child", "2", "parent", "2"]
    assert "no room" in done.stderr
