"""Values that can be erased: encrypted in the log, gone with their key, and the chain as it was."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import morosidad.audit.erasure.key_file as key_file
from morosidad import Scorer
from morosidad.__main__ import main
from morosidad.audit import AuditLog, DecisionTable, export, find, forget, frame, read, replay, verify
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.erasure.key_file import (
    DESTROYED,
    RECORD,
    KeyRecord,
    append_keys,
    find_key_path,
    read_keys,
)
from morosidad.audit.erasure.retention import archive, due_files, prune
from morosidad.audit.erasure.sealing import KeyRing
from morosidad.errors import MissingExtra, SettingsError
from morosidad.processes.forking import renew_after_fork

pytest.importorskip("cryptography")
ROTATED = {"rotation_size": 5000}


def ages(path):
    return [None if line.values is None else line.values["edad"] for line in read(path)]


def test_what_is_logged_is_read_as_ever_and_stands_nowhere_in_the_clear(fill, path):
    fill(3, erasure=True)
    assert ages(path) == [30, 31, 32]
    assert all(line.key is None and not line.forgotten for line in read(path))
    text = path.read_bytes()
    assert b"rural" not in text
    assert b"1500.5" not in text
    assert stat.S_IMODE(key_file.key_path(path).stat().st_mode) == 0o600
    assert key_file.key_path(path).stat().st_size == 3 * RECORD
    assert verify(path).ok


def test_what_is_forgotten_is_gone_and_the_decision_stays(fill, make_log, path, context, decide, tmp_path):
    fill(2, erasure=True)
    log = make_log(erasure=True)
    log.append(context, decide(request_id="r-1"), (77, 1.0, "urbana"), 1e-5)
    before = verify(path)
    assert log.forget("r-1") == 2
    assert log.forget("r-1") == log.forget("nobody") == 0
    log.close()
    report = verify(path)
    assert (before.forgotten, report.ok, report.decisions, report.forgotten) == (0, True, 3, 2)
    assert "2 decisiones sin sus valores" in str(report)
    assert ages(path) == [30, None, None]
    lines = list(find(path, "r-1"))
    assert [(line.forgotten, line.outcome, line.probability) for line in lines] == [
        (True, "revisar", 0.25)
    ] * 2
    assert frame(path)["forgotten"].tolist() == [False, True, True]
    again = replay(path, lambda values: 0.25)
    assert (again.ok, again.replayed, again.forgotten, again.without_values) == (True, 1, 2, 0)
    assert "2 olvidadas" in str(again)
    assert export(path, tmp_path / "out.jsonl") == 3
    exported = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line.get("olvidada", False) for line in exported] == [False, True, True]
    assert [line["valores"] is None for line in exported] == [False, True, True]


def test_a_frame_is_sealed_too_and_no_reason_says_a_value(tmp_path):
    from morosidad.training.datasets import make_applicants

    X = make_applicants(50).drop(columns="moroso_12m")
    policy = msgspec.structs.replace(Scorer.default().policy, show_values=True)
    with AuditLog(tmp_path / "d.jsonl", erasure=True) as log:
        scorer = Scorer.default(policy=policy, audit=log)
        scorer.score_frame(X, ids=[f"s{row}" for row in range(50)])
        scorer.score_one(X.iloc[0].dropna().to_dict(), "s0")
    lines = list(read(tmp_path / "d.jsonl"))
    assert [line.values["edad"] for line in lines[:50]] == X["edad"].tolist()
    assert lines[0].values == dict(lines[50].values.items())
    assert any(line.reasons for line in lines)
    assert msgspec.json.encode(lines[0].reasons) == msgspec.json.encode(lines[50].reasons)
    assert all(reason.contribution > 0 for line in lines for reason in line.reasons)
    assert all(reason.value is None and "(" not in reason.text for line in lines for reason in line.reasons)
    assert forget(tmp_path / "d.jsonl", "s0") == 2
    assert [line.forgotten for line in lines] != [line.forgotten for line in read(tmp_path / "d.jsonl")]
    assert verify(tmp_path / "d.jsonl").forgotten == 2
    written = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert {reason["aporte"] for line in written for reason in line["motivos"]} == {0.0}


@pytest.mark.parametrize("compress", [None, "gz"])
def test_full_compressed_archived_and_pruned_files(fill, path, tmp_path, compress):
    fill(40, erasure=True, compress=compress, **ROTATED)
    full = numbered_files(path)
    assert len(full) > 3
    assert ages(path) == list(range(30, 70))
    assert forget(path, "r-0") == forget(full[1], "r-2") == 1
    assert list(ages(full[1])[:4]) == [None, 31, None, 33]
    elsewhere = tmp_path / "archive"
    elsewhere.mkdir()
    first = due_files(path, keep_files=len(full) - 1, keep_days=None, now=0.0)
    assert archive(path, first, elsewhere, None, 0.0) == 1
    assert {file.name for file in elsewhere.iterdir()} == {full[1].name}  # and no keys
    archived = elsewhere / full[1].name
    assert set(ages(archived)) == {None}  # without the keys
    keys = key_file.key_path(path)
    assert [line.values["edad"] for line in read(archived, keys=keys) if line.values] == [
        31,
        *range(33, 30 + len(ages(archived))),
    ]
    assert forget(path, "r-1") == 1
    assert next(read(archived, keys=keys)).forgotten
    assert replay(archived, lambda values: 0.25, keys=keys).forgotten == 3
    second = due_files(path, keep_files=0, keep_days=None, now=0.0)
    assert prune(path, second, None, 0.0) == len(second)
    assert (verify(path).ok, ages(path)[-1]) == (True, 69)


def test_each_process_seals_with_keys_of_the_same_file(make_log, path, context, decide):
    first, second = make_log(erasure=True), make_log(erasure=True)
    for log, age in ((first, 30), (second, 40)):
        log.append(context, decide(request_id="same"), (age, 1.0, "urbana"), 1e-5)
        log.flush()
    other = path.with_name("decisiones-2.jsonl")
    assert (ages(path), ages(other)) == ([30], [40])
    assert find_key_path(other) == key_file.key_path(path)
    assert second.forget("same") == 2
    assert (ages(path), ages(other)) == ([None], [None])


def test_the_command_forgets_and_tells(fill, path, capsys):
    fill(3, erasure=True)
    assert main(["audit", "forget", "r-1", str(path)]) == 0
    assert "1 decisiones sobre r-1" in capsys.readouterr().out
    assert main(["audit", "forget", "r-1", str(path), "--language", "en"]) == 1
    assert "there are no values to forget on r-1" in capsys.readouterr().out
    assert main(["audit", "verify", str(path)]) == 0
    assert "1 decisión sin sus valores" in capsys.readouterr().out
    assert main(["audit", "find", "r-1", str(path)]) == 0
    assert '"olvidada":true' in capsys.readouterr().out


def test_without_keys_nothing_can_be_forgotten(fill, make_log, path):
    fill(1)
    with pytest.raises(FileNotFoundError, match="keys"):
        forget(path, "r-0")
    with pytest.raises(SettingsError, match="erasure"):
        make_log(path.with_name("otro.jsonl")).forget("r-0")
    assert main(["audit", "forget", "r-0", str(path)]) == 2


@pytest.mark.parametrize("values", ["hash", "none"])
def test_only_values_that_are_kept_can_be_erased(path, values):
    with pytest.raises(SettingsError, match="erasure"):
        AuditLog(path, values=values, key="x" * 16, erasure=True)


def test_without_the_extra_it_says_what_to_install(path, monkeypatch, fill):
    fill(1, erasure=True)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingExtra, match="erasure"):
        AuditLog(path, erasure=True)
    with pytest.raises(MissingExtra, match=r"pip install 'morosidad\[erasure\]'"):
        next(read(path))


def test_keys_that_can_not_be_written_delay_the_lines_and_lose_nothing(
    make_log, path, context, decide, monkeypatch
):
    log = make_log(erasure=True, durable=True, timeout=0.01)
    real = key_file.write_all

    def full(file, data):
        real(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(key_file, "write_all", full)
    assert not log.append(context, decide(), (30, 1.0, "urbana"), 1e-5)
    assert not log.flush()
    assert log.alerts()
    assert key_file.key_path(path).stat().st_size == 0
    monkeypatch.setattr(key_file, "write_all", real)
    assert log.flush()
    assert (ages(path), log.stats().lost) == ([30], 0)


def test_a_lost_or_damaged_key_is_a_value_that_can_not_be_read(fill, path):
    fill(2, erasure=True)
    keys = key_file.key_path(path)
    data = bytearray(keys.read_bytes())
    data[-1] ^= 1
    keys.write_bytes(data)
    assert ages(path) == [30, None]
    keys.write_bytes(data[:RECORD])
    assert (ages(path), verify(path).forgotten) == ([30, None], 1)
    keys.write_bytes(b"")
    assert (ages(path), verify(path).forgotten, verify(path).ok) == ([None, None], 2, True)
    keys.unlink()
    assert ages(path) == [None, None]
    assert KeyRing().key(path, "00") is None


def test_another_process_that_writes_keys_is_waited_for(tmp_path, monkeypatch):
    path, held = tmp_path / "d.keys", iter([False, False, True])
    monkeypatch.setattr(key_file, "lock", lambda file: next(held))
    append_keys(path, [KeyRecord(bytes(8), bytes(24), bytes(32))], durable=True)
    assert path.stat().st_size == RECORD
    monkeypatch.setattr(key_file, "lock", lambda file: False)
    monkeypatch.setattr(key_file, "_LONGEST_WAIT", 0.01)
    with pytest.raises(TimeoutError):
        append_keys(path, [KeyRecord(bytes(8), bytes(24), bytes(32))], durable=False)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, RECORD - 1)), min_size=1, max_size=6))
def test_a_record_that_a_crash_cut_off_is_written_over(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("keys") / "d.keys"
    whole = []
    for place, (number, cut) in enumerate(steps):
        new = [
            KeyRecord(bytes([place, at, 1] + [0] * 5), os.urandom(24), os.urandom(32)) for at in range(number)
        ]
        append_keys(path, new, durable=False)
        whole += new
        if cut:
            os.truncate(path, path.stat().st_size - cut)
            whole.pop()
    assert [record for _, record in read_keys(path)] == whole
    if whole:
        assert key_file.destroy_keys(path, [whole[0].request]) == 1
        assert next(read_keys(path))[1].key == DESTROYED


def test_a_forked_child_leaves_the_keys_that_wait_to_its_parent(make_log, path, context, decide):
    log = make_log(erasure=True)
    log._sealer.seal(b"{}", "r")
    renew_after_fork(log._sealer)
    log._sealer._after_fork()
    log._sealer.write()
    assert not key_file.key_path(path).exists()
    table = DecisionTable(
        values=[[30], [1.0], ["urbana"]],
        probabilities=np.array([0.25]),
        labels=np.array([0], dtype=np.int8),
        outcomes=["revisar"],
        warnings=[()],
        seconds=1e-5,
    )
    assert log.append_many(context, table)
    log.close()
    assert ages(path) == [30]
    assert forget(path, "") == 0  # who has no id can't be found
