"""AuditLog: closing, threads, forks, listeners and arguments."""

from __future__ import annotations

import errno
import logging
import threading

import msgspec
import pytest

from helpers.audit import VALUES, lines_of
from morosidad.audit import AuditContext, AuditLog, read, verify
from morosidad.audit.alerts import AlertNotifier
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.usage import MachineUsage
from morosidad.errors import SettingsError
from support import wait_until

STRESS = 24_000  # decisions in all, from 8 threads; tried by hand with 800,000


def test_close_writes_all_and_is_idempotent(make_log, path, context, decide):
    log = make_log()
    for _ in range(2500):
        log.append(context, decide(), VALUES, 0.1)
    log.close()
    log.close()
    assert (verify(path).ok, verify(path).decisions) == (True, 2500)


def test_after_close_a_decision_is_refused_and_counted(make_log, context, decide):
    log = make_log()
    log.close()
    assert not log.append(context, decide(), VALUES, 0.1)
    assert (log.stats().lost, [a.code for a in log.alerts()]) == (1, ["decisiones_perdidas"])


def test_close_on_a_broken_disk_counts_what_it_could_not_write(
    make_log, context, decide, alerts, broken_disk
):
    log = make_log()
    broken_disk["number"] = errno.ENOSPC
    log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert (log.stats().lost, log.stats().waiting) == (1, 0)
    assert alerts == [("disco_lleno", True), ("decisiones_perdidas", True)]


def test_the_log_may_be_closed_by_its_own_alert(make_log, context, decide, broken_disk):
    log = make_log(buffer_size=1, on_alert=lambda alert: log.close())
    broken_disk["number"] = errno.ENOSPC
    log.append(context, decide(), VALUES, 0.1)
    wait_until(lambda: not log._writer.is_alive())
    assert log.stats().lost == 1


def test_a_with_statement_closes_the_log(path, context, decide):
    with AuditLog(path) as log:
        log.append(context, decide(), VALUES, 0.1)
    assert verify(path).decisions == 1


def test_a_thread_that_can_not_be_started_costs_nothing_but_time(
    make_log, path, context, decide, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no")))
        log = make_log()
        assert log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert verify(path).decisions == 1


def test_two_threads_start_one_writer(make_log, context, decide):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    writer = log._writer
    log._start()
    assert log._writer is writer


def test_an_alert_listener_that_fails_stops_nothing(make_log, path, context, decide, broken_disk, caplog):
    log = make_log(on_alert=lambda alert: 1 / 0)
    broken_disk["number"] = errno.ENOSPC
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    broken_disk["number"] = 0
    assert log.flush()
    assert [r.message for r in caplog.records] == ["on_alert raised ZeroDivisionError"] * 2


def test_without_a_listener_alerts_go_to_the_logger(caplog, clock):
    board = AlertNotifier(None, clock)
    with caplog.at_level(logging.INFO, "morosidad.audit"):
        board.open("a", "critical", "uno")
        board.open("b", "warning", "dos")
        board.open("a", "critical", "otra vez")
        board.close("a", "c")
        board.send()
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("ERROR", "uno"),
        ("WARNING", "dos"),
        ("INFO", "resuelto: uno"),
    ]


def test_usage_that_fails_leaves_the_line_without_it(make_log, path, context, decide):
    log = make_log(usage=lambda: 1 / 0)
    log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert (lines_of(path)[0]["memoria_usada"], lines_of(path)[0]["cpu_usado"]) == (None, None)


def test_the_machines_usage_is_sampled_once_a_second(clock, monkeypatch):
    import psutil

    shares = iter([0.0, 30.0, 50.0])
    monkeypatch.setattr(psutil, "cpu_percent", lambda: next(shares))
    usage = MachineUsage(clock)
    memory, cpu = usage()
    assert 0 < memory <= 100
    assert cpu is None
    clock.advance(0.5)
    assert usage()[1] is None
    clock.advance(0.5)
    assert usage()[1] == 30.0
    clock.advance(-3600)  # the wall clock was set back
    assert usage()[1] == 50.0


def test_after_a_fork_the_log_starts_anew_and_leaves_the_parents_lines_to_it(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    log.append(context, decide(), VALUES, 0.1)
    log._after_fork()
    assert (log.stats().waiting, log.stats().written) == (0, 0)
    assert log.append(context, decide(request_id="child"), VALUES, 0.1)
    log.close()
    assert [line.request_id for line in read(path)] == ["r-1", "child"]


def test_every_wrong_parameter_comes_at_once(path):
    with pytest.raises(SettingsError) as caught:
        AuditLog(
            path,
            values="all",  # type: ignore[arg-type]
            queue_size=0,
            on_full="block",  # type: ignore[arg-type]
            wait_limit=0,
            buffer_size=0,
            flush_interval=0,
            rotation_size=0,
            timeout=0,
        )
    names = [problem.split(":")[0] for problem in caught.value.problems]
    assert names == [
        "values",
        "queue_size",
        "on_full",
        "wait_limit",
        "buffer_size",
        "flush_interval",
        "timeout",
        "rotation_size",
    ]


@pytest.mark.parametrize("key", [None, "", b""])
def test_a_hash_needs_a_key(path, key):
    with pytest.raises(SettingsError, match="key"):
        AuditLog(path, values="hash", key=key)


def test_the_log_keeps_no_rotation_when_it_is_off(fill, path):
    fill(40, rotation_size=None)
    assert not numbered_files(path)


@pytest.mark.parametrize("durable", [False, True])
def test_decisions_from_eight_threads_are_all_there_in_one_chain(make_log, path, context, decide, durable):
    each = STRESS // 8 if not durable else 250
    log = make_log(queue_size=STRESS, buffer_size=100, durable=durable, timeout=60, rotation_size=10 * 2**20)
    barrier = threading.Barrier(8)

    def work(thread):
        barrier.wait()
        for i in range(each):
            assert log.append(context, decide(request_id=f"{thread}-{i}"), VALUES, 0.1)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    report = verify(path)
    assert (report.ok, report.decisions, report.lost) == (True, 8 * each, 0)
    seen = {}
    for line in read(path):
        thread, i = map(int, line.request_id.split("-"))
        assert seen.get(thread, -1) == i - 1
        seen[thread] = i
    assert seen == dict.fromkeys(range(8), each - 1)
    assert bool(numbered_files(path)) == (not durable)


def test_flush_close_and_stats_may_run_beside_append(make_log, path, context, decide):
    log = make_log(queue_size=50, buffer_size=10)
    barrier = threading.Barrier(4)
    closed = threading.Event()
    answers = []

    def append():
        barrier.wait()
        while not closed.is_set():
            answers.append(log.append(context, decide(), VALUES, 0.1))

    def disturb():
        barrier.wait()
        while log.stats().written < 300:
            log.flush()
            assert log.stats().waiting <= 100
        log.close()
        closed.set()

    threads = [threading.Thread(target=append) for _ in range(3)] + [threading.Thread(target=disturb)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(path)
    assert (report.ok, report.decisions) == (True, answers.count(True))
    assert log.stats().lost == answers.count(False)


def test_the_context_is_plain_data(context):
    assert msgspec.json.decode(msgspec.json.encode(context), type=AuditContext) == context
