"""The keys of files that were pruned or archived, and keys that stand elsewhere."""

from __future__ import annotations

import json
import shutil

import pytest

import morosidad.audit.erasure.retention as retention
from morosidad.__main__ import main
from morosidad.audit import LogTable, export, find, frame, read, replay, verify
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.erasure.key_file import DESTROYED, key_path, read_keys
from morosidad.audit.erasure.retention import archive, due_files, prune, remove_leftovers
from morosidad.audit.lines import key_name

pytest.importorskip("cryptography")
ROTATED = {"rotation_size": 5000}


def ages(path, keys=None):
    return [None if line.values is None else line.values["edad"] for line in read(path, keys=keys)]


def due(path, keep):
    return due_files(path, keep_files=keep, keep_days=None, now=0.0)


def left(path):
    return [record.key != DESTROYED for _, record in read_keys(key_path(path))]


@pytest.fixture
def copies(fill, path, tmp_path):
    """Make a log of several full files, and copies of all of them elsewhere."""
    fill(40, erasure=True, **ROTATED)
    folder = tmp_path / "copies"
    folder.mkdir()
    for file in numbered_files(path).values():
        shutil.copy(file, folder)
    return [folder / file.name for file in numbered_files(path).values()]


@pytest.mark.parametrize("compress", [None, "gz"])
def test_pruning_destroys_the_keys_of_what_goes_and_no_others(copies, path, compress):
    if compress:
        for file in numbered_files(path).values():
            retention.compress_file(file, compress)
    gone = [len(ages(copy, key_path(path))) for copy in copies[:2]]
    assert prune(path, due(path, len(copies) - 2), None, 0.0) == 2
    assert left(path) == [False] * sum(gone) + [True] * (40 - sum(gone))
    assert {age for copy in copies[:2] for age in ages(copy, key_path(path))} == {None}
    assert None not in ages(copies[2], key_path(path))
    assert (verify(path).ok, verify(path).forgotten) == (True, 0)
    assert ages(path) == list(range(30 + sum(gone), 70))


def test_a_log_that_keeps_few_files_destroys_keys_by_itself(fill, path):
    fill(40, erasure=True, keep_files=1, **ROTATED)
    here = ages(path)
    assert left(path) == [False] * (40 - len(here)) + [True] * len(here)


def test_archiving_destroys_none(copies, path, tmp_path):
    (tmp_path / "archive").mkdir()
    assert archive(path, due(path, 0), tmp_path / "archive", None, 0.0) == len(copies)
    remove_leftovers(path, None)
    assert all(left(path))


@pytest.mark.parametrize("step", ["_destroy_keys", "unlink"])
def test_what_a_crash_leaves_of_pruning_is_done_later(copies, path, tmp_path, monkeypatch, step):
    unlink = retention.Path.unlink

    def crash(file, *arguments, **options):
        if step == "unlink" and file.suffix == ".tmp":  # what writes the stub begins with it
            return unlink(file, *arguments, **options)
        raise OSError("crash")

    with monkeypatch.context() as broken:
        broken.setattr(*((retention, step) if step[0] == "_" else (retention.Path, step)), crash)
        with pytest.raises(OSError, match="crash"):
            prune(path, due(path, len(copies) - 1), None, 0.0)
    assert verify(path).ok
    (tmp_path / "archive").mkdir()
    assert main(["audit", "archive", str(path), str(tmp_path / "archive")]) == 0
    assert set(ages(copies[0], key_path(path))) == {None}
    assert None not in ages(copies[1], key_path(path))
    assert not numbered_files(path, all_of_them=True)


def test_a_value_called_as_the_name_of_a_key_names_none(copies, path):
    names = [record.name.hex() for _, record in read_keys(key_path(path))]
    body = json.dumps({"tipo": "decision", "valores": {"clave": names[0]}}, separators=(",", ":")).encode()
    assert key_name(body) is None
    assert key_name(body[:-1] + b',"clave":"%b"}' % names[1].encode()) == bytes.fromhex(names[1])
    assert key_name(b'{"clave":"' + b"\xff") is None
    assert key_name(b'{"clave":"xyz"}') is None


def test_every_way_to_read_takes_keys_that_stand_elsewhere(copies, path, tmp_path, monkeypatch, capsys):
    keys, log = tmp_path / "keys", copies[0]
    key_path(path).rename(keys)
    number = len(ages(log))
    assert set(ages(log)) == {None}
    monkeypatch.chdir(tmp_path)
    table, lines, found = LogTable(log, keys="keys"), read(log, keys="keys"), find(log, "r-1", keys="keys")
    monkeypatch.chdir(path.parent.parent)
    assert [line.values["edad"] for line in lines] == [*range(30, 30 + number)]
    assert [line.values["edad"] for line in found] == [31]
    assert sum(len(chunk) - chunk["forgotten"].sum() for chunk in table.chunks()) == number
    assert frame(log, keys=keys)["value.edad"].tolist() == [*range(30, 30 + number)]
    assert (verify(log).forgotten, verify(log, keys=keys).forgotten) == (number, 0)
    assert replay(log, lambda values: 0.25, keys=keys).replayed == number
    out = tmp_path / "out.jsonl"
    assert export(log, out, keys=keys) == number
    exported = [json.loads(line)["valores"]["edad"] for line in out.read_text().splitlines()]
    assert exported == [*range(30, 30 + number)]
    capsys.readouterr()
    assert main(["audit", "find", "r-1", str(log), "--keys", str(keys)]) == 0
    assert '"edad":31' in capsys.readouterr().out
    assert main(["audit", "export", str(log), str(out), "--keys", str(keys)]) == 0
    assert '"edad":31' in out.read_text()
    assert main(["audit", "export", str(log), str(out)]) == 0
    assert '"edad":31' not in out.read_text()
    assert main(["audit", "verify", str(log), "--keys", str(keys)]) == 0
    assert main(["audit", "export", str(log), str(keys), "--keys", str(keys)]) == 2
    assert keys.stat().st_size


def test_a_log_gives_its_frame_with_keys_that_stand_elsewhere(make_log, path, context, decide, tmp_path):
    log = make_log(erasure=True)
    log.append(context, decide(), (30, 1.0, "urbana"), 1e-5)
    log.flush()
    key_path(path).rename(tmp_path / "keys")
    assert log.frame()["forgotten"].tolist() == [True]
    assert log.frame(keys=tmp_path / "keys")["value.edad"].tolist() == [30]
