"""ChainedFile after crashes, on full disks and with files that others touch."""

from __future__ import annotations

import contextlib
import errno
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import morosidad.audit.chain.file as module
from helpers.chained_files import BODY, write
from morosidad.audit import verify
from morosidad.audit.chain.file import ChainedFile, Finding
from morosidad.audit.chain.paths import head_path, numbered_files, numbered_path, pack_head, read_head


class FailingDisk:
    """Opens files that fail after some bytes, as a full disk does."""

    def __init__(self, monkeypatch, number=errno.ENOSPC):
        self.room = None  # bytes left; None: no limit
        self.number = number
        self.open_real = module.open_private
        monkeypatch.setattr(module, "open_private", self.open)

    def open(self, path, flags=0):
        with self.open_real(path, flags) as real:
            file = FailingFile(os.dup(real.fileno()), "r+")
        file.disk = self
        return file


class FailingFile(io.FileIO):
    disk: FailingDisk

    def write(self, data):
        if self.disk.room is None:
            return super().write(data)
        count = super().write(data[: self.disk.room]) if self.disk.room else 0
        self.disk.room -= count
        if not count:
            raise OSError(self.disk.number, os.strerror(self.disk.number))
        return count


@pytest.fixture
def disk(monkeypatch):
    return FailingDisk(monkeypatch)


def test_a_torn_line_is_cut_off_wherever_it_is_torn(make_file, path):
    file = make_file()
    write(file, 3)
    file.close()
    whole = path.read_bytes()
    third = whole.rindex(b'{"id"')
    last = file.last._replace(number=2, digest=whole[third - 67 : third - 3].decode())
    for cut in range(third + 1, len(whole)):
        path.write_bytes(whole[:cut])
        head_path(path).write_bytes(pack_head(last))
        file = make_file()
        assert write(file) == [Finding("reparacion", cut - third)]
        file.close()
        report = verify(path)
        assert (report.ok, report.torn, report.lines) == (True, 0, 3)


def test_zeros_that_a_power_cut_left_are_cut_off(make_file, path):
    file = make_file()
    write(file, 2)
    file.close()
    with path.open("ab") as raw:
        raw.write(b"\0" * 200_000)
    assert write(make_file()) == [Finding("reparacion", 200_000)]
    assert verify(path).ok


def test_a_text_of_others_is_ended_and_not_cut(make_file, path):
    path.write_bytes(b"edad,zona\n30,rural")
    assert write(make_file()) == []
    assert path.read_bytes().startswith(b'edad,zona\n30,rural\n{"id"')
    assert verify(path).problem_count == 2


def test_an_altered_last_line_stays_and_is_found(make_file, path):
    file = make_file()
    write(file, 2)
    file.close()
    path.write_bytes(path.read_bytes()[:-3] + b"?}\n")
    assert write(make_file()) == [Finding("faltan", 1)]
    assert [p.kind for p in verify(path).problems] == ["alterada"]


def test_lines_cut_off_between_two_runs_stay_missing(make_file, path):
    file = make_file()
    write(file, 5)
    file.close()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert write(make_file()) == [Finding("faltan", 2)]
    assert [p.message for p in verify(path).problems] == ["faltan las líneas 4 a 5"]


def test_a_log_that_was_replaced_between_two_runs_does_not_pass(make_file, path):
    other = path.with_name("otro.jsonl")
    for where in [path, other]:
        file = make_file(where)
        write(file, 2)
        file.close()
    other.replace(path)
    assert write(make_file()) == [Finding("faltan", 2)]
    assert not verify(path).ok


@pytest.mark.parametrize("at_a_time", [2, 256])
@pytest.mark.parametrize("room", [0, 1, 100, 250, 500])
def test_a_full_disk_leaves_no_part_of_a_line(make_file, path, disk, room, at_a_time, monkeypatch):
    monkeypatch.setattr(module, "_LINES_AT_A_TIME", at_a_time)
    file = make_file()
    write(file, 2)
    before = path.read_bytes()
    disk.room = room
    with pytest.raises(OSError, match="No space"):
        file.write([BODY] * 5)
    assert path.read_bytes() == before
    disk.room = None
    assert write(file, 5) == []
    assert (verify(path).ok, verify(path).lines) == (True, 7)


def test_a_full_disk_may_write_short_and_still_write_all(make_file, path, disk):
    file = make_file()
    file.open()
    disk.room = 10**6
    file.write([BODY])
    assert verify(path).ok


def test_a_file_that_can_not_be_cut_back_is_mended_when_it_opens_again(make_file, path, disk, monkeypatch):
    file = make_file()
    write(file, 2)
    disk.room = 100
    with monkeypatch.context() as patch:
        patch.setattr(
            FailingFile, "truncate", lambda self, size=None: (_ for _ in ()).throw(OSError(5, "EIO"))
        )
        with pytest.raises(OSError):
            file.write([BODY] * 2)
    assert verify(path).torn == 100
    disk.room = None
    assert write(file, 2) == [Finding("reparacion", 100)]
    assert (verify(path).ok, verify(path).lines) == (True, 4)


def test_lines_that_could_not_be_synced_are_not_kept(make_file, path, monkeypatch):
    file = make_file(durable=True)
    write(file, 2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "EIO")))
        with pytest.raises(OSError, match="EIO"):
            file.write([BODY])
    write(file)
    assert (verify(path).ok, verify(path).lines) == (True, 3)


def test_a_head_that_can_not_be_written_is_only_older(make_file, path, monkeypatch):
    file = make_file()
    write(file, 2)
    with io.FileIO(os.devnull) as unwritable, monkeypatch.context() as patch:
        patch.setattr(file, "_head", unwritable)
        file.write([BODY])
    assert read_head(path).position.number == 2
    assert verify(path).ok


def test_a_damaged_head_is_as_none(make_file, path):
    file = make_file()
    write(file, 2)
    file.close()
    head_path(path).write_bytes(b"nada")
    assert write(make_file()) == [Finding("sin_cabeza", 1)]
    assert verify(path).ok


def test_a_removed_folder_is_an_error_until_it_is_back(make_file, path, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    where = folder / "d.jsonl"
    file = make_file(where)
    write(file, 2)
    where.unlink()
    head_path(where).unlink()
    folder.rmdir()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            file.open()
    folder.mkdir()
    assert write(file) == [Finding("faltan", 2)]
    assert file.last.number == 3
    assert [p.message for p in verify(where).problems] == ["faltan las líneas 1 a 2"]


def test_a_file_that_was_moved_away_goes_on_in_a_new_one(make_file, path):
    file = make_file()
    write(file, 2)
    path.rename(numbered_path(path, 1))
    assert write(file, 2) == []
    assert (verify(path).ok, verify(path).lines) == (True, 4)


def test_another_log_is_taken_when_ones_own_was_taken_meanwhile(make_file, path):
    file = make_file()
    write(file, 2)
    head_path(path).unlink()
    thief = make_file()
    write(thief)
    assert write(file) == []
    assert file.path.name == "decisiones-2.jsonl"
    assert verify(file.path).ok


def test_lines_that_others_add_do_not_break_the_chain(make_file, path):
    file = make_file()
    write(file, 2)
    with path.open("ab") as raw:
        raw.write(b"ajeno\n")
    assert write(file, 2) == []
    assert [p.line for p in verify(path).problems] == [3]


def test_a_file_that_can_not_be_rotated_goes_on_growing(make_file, path, monkeypatch):
    file = make_file(rotation_size=500)
    write(file, 2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", lambda a, b: (_ for _ in ()).throw(PermissionError(13, "no")))
        write(file, 3)
        assert isinstance(file.rotation_error, PermissionError)
        assert not numbered_files(path)
    write(file, 3)
    assert file.rotation_error is None
    assert numbered_files(path)
    assert (verify(path).ok, verify(path).lines) == (True, 8)


def test_a_mode_that_can_not_be_set_is_an_error_and_leaks_nothing(make_file, path, monkeypatch):
    path.touch(mode=0o644)
    path.chmod(0o644)
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: (_ for _ in ()).throw(PermissionError(1, "no")))
    before = len(os.listdir("/proc/self/fd"))
    file = make_file()
    with pytest.raises(PermissionError):
        file.open()
    file.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_error_while_opening_closes_the_file(make_file, path, monkeypatch):
    file = make_file()
    with monkeypatch.context() as patch:
        patch.setattr(module, "read_tail", lambda file: (_ for _ in ()).throw(OSError(5, "EIO")))
        with pytest.raises(OSError, match="EIO"):
            file.open()
    assert write(file) == []
    assert verify(path).ok


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "fail", "restart", "tear", "damage head"]), st.integers(1, 4))
    )
)
def test_whatever_befalls_it_the_chain_holds_every_line_that_was_written(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("log") / "d.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        disk = FailingDisk(patch)
        file = ChainedFile(path, rotation_size=700, key=None, durable=False)
        written = 0
        for step, amount in steps:
            if step == "write":
                write(file, amount)
                written += amount
            elif step == "fail":
                file.open()
                disk.room = 100 * amount
                with contextlib.suppress(OSError):
                    written += file.write([BODY] * 4)
                disk.room = None
            elif step == "restart":
                file.close()
                file = ChainedFile(path, rotation_size=700, key=None, durable=False)
            elif step == "tear" and path.exists() and path.read_bytes().endswith(b"\n"):
                with path.open("ab") as raw:
                    raw.write(b'{"id":"0123'[: 3 * amount])
            elif step == "damage head" and path.exists():
                head_path(path).write_bytes(b"?" * amount)
        write(file)
        file.close()
        report = verify(path)
        assert (report.ok, report.lines) == (True, written + 1)
