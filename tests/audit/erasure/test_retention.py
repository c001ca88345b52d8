"""Full files compressed, pruned and archived: the chain still verifies, and a stub says what went."""

from __future__ import annotations

import os
import stat

import msgspec
import pytest

import morosidad.audit.erasure.retention as retention
from morosidad.__main__ import main
from morosidad.audit import export, frame, read, replay, verify
from morosidad.audit.chain.compression import SUFFIXES
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.chain.stubs import read_stub, stub_path
from morosidad.errors import InvalidFrame, MissingExtra

KEYS = pytest.mark.parametrize("key", [None, b"x" * 16])
OPTIONS = {"rotation_size": 5000}


def ids(path):
    return [line.request_id for line in read(path)]


def all_ids(count):
    return [f"r-{i}" for i in range(count)]


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_compressed_files_are_verified_read_replayed_exported_and_gone_on_from(fill, path, tmp_path, kind):
    if kind == "zst":
        pytest.importorskip("zstandard")
    fill(40, compress=kind, **OPTIONS)
    full = numbered_files(path)
    assert len(full) > 2
    assert {file.suffix for file in full.values()} == {f".{kind}"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert (verify(path).ok, verify(path).decisions) == (True, 40)
    assert ids(path) == all_ids(40)
    assert (len(frame(path)), export(path, tmp_path / "out.jsonl")) == (40, 40)
    assert replay(path, lambda values: 0.25).ok
    assert verify(full[1]).ok
    path.unlink()  # and the head: what is left of the chain is found in the last full file
    path.with_name(path.name + ".head").unlink()
    fill(3, compress=kind, **OPTIONS)
    assert [problem.kind for problem in verify(path).problems] == ["faltan"]


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "rubbish", "empty"])
def test_a_damaged_compressed_file_is_found_and_the_rest_is_read(fill, path, kind, damage):
    if kind == "zst":
        pytest.importorskip("zstandard")
    fill(40, compress=kind, **OPTIONS)
    file = numbered_files(path)[2]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    changed = {"cut": data[: len(data) // 3], "flipped": data, "rubbish": b"nada", "empty": b""}
    file.write_bytes(changed[damage])
    assert not verify(path).ok
    assert ids(path)[-1] == "r-39"


def test_zst_without_its_library_is_said_when_the_log_is_made(make_log, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match="zstd"):
        make_log(compress="zst")


def test_a_crash_between_the_two_files_leaves_one_log(fill, path, monkeypatch):
    fill(40, **OPTIONS)
    first = numbered_files(path)[1]
    first.with_name(first.name + ".gz").write_bytes(b"half a fi")
    assert (verify(path).ok, ids(path)) == (True, all_ids(40))
    fill(40, compress="gz", **OPTIONS)
    assert {file.suffix for file in numbered_files(path).values()} == {".gz"}
    assert (verify(path).ok, verify(path).decisions) == (True, 80)


@KEYS
@pytest.mark.parametrize("compress", [None, "gz"])
def test_a_log_keeps_so_many_files_and_says_what_went(fill, path, key, compress):
    fill(40, keep_files=2, compress=compress, key=key, **OPTIONS)
    assert len(numbered_files(path, all_of_them=True)) == 2
    report, stub = verify(path, key=key), read_stub(path)
    assert (report.ok, report.removed, report.decisions) == (True, stub.lines, 40 - stub.decisions)
    assert ids(path) == all_ids(40)[stub.decisions :]
    assert f"{stub.lines} líneas quitadas" in str(report)
    fill(40, keep_files=0, compress=compress, key=key, **OPTIONS)
    assert verify(path, key=key).ok
    assert (numbered_files(path), read_stub(path).files) == ({}, max(read_stub(path).files, 3))


def test_files_are_kept_for_so_many_days(fill, path, clock):
    fill(40, **OPTIONS)
    full = numbered_files(path)
    for number, file in full.items():
        os.utime(file, (number * 86_400, number * 86_400))
    due = retention.due_files(path, keep_files=None, keep_days=2, now=5 * 86_400)
    assert list(due) == [1, 2]
    assert list(retention.due_files(path, keep_files=1, keep_days=100, now=5 * 86_400)) == list(full)[:-1]


@KEYS
def test_what_was_altered_does_not_go_away(fill, path, alerts, key):
    fill(40, key=key, **OPTIONS)
    file = numbered_files(path)[1]
    file.write_bytes(file.read_bytes().replace(b'"edad":30', b'"edad":31'))
    with pytest.raises(InvalidFrame, match="not as it was written"):
        retention.prune(path, retention.due_files(path, keep_files=1, keep_days=None, now=0), key, 0)
    assert (file.exists(), read_stub(path)) == (True, None)
    fill(40, key=key, keep_files=1, **OPTIONS)
    assert ("sin_retencion", True) in alerts
    assert file.exists()


def test_a_stub_that_is_missing_forged_or_altered_is_found(fill, path):
    key = b"x" * 16
    fill(40, keep_files=1, key=key, **OPTIONS)
    stub = read_stub(path)
    forged = [
        b"nada",
        msgspec.json.encode(stub.signed(None)),
        msgspec.json.encode(msgspec.structs.replace(stub, decisions=0)),
    ]
    for data in forged:
        stub_path(path).write_bytes(data)
        assert "alterada" in [problem.kind for problem in verify(path, key=key).problems]
    with pytest.raises(InvalidFrame):
        retention.prune(path, retention.due_files(path, keep_files=0, keep_days=None, now=0), key, 0)
    stub_path(path).unlink()
    assert [problem.kind for problem in verify(path, key=key).problems] == ["faltan"]


def test_files_that_a_crash_left_after_the_stub_are_passed_over_and_removed(fill, path, monkeypatch):
    fill(40, **OPTIONS)
    due = retention.due_files(path, keep_files=1, keep_days=None, now=0)
    written = retention.write_stub

    def crash(*arguments):
        written(*arguments)
        raise OSError("crash")

    monkeypatch.setattr(retention, "write_stub", crash)
    with pytest.raises(OSError, match="crash"):
        retention.prune(path, due, None, 0)
    assert all(file.exists() for file in due.values())
    assert verify(path).ok
    retention.remove_leftovers(path, None)
    assert not any(file.exists() for file in due.values())
    assert verify(path).ok


def test_archived_files_are_elsewhere_and_sound(fill, path, tmp_path, capsys):
    fill(40, compress="gz", **OPTIONS)
    elsewhere = tmp_path / "archive"
    elsewhere.mkdir()
    names = [file.name for file in numbered_files(path).values()]
    assert main(["audit", "archive", str(path), str(elsewhere)]) == 0
    assert sorted(file.name for file in elsewhere.iterdir()) == sorted(names)
    assert (numbered_files(path), read_stub(path).moved, verify(path).ok) == ({}, "archivado", True)
    assert all(verify(file).ok for file in elsewhere.iterdir())
    assert main(["audit", "verify", str(path)]) == 0


@pytest.mark.parametrize(
    ("options", "left"), [(["--keep-files", "1"], 1), (["--keep-files", "9", "--keep-days", "0"], 0)]
)
def test_prune_on_the_command_line(fill, path, options, left):
    fill(40, **OPTIONS)
    assert main(["audit", "prune", str(path), *options]) == 0
    assert len(numbered_files(path)) == left
    assert main(["audit", "verify", str(path)]) == 0
    assert main(["audit", "prune", str(path)]) == 2
    assert main(["audit", "prune", str(path), "--keep-files", "-1"]) == 2


def test_endings_are_those_of_the_kinds():
    assert SUFFIXES == (".gz", ".zst")
