"""AuditLog with durable=True: append waits for the disk."""

from __future__ import annotations

import errno
import os
import threading

import morosidad.audit.writing.queue as queue_module
from helpers.audit import VALUES, lines_of
from support import wait_until


def test_a_durable_append_returns_when_the_line_is_on_the_disk(make_log, path, context, decide):
    log = make_log(durable=True, timeout=30)
    for i in range(5):
        assert log.append(context, decide(), VALUES, 0.1)
        assert len(lines_of(path)) == i + 1


def test_durable_appends_share_commits(make_log, path, context, decide, monkeypatch):
    log = make_log(durable=True, timeout=30)
    assert log.append(context, decide(), VALUES, 0.1)
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (syncs.append(fd), real(fd)))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(log.append(context, decide(), VALUES, 0.1)))
        for _ in range(16)
    ]
    with log._io:
        for thread in threads:
            thread.start()
        wait_until(lambda: log.stats().waiting == 16)
    for thread in threads:
        thread.join()
    assert answers == [True] * 16
    assert len(syncs) == 1


def test_a_durable_append_that_is_not_in_time_says_so_and_is_written_later(make_log, path, context, decide):
    log = make_log(durable=True, timeout=0.01)
    with log._io:
        assert not log.append(context, decide(), VALUES, 0.1)
    log.flush()
    assert log.stats().written == 1


def test_a_durable_append_does_not_wait_for_a_broken_disk(
    make_log, path, context, decide, broken_disk, monkeypatch
):
    monkeypatch.setattr(queue_module, "RETRY_SECONDS", 0.005)
    log = make_log(durable=True, timeout=3600)
    broken_disk["number"] = errno.ENOSPC
    assert not log.append(context, decide(), VALUES, 0.1)
    wait_until(lambda: log._log_writer.failing)
    assert not log.append(context, decide(), VALUES, 0.1)
    broken_disk["number"] = 0
    assert log.flush()
    assert log.append(context, decide(), VALUES, 0.1)
    assert len(lines_of(path)) == 3


def test_a_durable_append_does_not_wait_for_a_decision_that_can_not_be_written(make_log, context):
    log = make_log(durable=True, timeout=3600)
    assert not log.append(context, object(), VALUES, 0.1)
