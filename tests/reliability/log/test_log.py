"""The decision log, tried hard: long frames, a slow disk, a process that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import morosidad.audit.chain.file as file_module
from morosidad import AuditLog, Scorer
from morosidad.audit import read, verify
from morosidad.training.datasets import make_applicants

pytestmark = pytest.mark.reliability
KILLED = """
import sys
from morosidad import AuditLog, Scorer
from morosidad.training.datasets import make_applicants
X = make_applicants(200)
with AuditLog(sys.argv[1], durable=True, timeout=600) as log:
    scorer = Scorer.default(audit=log)
    for number in range(10**6):
        scorer.score_frame(X, ids=[f"{number}-{row}" for row in range(200)])
        print(number, flush=True)
"""


def test_every_row_of_a_long_frame_is_in_the_log(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    rows = 1_000_000 if pytestconfig.getoption("--long") else 20_000
    with AuditLog(tmp_path / "d.jsonl") as log:
        Scorer.default(audit=log).score_frame(make_applicants(rows), ids=range(rows))
    report = verify(tmp_path / "d.jsonl")
    assert (report.ok, report.decisions, report.lost, log.stats().lost) == (True, rows, 0, 0)
    ids = (line.request_id for line in read(tmp_path / "d.jsonl"))
    assert all(found == str(row) for row, found in enumerate(ids))


def test_a_disk_that_takes_a_little_at_a_time_delays_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    rows = 50_000 if pytestconfig.getoption("--long") else 5_000

    def slowly(file: Any, data: bytes) -> None:
        for start in range(0, len(data), 4096):
            file.write(data[start : start + 4096])
            file_module.sync(file)  # the disk, and not the system's memory

    monkeypatch.setattr(file_module, "write_all", slowly)
    with AuditLog(tmp_path / "d.jsonl", queue_size=1000, wait_limit=600) as log:
        Scorer.default(audit=log).score_frame(make_applicants(rows))
    report = verify(tmp_path / "d.jsonl")
    assert (report.ok, report.decisions, report.lost) == (True, rows, 0)


def test_a_process_that_is_killed_has_lost_nothing_that_it_was_told_is_on_the_disk(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    path = tmp_path / "d.jsonl"
    for time in range(1, 21 if pytestconfig.getoption("--long") else 3):
        before = verify(path).decisions if path.exists() else 0
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(time % 5 + 1)]
            process.kill()
            rest = process.stdout.read().splitlines()
        report = verify(path)
        assert (report.ok, report.lost) == (True, 0)
        assert report.decisions - before >= 200 * (len(told) + len(rest))
