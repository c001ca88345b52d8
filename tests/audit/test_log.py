"""AuditLog: files, rotation, buffer and statistics."""

from __future__ import annotations

import stat
import threading

from helpers.audit import VALUES, lines_of
from morosidad.audit import find_logs, read, verify
from morosidad.audit.chain.hashing import GENESIS
from morosidad.audit.chain.paths import numbered_files
from support import wait_until


def test_bind_gives_append_for_one_model(make_log, path, context, decide):
    log = make_log()
    record = log.bind(context)
    assert record(decide(), VALUES, 0.1)
    assert log.stats().waiting == 1


def test_nothing_is_made_before_the_first_decision(make_log, tmp_path):
    before = threading.active_count()
    log = make_log()
    assert log.flush()
    log.close()
    assert (list(tmp_path.iterdir()), threading.active_count()) == ([], before)


def test_files_are_for_their_owner_only(fill, tmp_path):
    fill(40, rotation_size=5000)
    assert len(numbered_files(tmp_path / "decisiones.jsonl")) > 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_log_rotates_at_its_size_and_stays_one_chain(fill, path):
    fill(40, rotation_size=5000)
    assert all(file.stat().st_size <= 5000 for file in numbered_files(path).values())
    assert (verify(path).ok, verify(path).decisions) == (True, 40)
    assert [line.request_id for line in read(path)] == [f"r-{i}" for i in range(40)]


def test_the_writer_writes_when_the_buffer_is_full(make_log, path, context, decide):
    log = make_log(buffer_size=5)
    for _ in range(4):
        log.append(context, decide(), VALUES, 0.1)
    assert not path.exists()
    log.append(context, decide(), VALUES, 0.1)
    wait_until(lambda: log.stats().written == 5)
    assert len(lines_of(path)) == 5


def test_the_writer_writes_after_its_interval(make_log, context, decide):
    log = make_log(flush_interval=0.01)
    log.append(context, decide(), VALUES, 0.1)
    wait_until(lambda: log.stats().written == 1)


def test_stats_name_the_file_and_the_last_line(fill, path):
    stats = fill(3).stats()
    report = verify(path, anchor=stats.digest)
    assert report.ok
    assert (stats.path, stats.written, stats.waiting, stats.lost) == (str(path), 3, 0, 0)
    assert (stats.last, stats.digest) == (report.last, report.digest)


def test_a_log_without_lines_has_no_last_one(make_log):
    assert (make_log().stats().last, make_log().stats().digest) == ("", GENESIS)


def test_two_logs_of_one_name_write_two_files(make_log, path, context, decide):
    logs = [make_log(), make_log()]
    for log in logs:
        log.append(context, decide(), VALUES, 0.1)
        log.flush()
    assert [str(p) for p in find_logs(path)] == [log.stats().path for log in logs]
    assert all(verify(p).ok for p in find_logs(path))
