"""AuditLog with a full queue or a faulty disk: counts, alerts and retries."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
from functools import partial

import pytest

import morosidad.audit.chain.file as file_module
import morosidad.audit.writing.queue as queue_module
from helpers.audit import VALUES, lines_of
from morosidad.audit import verify
from morosidad.audit.chain.hashing import MAX_LINE
from morosidad.audit.chain.paths import head_path
from support import LONG, wait_until


def test_a_full_queue_counts_what_it_drops_and_raises_one_alert(make_log, path, context, decide, alerts):
    log = make_log(queue_size=3, on_full="drop")
    gate = log._io  # the writer can't get at the file
    with gate:
        taken = [log.append(context, decide(), VALUES, 0.1) for _ in range(10)]
        assert taken == [True] * 3 + [False] * 7
        assert (log.stats().lost, [a.code for a in log.alerts()]) == (7, ["decisiones_perdidas"])
    log.flush()
    assert alerts == [("decisiones_perdidas", True), ("decisiones_perdidas", False)]
    assert log.alerts() == ()
    report = verify(path)
    assert (report.ok, report.decisions, report.lost) == (True, 3, 7)
    assert lines_of(path)[-1]["evento"] == "perdidas"


def test_the_alert_says_how_many_are_lost_so_far_and_in_the_end_that_they_stay_lost(
    make_log, path, context, decide
):
    said = []
    log = make_log(queue_size=2, on_full="drop", on_alert=said.append)
    lose = partial(log.append, context, decide(), VALUES, 0.1)
    for times in (5, 3):
        with log._io:  # the writer can't get at the file
            assert [lose() for _ in range(2 + times)] == [True] * 2 + [False] * times
            assert log.alerts()[0].message.endswith(f": {times} hasta ahora")
            lose()
            assert log.alerts()[0].message.endswith(f": {times + 1} hasta ahora")
        log.flush()
        assert log.alerts() == ()
    wait_until(lambda: len(said) == 4)
    assert [(alert.closed is None, alert.message) for alert in said] == [
        (True, "hay decisiones que no quedaron en el registro: 5 hasta ahora"),
        (False, "decisiones perdidas para siempre: 6; el registro lo declara"),
        (True, "hay decisiones que no quedaron en el registro: 3 hasta ahora"),
        (False, "decisiones perdidas para siempre: 4; el registro lo declara"),
    ]
    log.close()
    assert verify(path).lost == 10


def test_the_logger_does_not_call_a_loss_resolved(make_log, context, decide, broken_disk, caplog):
    log = make_log(queue_size=1, on_full="drop", on_alert=None)
    broken_disk["number"] = errno.ENOSPC
    for _ in range(4):
        log.append(context, decide(), VALUES, 0.1)
    log.flush()
    broken_disk["number"] = 0
    with caplog.at_level(logging.INFO, "morosidad.audit"):
        log.flush()
    assert [(r.levelname, r.message) for r in caplog.records][-2:] == [
        ("INFO", "resuelto: no se puede escribir el registro de decisiones: el disco está lleno"),
        ("WARNING", "decisiones perdidas para siempre: 3; el registro lo declara"),
    ]


def test_a_decision_that_can_not_be_written_is_counted_and_the_others_are_written(
    make_log, path, context, decide, alerts
):
    log = make_log()
    bad = [
        (object(), VALUES),
        (decide(warnings=(object(),)), VALUES),
        (decide(), (1, 2)),
        (decide(), ("x" * MAX_LINE, 1, 2)),
        (None, None),
    ]
    for decision, values in bad:
        assert log.append(context, decision, values, 0.1)
        assert log.append(context, decide(), VALUES, 0.1)
    log.flush()
    assert (log.stats().written, log.stats().lost, log.stats().waiting) == (5, 5, 0)
    assert (verify(path).decisions, verify(path).lost) == (5, 5)
    assert alerts == [("decisiones_perdidas", True), ("decisiones_perdidas", False)]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disco_lleno"),
        (errno.EDQUOT, "disco_lleno"),
        (errno.ENOENT, "sin_carpeta"),
        (errno.ENOTDIR, "sin_carpeta"),
        (errno.EACCES, "sin_permiso"),
        (errno.EROFS, "sin_permiso"),
        (errno.EIO, "sin_escritura"),
    ],
)
def test_a_fault_of_the_disk_opens_one_alert_and_writing_resumes(
    make_log, path, context, decide, alerts, broken_disk, number, code
):
    log = make_log()
    broken_disk["number"] = number
    for _ in range(3):
        assert log.append(context, decide(), VALUES, 0.1)
        assert not log.flush()
    assert alerts == [(code, True)]
    (alert,) = log.alerts()
    assert (alert.code, alert.level, alert.timestamp, alert.closed) == (code, "critical", 1000.0, None)
    assert alert.message.startswith("no se puede escribir el registro de decisiones: ")
    assert log.stats().waiting == 3
    broken_disk["number"] = 0
    assert log.flush()
    assert alerts == [(code, True), (code, False)]
    assert (verify(path).ok, verify(path).decisions, log.alerts()) == (True, 3, ())


def test_one_fault_after_another_shows_the_present_one(make_log, context, decide, alerts, broken_disk):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    for number in [errno.ENOSPC, errno.EACCES]:
        broken_disk["number"] = number
        log.flush()
    assert [a.code for a in log.alerts()] == ["sin_permiso"]
    assert alerts == [("disco_lleno", True), ("disco_lleno", False), ("sin_permiso", True)]


def test_the_writer_tries_again_by_itself(make_log, context, decide, broken_disk, monkeypatch):
    monkeypatch.setattr(queue_module, "RETRY_SECONDS", 0.005)
    log = make_log(buffer_size=1)
    broken_disk["number"] = errno.ENOSPC
    log.append(context, decide(), VALUES, 0.1)
    wait_until(log.alerts)
    broken_disk["number"] = 0
    wait_until(lambda: log.stats().written == 1)
    wait_until(lambda: not log.alerts())


def test_a_missing_folder_is_told_and_writing_resumes_when_it_is_there(
    make_log, tmp_path, context, decide, alerts
):
    log = make_log(tmp_path / "logs" / "d.jsonl")
    assert log.append(context, decide(), VALUES, 0.1)
    assert not log.flush()
    (tmp_path / "logs").mkdir()
    assert log.flush()
    assert alerts == [("sin_carpeta", True), ("sin_carpeta", False)]


def test_a_folder_that_is_removed_is_told_and_its_lines_are_missing(
    make_log, tmp_path, context, decide, alerts
):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = make_log(folder / "d.jsonl")
    for step in [lambda: None, lambda: shutil.rmtree(folder), folder.mkdir]:
        step()
        log.append(context, decide(), VALUES, 0.1)
        log.flush()
    assert alerts == [("sin_carpeta", True), ("lineas_faltantes", True), ("sin_carpeta", False)]
    assert [a.code for a in log.alerts()] == ["lineas_faltantes"]
    assert [p.message for p in verify(folder / "d.jsonl").problems] == ["falta la línea 1"]
    assert [line.get("evento") for line in lines_of(folder / "d.jsonl")] == ["faltan", None, None]


def test_a_torn_line_is_told_once(fill, make_log, path, context, decide, alerts):
    fill(2)
    with path.open("ab") as raw:
        raw.write(b'{"id":"torn')
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    assert alerts == [("lineas_cortadas", True), ("lineas_cortadas", False)]
    assert (lines_of(path)[2]["evento"], lines_of(path)[2]["cantidad"]) == ("reparacion", 11)
    assert verify(path).ok


def test_what_was_found_is_written_once_the_disk_works(fill, make_log, path, context, decide, monkeypatch):
    fill(2)
    with path.open("ab") as raw:
        raw.write(b'{"id":"torn')
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(
            file_module, "write_all", lambda *a: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
        )
        assert not log.flush()
    assert log.flush()
    assert [line.get("evento") for line in lines_of(path)] == [None, None, "reparacion", None]
    assert verify(path).ok


def test_a_file_that_can_not_be_rotated_is_told(make_log, path, context, decide, alerts, monkeypatch):
    log = make_log(rotation_size=1000)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", lambda a, b: (_ for _ in ()).throw(PermissionError(13, "no")))
        for _ in range(3):
            log.append(context, decide(), VALUES, 0.1)
            log.flush()
    assert alerts == [("sin_rotacion", True)]
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    assert alerts == [("sin_rotacion", True), ("sin_rotacion", False)]
    assert (verify(path).ok, verify(path).decisions) == (True, 4)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("durable", [False, True])
def test_a_disk_that_is_really_full_loses_nothing_that_fits_in_memory(
    make_log, small_disk, context, decide, alerts, durable
):
    log = make_log(small_disk / "d.jsonl", durable=durable, timeout=LONG, rotation_size=20_000)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    answers = [log.append(context, decide(request_id=str(i)), VALUES, 0.1) for i in range(100)]
    log.flush()
    assert [a.code for a in log.alerts()] == ["disco_lleno"]
    written = log.stats().written
    assert 0 < written < 100
    assert answers == ([True] * written + [False] * (100 - written) if durable else [True] * 100)
    assert verify(small_disk / "d.jsonl").decisions == written
    ballast.unlink()
    assert log.flush()
    report = verify(small_disk / "d.jsonl")
    assert (report.ok, report.decisions, report.lost, log.alerts()) == (True, 100, 0, ())


@pytest.mark.parametrize("key", [None, "x" * 16])
def test_a_log_whose_head_was_taken_away_says_so_for_good(fill, path, alerts, key):
    fill(4, key=key)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    head_path(path).unlink()
    fill(2, key=key)
    assert ("sin_cabeza", True) in alerts
    report = verify(path, key=key)
    assert [problem.kind for problem in report.problems] == ["faltan"]
    assert (report.problems[0].line, report.decisions) == (3, 4)
