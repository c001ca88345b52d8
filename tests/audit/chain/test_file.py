"""ChainedFile: rotation, numbering, continuation and one file for each process."""

from __future__ import annotations

import os
import stat

import pytest

from helpers.chained_files import BODY, write
from morosidad.audit import verify
from morosidad.audit.chain.file import Finding
from morosidad.audit.chain.paths import head_path, numbered_files, numbered_path, read_head


def test_the_file_and_its_head_are_for_their_owner_only(make_file, path):
    path.touch(mode=0o644)
    old = os.umask(0)
    try:
        write(make_file())
    finally:
        os.umask(old)
    for file in [path, head_path(path)]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_write_before_open_is_a_mistake(make_file):
    with pytest.raises(ValueError, match="open"):
        make_file().write([BODY])


def test_the_head_remembers_the_last_line(make_file, path):
    file = make_file()
    write(file, 3)
    assert read_head(path).position == file.last
    assert file.last.number == 3


@pytest.mark.parametrize("durable", [False, True])
def test_a_full_file_goes_on_under_the_next_number(make_file, path, durable):
    file = make_file(rotation_size=1000, durable=durable)
    write(file, 20)
    write(file, 3)
    sizes = [p.stat().st_size for p in [*numbered_files(path).values(), path]]
    assert max(sizes) <= 1000
    assert min(sizes[:-1]) > 1000 - 300
    assert verify(path).ok
    assert verify(path).lines == 23


def test_a_line_longer_than_a_file_gets_a_file_of_its_own(make_file, path):
    write(make_file(rotation_size=10), 3)
    assert len(numbered_files(path)) == 2
    assert verify(path).ok


@pytest.mark.parametrize("name", ["decisiones", "decisiones.2024.jsonl", "a.b.jsonl", ".jsonl"])
def test_a_log_may_have_any_name(make_file, tmp_path, name):
    where = tmp_path / name
    write(make_file(where, rotation_size=600), 5)
    report = verify(where)
    assert (report.ok, report.lines, len(report.files)) == (True, 5, 3)
    assert [verify(numbered_path(where, n)).lines for n in (1, 2)] == [2, 2]


def test_without_a_size_there_is_one_file(make_file, path):
    write(make_file(), 600)
    assert not numbered_files(path)
    assert verify(path).lines == 600


def test_numbers_go_on_after_those_that_are_there(make_file, path):
    numbered_path(path, 41).touch()
    write(make_file(rotation_size=10), 2)
    assert list(numbered_files(path)) == [41, 42]


def test_another_run_continues_the_chain(make_file, path):
    for _ in range(3):
        file = make_file(rotation_size=600)
        assert write(file, 4) == []
        file.close()
    assert (verify(path).ok, verify(path).lines) == (True, 12)


@pytest.mark.parametrize("lost", ["head", "file and head", "file"])
def test_another_run_continues_the_chain_from_what_is_left(make_file, path, lost):
    file = make_file(rotation_size=800)
    write(file, 4)
    file.close()
    assert len(path.read_bytes().splitlines()) == 1
    if "head" in lost:
        head_path(path).unlink()
    if "file" in lost:
        path.unlink()
    file = make_file(rotation_size=800)
    assert write(file) == ([Finding("faltan", 1)] if lost == "file" else [Finding("sin_cabeza", 1)])
    assert file.last.number == (4 if lost == "file and head" else 5)
    report = verify(path)
    assert (report.ok, report.lines) == (lost != "file", 5 if lost == "head" else 4)


def test_each_process_has_a_file_of_its_own(make_file, path):
    first, second, third = make_file(), make_file(), make_file()
    for file in [first, second, third]:
        write(file, 2)
    assert [f.path.name for f in [first, second, third]] == [
        "decisiones.jsonl",
        "decisiones-2.jsonl",
        "decisiones-3.jsonl",
    ]
    assert all(verify(f.path).ok for f in [first, second, third])
    second.close()
    fourth = make_file()
    write(fourth)
    assert fourth.path == second.path
    assert (verify(second.path).ok, verify(second.path).lines) == (True, 3)


def test_closing_twice_is_closing_once(make_file):
    file = make_file()
    write(file)
    file.close()
    file.close()
    assert write(file) == []
    assert file.last.number == 2


@pytest.mark.parametrize("what", ["log", "head"])
def test_nothing_is_opened_through_a_link_or_when_it_is_no_plain_file(make_file, path, tmp_path, what):
    place = path if what == "log" else head_path(path)
    (tmp_path / "elsewhere").write_text("mine")
    place.symlink_to(tmp_path / "elsewhere")
    file = make_file()
    with pytest.raises(OSError):
        file.open()
    file.close()
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(PermissionError):
        make_file().open()
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_file_of_another_user_is_not_opened(make_file, path, monkeypatch):
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError):
        make_file().open()
