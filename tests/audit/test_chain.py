"""The chain and its verification: nothing can change unseen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.audit import KEY, kinds, spread, write_chain
from morosidad.audit import find_logs, read, verify
from morosidad.audit.chain.hashing import (
    GENESIS,
    MAX_LINE,
    ChainPosition,
    append_to_chain,
    body_of,
    new_chain,
    parse_line,
)
from morosidad.audit.chain.paths import head_path, log_files, numbered_files, pack_head
from morosidad.audit.verification import SHOWN


@given(st.binary().filter(lambda b: b"\n" not in b), st.none() | st.binary(min_size=1))
def test_a_sealed_line_comes_apart_as_it_went_together(content, key):
    last = ChainPosition("0123456789ab", 41, "f" * 64)
    line, place = append_to_chain(last, b"{" + content + b"}", key)
    assert body_of(line) == b"{" + content + b"}"
    sealed = parse_line(line, key)
    assert sealed is not None
    assert (sealed.position, sealed.previous, sealed.body, sealed.sound) == (
        place,
        last.digest,
        b"{" + content + b"}",
        True,
    )
    assert place.number == 42
    assert place.id == "0123456789ab-42"


@given(st.integers(0), st.integers(1, 255), st.booleans())
def test_no_byte_of_a_line_can_change_unseen(position, difference, keyed):
    key = KEY if keyed else None
    line, _ = append_to_chain(new_chain(), b'{"a":1}', key)
    position %= len(line)
    altered = bytearray(line)
    altered[position] ^= difference
    sealed = parse_line(bytes(altered), key)
    assert sealed is None or not sealed.sound


@given(st.binary())
def test_garbage_is_no_line(garbage):
    assert parse_line(garbage, None) is None
    assert parse_line(b'{"id":"' + garbage + b'"}\n', None) is None


def test_a_line_that_was_sealed_with_another_key_is_not_sound():
    line, _ = append_to_chain(new_chain(), b'{"a":1}', KEY)
    assert not parse_line(line, b"otra").sound
    assert not parse_line(line, None).sound


@pytest.mark.parametrize("per_file", [None, 1, 3, 4])
@pytest.mark.parametrize("key", [None, KEY])
def test_an_untouched_log_is_sound_across_its_files(path, per_file, key):
    lines = write_chain(path, 12, per_file=per_file, key=key)
    report = verify(path, key=key)
    assert report.ok
    assert (report.lines, report.decisions, report.torn, report.lost) == (12, 12, 0, 0)
    assert report.files == [str(file) for file in log_files(path)]
    assert report.last.endswith("-12")
    assert report.digest.encode() in lines[-1]
    assert "ÍNTEGRO: 12 líneas" in str(report)


@settings(deadline=None)
@given(data=st.data(), per_file=st.sampled_from([None, 1, 3, 5]), count=st.integers(1, 12))
def test_any_change_of_the_lines_is_found(tmp_path_factory, data, per_file, count):
    path = tmp_path_factory.mktemp("log") / "d.jsonl"
    lines = write_chain(path, count, per_file=per_file)
    where = data.draw(st.integers(0, count - 1))
    change = data.draw(st.sampled_from(["alter", "remove", "swap", "repeat", "insert", "cut"]))
    changed = list(lines)
    if change == "alter":
        changed[where] = lines[where].replace(b'"x":', b'"y":')
    elif change == "remove":
        del changed[where]
    elif change == "swap":
        other = data.draw(st.integers(0, count - 1))
        changed[where], changed[other] = changed[other], changed[where]
    elif change == "repeat":
        changed.insert(data.draw(st.integers(0, count)), lines[where])
    elif change == "insert":
        changed.insert(where, append_to_chain(ChainPosition("0" * 12, where, GENESIS), b'{"x":1}', None)[0])
    else:
        del changed[where:]
    spread(path, changed, per_file) if changed else path.unlink()
    report = verify(path)
    assert report.ok == (changed == lines)


def test_an_altered_line_is_named_by_file_and_line(path):
    lines = write_chain(path, 9, per_file=3)
    lines[4] = lines[4].replace(b'"x":4', b'"x":5')
    spread(path, lines, 3)
    (problem,) = verify(path).problems
    assert (problem.kind, problem.line) == ("alterada", 2)
    assert problem.file.endswith("decisiones.2.jsonl")
    assert f"{problem.file}:2: la línea no concuerda" in str(verify(path))


def test_a_line_beyond_recognition_is_one_problem(path):
    lines = write_chain(path, 5)
    lines[2] = b"nada\n"
    spread(path, lines)
    assert kinds(verify(path)) == ["alterada"]


def test_a_line_made_anew_with_its_digest_does_not_fit_the_next(path):
    lines = write_chain(path, 5)
    before = parse_line(lines[1], None).position
    lines[2], _ = append_to_chain(before, b'{"tipo":"decision","x":99}', None)
    spread(path, lines)
    (problem,) = verify(path).problems
    assert (problem.line, problem.message) == (4, "la línea anterior no es la que era")


def test_the_last_line_made_anew_does_not_fit_the_head(path):
    lines = write_chain(path, 5)
    lines[4], _ = append_to_chain(parse_line(lines[3], None).position, b'{"tipo":"decision","x":99}', None)
    spread(path, lines)
    (problem,) = verify(path).problems
    assert (problem.line, problem.message) == (5, "la línea no es la que se escribió")


def test_removed_lines_are_named_by_number(path):
    lines = write_chain(path, 9, per_file=4)
    del lines[3:6]
    spread(path, lines, 4)
    (problem,) = verify(path).problems
    assert (problem.kind, problem.message) == ("faltan", "faltan las líneas 4 a 6")


def test_lines_cut_off_at_the_end_are_found_by_the_head(path):
    lines = write_chain(path, 9)
    spread(path, lines[:-2])
    (problem,) = verify(path).problems
    assert (problem.line, problem.message) == (8, "faltan las líneas 8 a 9")


def test_a_removed_file_is_found(path):
    write_chain(path, 9, per_file=3)
    path.with_name("decisiones.1.jsonl").unlink()
    assert [p.message for p in verify(path).problems] == ["faltan las líneas 1 a 3"]
    path.with_name("decisiones.2.jsonl").unlink()
    path.unlink()
    assert [p.message for p in verify(path).problems] == ["faltan las líneas 1 a 9"]


def test_moved_lines_are_told_from_removed_and_repeated_ones(path):
    lines = write_chain(path, 9)
    spread(path, [*lines[:2], lines[6], *lines[2:6], *lines[7:]])
    assert kinds(verify(path)) == ["movida"] * 4
    spread(path, [*lines[:2], lines[6], lines[4], lines[2], lines[7], lines[8]])
    assert kinds(verify(path)) == ["movida", "movida", "faltan", "faltan"]
    spread(path, [*lines[:5], lines[2], *lines[5:]])
    assert kinds(verify(path)) == ["repetida"]
    spread(path, [lines[0], lines[8], lines[8], *lines[1:8]])
    assert kinds(verify(path)) == ["repetida"] + ["movida"] * 7


def test_a_reversed_log_names_the_first_hundred_problems_and_counts_all(path):
    lines = write_chain(path, 500)
    spread(path, lines[::-1])
    report = verify(path)
    assert (report.problem_count, len(report.problems)) == (499, SHOWN)
    assert f"y {499 - SHOWN} problemas más" in str(report)


def test_a_shuffled_log_is_all_there_and_nothing_is_missing(path):
    lines = write_chain(path, 50)
    random.Random(7).shuffle(lines)
    spread(path, lines)
    report = verify(path)
    assert report.problem_count
    assert "faltan" not in kinds(report)


def test_lines_of_another_chain_are_found(path):
    other = write_chain(path, 4)
    lines = write_chain(path, 5)
    spread(path, lines + other)
    assert "ajena" in kinds(verify(path))
    spread(path, lines[:2] + other[1:2] + lines[2:])
    assert kinds(verify(path)) == ["ajena", "ajena"]
    spread(path, [lines[0], lines[3], other[0]])
    assert kinds(verify(path)) == ["ajena", "faltan", "ajena"]


def test_a_log_that_was_replaced_as_a_whole_is_found_by_the_head(path):
    lines = write_chain(path, 4)
    write_chain(path, 4)
    spread(path, lines)
    assert kinds(verify(path)) == ["ajena"]


def test_without_the_key_no_line_can_be_forged(path):
    write_chain(path, 3, key=KEY)
    write_chain(path, 3)
    report = verify(path, key=KEY)
    assert kinds(report) == ["alterada"] * 3
    assert "¿es esta la clave" in str(report)


def test_the_key_may_be_text(path):
    write_chain(path, 3, key=KEY)
    assert verify(path, key=KEY.decode()).ok


def test_with_a_strange_key_the_report_asks_for_the_right_one_instead_of_naming_every_line(path):
    write_chain(path, 40, key=KEY)
    said = str(verify(path, key=b"otra")).splitlines()
    assert said[0] == "ALTERADO: 40 líneas en 1 archivo, 0 decisiones, 0 sin registrar"
    assert said[1].startswith("ninguna línea concuerda")
    assert said[3] == "… y 39 problemas más"
    assert len(said) == 5


def test_a_report_counts_one_as_one(path):
    lines = write_chain(path, 2)
    path.write_bytes(lines[0] + b"{")
    said = str(verify(path)).splitlines()
    assert said[0] == "ALTERADO: 1 línea en 1 archivo, 1 decisión, 0 sin registrar"
    assert said[1] == "última línea a medio escribir: 1 byte"
    assert said[2].endswith(": falta la línea 2")
    assert "ninguna línea" not in said[3]


def test_an_anchor_finds_a_log_that_was_cut_together_with_its_head(path):
    lines = write_chain(path, 6)
    anchor = verify(path).digest
    assert verify(path, anchor=anchor).ok
    spread(path, lines[:4])
    head_path(path).write_bytes(pack_head(parse_line(lines[3], None).position))
    assert verify(path).ok
    assert kinds(verify(path, anchor=anchor)) == ["faltan"]


def test_a_torn_last_line_is_told_apart_and_is_no_problem(path):
    lines = write_chain(path, 4)
    head_path(path).write_bytes(pack_head(parse_line(lines[2], None).position))
    for cut in range(1, len(lines[3])):
        path.write_bytes(b"".join(lines[:3]) + lines[3][:cut])
        report = verify(path)
        assert (report.ok, report.torn, report.lines) == (True, cut, 3)
    assert f"a medio escribir: {cut} bytes" in str(report)


def test_a_torn_line_in_a_full_file_is_a_problem(path):
    write_chain(path, 6, per_file=3)
    full = path.with_name("decisiones.1.jsonl")
    full.write_bytes(full.read_bytes()[:-5])
    assert kinds(verify(path)) == ["alterada"]
    assert kinds(verify(full)) == ["alterada"]


def test_one_numbered_file_can_be_verified_alone(path):
    lines = write_chain(path, 9, per_file=3)
    part = path.with_name("decisiones.2.jsonl")
    report = verify(part)
    assert (report.ok, report.lines, report.files) == (True, 3, [str(part)])
    part.write_bytes(lines[3] + lines[5])
    assert kinds(verify(part)) == ["faltan"]
    part.write_bytes(b"nada\n" + lines[4] + lines[5])
    assert kinds(verify(part)) == ["alterada"]


def test_declared_losses_are_added_up(path):
    write_chain(
        path, 3, body=b'{"tipo":"evento","fecha":"2026-01-01T00:00:00Z","evento":"perdidas","cantidad":4}'
    )
    report = verify(path)
    assert (report.ok, report.lost, report.decisions) == (True, 12, 0)
    write_chain(
        path, 1, body=b'{"tipo":"evento","fecha":"2026-01-01T00:00:00Z","evento":"faltan","cantidad":4}'
    )
    assert verify(path).lost == 0
    write_chain(path, 1, body=b'{"tipo":"nuevo"}')
    assert verify(path).ok


def test_an_endless_line_is_one_problem_and_little_memory(path):
    lines = write_chain(path, 3)
    path.write_bytes(lines[0] + b"x" * (MAX_LINE + 7) + b"\n" + lines[2])
    assert kinds(verify(path)) == ["alterada"]
    path.write_bytes(b"".join(lines) + b"x" * MAX_LINE * 2)
    assert kinds(verify(path)) == ["alterada"]


@pytest.mark.parametrize("name", ["decisiones.jsonl", "decisiones.1.jsonl", "folder/decisiones.jsonl"])
def test_a_log_that_is_not_there_is_an_error(tmp_path, name):
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / name)


def test_an_empty_log_is_sound(path):
    path.touch()
    report = verify(path)
    assert (report.ok, report.lines, report.last, report.digest) == (True, 0, "", GENESIS)
    assert "última línea: ninguna" in str(report)


@settings(deadline=None)
@given(st.lists(st.binary() | st.just(b"\n"), max_size=5), st.binary())
def test_any_bytes_give_a_report(tmp_path_factory, parts, head):
    path = tmp_path_factory.mktemp("log") / "d.jsonl"
    lines = write_chain(path, len(parts))
    path.write_bytes(b"".join(a + b for a, b in zip(lines, parts, strict=True)))
    head_path(path).write_bytes(head)
    assert verify(path).lines >= 0
    assert list(read(path)) == []


def test_a_log_that_is_rotated_while_it_is_read_is_read_again(path, monkeypatch):
    lines = write_chain(path, 6, per_file=3)
    listed = iter([[path], log_files(path), log_files(path)])
    monkeypatch.setattr("morosidad.audit.verification.log_files", lambda base: next(listed))
    report = verify(path)
    assert (report.ok, report.lines) == (True, len(lines))


def test_numbered_files_come_in_the_order_of_their_numbers(path):
    for name in ["decisiones.10.jsonl", "decisiones.9.jsonl", "decisiones.x.jsonl", "otro.1.jsonl"]:
        path.with_name(name).touch()
    assert list(numbered_files(path)) == [9, 10]


def test_the_logs_of_all_processes_are_found(path):
    for name in [
        path.name,
        "decisiones-2.jsonl.head",
        "decisiones-11.jsonl",
        "decisiones.1.jsonl",
        "decisiones-x",
    ]:
        path.with_name(name).touch()
    names = [log.name for log in find_logs(path)]
    assert names == ["decisiones.jsonl", "decisiones-2.jsonl", "decisiones-11.jsonl"]
