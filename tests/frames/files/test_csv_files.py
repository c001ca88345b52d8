"""CSV by pyarrow and row by row: the same rows, damage and errors, and the rows of the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from morosidad.errors import InvalidFrame
from morosidad.frames.files import csv_files
from morosidad.frames.files.csv_files import read_texts
from support import needed

ARROW = find_spec("pyarrow") is not None


def read(data: bytes, encoding: str = "utf-8", separator: str = ",") -> Any:
    """Give rows with their places and lines, or what is wrong."""
    rows: list[tuple[int, Any]] = []
    try:
        for chunk in read_texts(io.BytesIO(data), "x.csv", separator, encoding):
            texts = chunk.rows.astype(object).where(chunk.rows.notna(), None)
            names = list(texts.columns)
            rows += zip(texts.index.tolist(), texts.to_numpy().tolist(), strict=True)
            rows += [(row.place, (row.line, row.cells, row.columns == len(names))) for row in chunk.damaged]
    except InvalidFrame as error:
        return str(error)
    return sorted(rows, key=lambda row: row[0])


def both(data: bytes, block: int, **options: Any) -> Any:
    """Read in both manners, and make sure that they are one."""
    found = []
    for arrow in (False, True):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(csv_files, "arrow_installed", lambda arrow=arrow: arrow and ARROW)
            patched.setattr(csv_files, "BLOCK", block)
            patched.setattr(csv_files, "CHUNK_ROWS", 3)
            found.append(read(data, **options))
    slow, fast = found
    assert fast == slow
    return fast


cells = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "1",
            "-0",
            "1.5",
            " 2 ",
            "NA",
            "null",
            "nan",
            "true",
            '""',
            '"q"',
            '"a,b"',
            '"a""b"',
            '""""',
            '"a\nb"',
            '"a\r\nb"',
            '"a\rb"',
            '"\n"',
            'x"y',
            ' "s"',
            '"t"u',
            '"t" ',
            "ñ",
            "  ",
            "\x00",
            "\ufeff",
            '"',
            '"open',
            "#",
            "'a'",
            "\\",
            "1,5",
        ]
    ),
    st.text(max_size=4),
)
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r\n", "\n\n", "\r", "\n  \n"])


@st.composite
def files(draw: st.DrawFn) -> str:
    width = draw(st.integers(1, 3))
    text = ",".join("abc"[:width]) + draw(ends)
    for _ in range(draw(st.integers(0, 6))):
        odd = draw(st.integers(0, 9)) == 0
        text += ",".join(draw(cells) for _ in range(width + (draw(st.integers(-1, 1)) if odd else 0)))
        text += draw(ends)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


@given(files(), st.sampled_from([1, 7, 30, 1 << 22]))
@settings(max_examples=400, deadline=None)
@example('a,b\n1,"2\n3",x\n4,5\n', 1)
@example('a,b\n"1,2\n3,4\n', 1 << 22)
@example('\ufeffa,b\n"",""\n', 7)
@example("a,b\r\n1,2\r\n", 5)
@example("a,b\n,\n\ufeff,", 1)
def test_pyarrow_reads_what_the_csv_module_reads(text: str, block: int) -> None:
    needed(ARROW, "pyarrow")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    found = both(data, block)
    if isinstance(found, str):
        return
    header, *rows = list(rows_of_the_csv_module(text.removeprefix("\ufeff")))
    assert len(found) == len(rows)
    for (place, row), (number, expected) in zip(found, enumerate(rows), strict=True):
        assert place == number
        if len(expected) == len(header):
            assert row == [cell or None for cell in expected]
        else:
            assert row[1:] == (expected, True)


def rows_of_the_csv_module(text: str) -> Iterator[list[str]]:
    for row in csv.reader(io.StringIO(text, newline="")):
        if row and not (len(row) == 1 and row[0].isspace()):
            yield row


@pytest.mark.parametrize("block", [1, 1 << 22])
def test_what_is_wrong_names_its_line(block: int) -> None:
    assert both(b"", block) == "x.csv: the file is empty"
    assert both(b"a,b,a\n1,2,3\n", block) == "columns bear the same name: a"
    assert both(b'a,b\n1,2\n"1\n\n,3\n4,5\n', block) == "x.csv: line 3: a quoted cell is never closed"
    long = b"a,b\n1,2\n3," + b"x" * 200_000 + b"\n"
    assert both(long, block) == "x.csv: line 3: a cell is longer than 131072 characters"
    found = both("a,b\n1,2\n3,año\n".encode("latin-1"), block)
    assert found == "x.csv: line 3: not written in utf-8; give --encoding, for example latin-1"
    assert both(b"a,b\n1,2\n", block, encoding="hex") == "x.csv: there is no encoding 'hex'"
    assert both(b"a,b\n1,2\n", block, separator=";;") == "--sep: one character was expected"
    assert both(b'a,b\n1,2\n\n"x\ny"\n7,8,9\n5,6\n', block) == [
        (0, ["1", "2"]),
        (1, (4, ["x\ny"], True)),
        (2, (6, ["7", "8", "9"], True)),
        (3, ["5", "6"]),
    ]


def test_a_line_without_end_is_no_line_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("morosidad.frames.files.texts.LONGEST_LINE", 1000)
    monkeypatch.setattr(csv_files, "LONGEST_LINE", 1000)
    monkeypatch.setattr("morosidad.frames.files.texts._PIECE", 100)
    assert both(b"a,b\n1,2\n" + b"3" * 5000, 10) == "x.csv: line 3: longer than 1000 characters"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "¦"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    text = f'a{separator}b\r\n"ñ{separator}"{separator}2.5\r\n{separator}é\r\n'
    found = both(text.encode(encoding), 1, encoding=encoding, separator=separator)
    assert found == [(0, [f"ñ{separator}", "2.5"]), (1, [None, "é"])]


def test_a_column_without_a_name_is_called_by_its_place() -> None:
    frame = next(read_texts(io.BytesIO(b",b\n1,2\n"), "x.csv", ",", "utf-8")).rows
    assert list(frame.columns) == list(pd.read_csv(io.BytesIO(b",b\n1,2\n")).columns)


def test_a_file_is_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of many rows, no more than a few pieces are asked for before the first rows are there."""
    monkeypatch.setattr(csv_files, "BLOCK", 1 << 12)
    monkeypatch.setattr(csv_files, "CHUNK_ROWS", 100)
    monkeypatch.setattr("morosidad.frames.files.texts._PIECE", 1 << 10)

    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.taken += size or 0
            return super().read(size)

    for arrow in (False, True):
        monkeypatch.setattr(csv_files, "arrow_installed", lambda arrow=arrow: arrow and ARROW)
        file = Counted(b"a,b\n" + b"1,2\n" * 20_000)
        rows = read_texts(file, "x.csv", ",", "utf-8")
        for number in range(1, 50):
            assert len(next(rows).rows) <= 100
            assert file.taken <= 4 * 100 * number + 3 * (1 << 12)
