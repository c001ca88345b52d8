"""AuditLog: what it keeps, that it never stands in the way, and what it tells when it can't write."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import stat
import subprocess
import threading
import time
from functools import partial

import msgspec
import numpy as np
import pytest

import morosidad.audit.chain.file as file_module
import morosidad.audit.writing.queue as queue_module
from morosidad.audit import AuditContext, AuditLog, find_logs, hash_values, read, verify
from morosidad.audit.alerts import AlertNotifier
from morosidad.audit.chain.hashing import GENESIS, MAX_LINE
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.usage import MachineUsage
from morosidad.errors import SettingsError
from morosidad.scoring.scorer import Scorer

VALUES = (30, 1500.5, "rural")
STRESS = 24_000  # decisions in all, from 8 threads; tried by hand with 800,000


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def broken_disk(monkeypatch):
    """Opening fails with the error number that is set; 0 for none."""
    state = {"number": 0}
    real = file_module.open_private

    def open_private(path, flags=0):
        if state["number"]:
            raise OSError(state["number"], os.strerror(state["number"]), str(path))
        return real(path, flags)

    monkeypatch.setattr(file_module, "open_private", open_private)
    return state


def test_a_line_says_all_that_was_decided(make_log, path, context, decide):
    log = make_log()
    decision = decide(warnings=("zona: valor nuevo",), cached="l1")
    assert log.append(context, decision, VALUES, 0.00002)
    assert log.flush()
    (line,) = lines_of(path)
    chain = line["id"].split("-")[0]
    assert line == {
        "id": f"{chain}-1",
        "anterior": GENESIS,
        "tipo": "decision",
        "fecha": "1970-01-01T00:16:40Z",
        "request_id": "r-1",
        "modelo": {"nombre": "riesgo", "version": "3", "digest": "ab12"},
        "esquema": "s1",
        "politica": "p7",
        "cortes": {"revisar": 0.2, "rechazar": 0.5},
        "valores": {"edad": 30, "ingresos_mensuales": 1500.5, "zona": "rural"},
        "valores_hash": None,
        "omitidos": [],
        "probabilidad": 0.25,
        "probabilidades": [0.75, 0.25],
        "confianza": 0.75,
        "prediccion": 0,
        "decision": "revisar",
        "motivos": [{"codigo": "R01", "campo": "edad", "texto": "Edad", "aporte": 0.5}],
        "advertencias": ["zona: valor nuevo"],
        "cache": "l1",
        "degradado": False,
        "tiempo_procesamiento": 0.00002,
        "memoria_usada": 40.0,
        "cpu_usado": 12.5,
        "huella": line["huella"],
    }


def test_each_line_carries_the_digest_of_the_one_before(fill, path):
    fill(5)
    lines = lines_of(path)
    assert [line["anterior"] for line in lines[1:]] == [line["huella"] for line in lines[:-1]]
    assert verify(path).ok


def test_what_is_read_is_what_was_logged(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), VALUES, 0.5)
    log.close()
    (line,) = read(path)
    assert line.id.endswith("-1")
    assert line.values == dict(zip(context.fields, VALUES, strict=True))
    assert line.time.timestamp() == 1000.0
    assert (line.model.name, line.cutoffs, line.seconds) == ("riesgo", context.cutoffs, 0.5)
    assert line.reasons[0].contribution == 0.5


def test_values_may_come_by_field_and_unknown_fields_are_never_written(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), {"edad": 30, "secreto": 1, "zona": None}, 0.1)
    log.close()
    assert lines_of(path)[0]["valores"] == {"edad": 30, "zona": None}


@pytest.mark.parametrize(
    "field",
    [
        "nombre",
        "Apellidos",
        "primer_apellido",
        "cédula",
        "numero_documento",
        "nit",
        "DNI",
        "full_name",
        "passport",
    ],
)
@pytest.mark.parametrize("mode", ["full", "hash"])
def test_names_and_document_numbers_are_never_written(make_log, path, decide, context, field, mode):
    log = make_log(values=mode, key="k")
    context = msgspec.structs.replace(context, fields=("edad", field))
    log.append(context, decide(), (30, "Pérez 123456"), 0.1)
    log.close()
    (line,) = lines_of(path)
    assert "123456" not in path.read_text(encoding="utf-8")
    assert line["omitidos"] == [field]
    assert line["valores"] == ({"edad": 30} if mode == "full" else None)
    assert mode == "full" or line["valores_hash"] == hash_values({"edad": 30}, b"k")


@pytest.mark.parametrize(
    "field", ["tipo_documento", "zona", "num_dependientes", "telephone", "personal_status"]
)
def test_other_fields_are_written(make_log, path, decide, context, field):
    log = make_log()
    log.append(msgspec.structs.replace(context, fields=[field]), decide(), (1,), 0.1)
    log.close()
    assert lines_of(path)[0]["valores"] == {field: 1}


def test_a_hash_is_the_same_for_the_same_values_only(make_log, path, context, decide):
    log = make_log(values="hash", key="secreto")
    for values in [
        VALUES,
        VALUES,
        (31, 1500.5, "rural"),
        {"zona": "rural", "ingresos_mensuales": 1500.5, "edad": 30},
    ]:
        log.append(context, decide(), values, 0.1)
    log.close()
    lines = lines_of(path)
    hashes = [line["valores_hash"] for line in lines]
    assert [line["valores"] for line in lines] == [None] * 4
    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]
    by_field = dict(zip(context.fields, VALUES, strict=True))
    assert (
        hashes[0] == hash_values(by_field, b"secreto") == hash_values({**by_field, "otro": None}, b"secreto")
    )
    assert hashes[0] != hash_values(by_field, b"otra")


def test_who_has_a_record_can_show_that_a_hash_is_its_own(path):
    record = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
    with AuditLog(path, values="hash", key="secreto") as log:
        scorer = Scorer.default(audit=log)
        scorer.score_one(record)
    assert lines_of(path)[0]["valores_hash"] == hash_values(scorer.schema.validate(record), b"secreto")


def test_without_values_none_are_written(make_log, path, context, decide):
    log = make_log(values="none")
    log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert (lines_of(path)[0]["valores"], lines_of(path)[0]["valores_hash"]) == (None, None)


def test_numpy_values_are_written_as_plain_ones(make_log, path, context, decide):
    log = make_log()
    decision = decide(probability=np.float64(0.25), probabilities=np.array([0.75, 0.25]), label=np.int64(0))
    log.append(context, decision, (np.int64(30), np.float32(0.5), "rural"), 0.1)
    log.close()
    (line,) = lines_of(path)
    assert (line["valores"]["ingresos_mensuales"], line["probabilidades"], line["prediccion"]) == (
        0.5,
        [0.75, 0.25],
        0,
    )


def test_a_keyed_log_is_verified_with_its_key(fill, path):
    fill(3, key="una clave larga")
    assert verify(path, key="una clave larga").ok
    assert not verify(path).ok


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


def test_a_full_queue_counts_what_it_drops_and_raises_one_alert(make_log, path, context, decide, alerts):
    log = make_log(queue_size=3)
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
    log = make_log(queue_size=2, on_alert=said.append)
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
    log = make_log(queue_size=1, on_alert=None)
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
    log = make_log(small_disk / "d.jsonl", durable=durable, timeout=5, rotation_size=20_000)
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
            path, values="all", queue_size=0, buffer_size=0, flush_interval=0, rotation_size=0, timeout=0
        )  # type: ignore[arg-type]
    names = [problem.split(":")[0] for problem in caught.value.problems]
    assert names == ["values", "queue_size", "buffer_size", "flush_interval", "rotation_size", "timeout"]


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
