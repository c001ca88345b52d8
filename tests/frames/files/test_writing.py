"""Tables as files: the same bytes by pyarrow and by the csv module, whole files only, every ending."""

from __future__ import annotations

import csv
import io
import os
import stat
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames.compatibility import arrow_text
from morosidad.frames.files import csv_files
from morosidad.frames.files.csv_writing import csv_bytes
from morosidad.frames.files.tables import read_table
from morosidad.frames.files.writing import TableWriter, check_writable
from support import needed

ARROW = find_spec("pyarrow") is not None
TEXT_ENDINGS = [f"{kind}{more}" for kind in ("csv", "jsonl") for more in ("", ".gz", ".bz2", ".xz", ".zip")]
ARROW_ENDINGS = ["csv.zst", "jsonl.zst", "parquet", "pq", "arrow", "feather", "ipc"]

texts = st.one_of(
    st.none(),
    st.sampled_from(["", ",", '"', "\n", "\r", "a b", " x", "ñ", '"q",', "\x00"]),
    st.text(max_size=5),
).filter(lambda text: text is None or text.isprintable() or text.isascii())
numbers = st.one_of(
    st.floats(),
    st.floats(0, 1),
    st.builds(lambda digits, power: digits * 10.0**power, st.floats(-10, 10), st.integers(-7, 18)),
    st.sampled_from([1e-4, 9_999_999_999.5, 1e10 + 0.5, 1e15, 1e16, 9.9e-5, 0.0, -0.0, 1.0]),
)


@given(st.lists(st.tuples(texts, texts, numbers, st.integers(-(2**63), 2**63 - 1)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_csv_is_the_same_by_pyarrow_and_the_csv_module(rows: list[Any]) -> None:
    needed(ARROW, "pyarrow")
    first, second, floats, whole = zip(*rows, strict=True) if rows else ([], [], [], [])
    frame = pd.DataFrame(
        {
            "row": np.array(whole, dtype=np.int64),
            "text, quoted": pd.Series(first, dtype=object),
            "str": pd.Series(second, dtype=arrow_text()),
            "level": pd.Categorical(first),
            "number": np.array(floats, dtype=np.float64),
        }
    )
    written = []
    for arrow in (False, True):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(csv_files, "arrow_installed", lambda arrow=arrow: arrow)
            written.append(csv_bytes(frame, header=True))
    assert written[0] == written[1]
    header, *read = csv.reader(io.StringIO(written[0].decode(), newline=""))
    assert header == list(frame.columns)
    levels = [level if isinstance(level, str) else "" for level in frame["level"]]  # old ones end at a NUL
    for (a, b, x, i), level, cells in zip(rows, levels, read, strict=True):
        assert cells == [str(i), a or "", b or "", level, "" if x != x else repr(x)]
    if not any("\r" in (a or "") + (b or "") for a, b, _, _ in rows):  # which pandas leaves without quotes
        assert written[0].decode() == frame.to_csv(index=False, lineterminator="\n")


def test_other_objects_are_written_as_python_writes_them() -> None:
    frame = pd.DataFrame({"a": pd.Series([[1], True, None, 2**70, "x"], dtype=object), "b": [True] * 5})
    assert csv_bytes(frame, header=False).decode() == frame.to_csv(
        index=False, header=False, lineterminator="\n"
    )


@pytest.mark.parametrize("ending", [*TEXT_ENDINGS, *ARROW_ENDINGS])
def test_what_is_written_is_read_again(tmp_path: Path, ending: str) -> None:
    needed(ARROW or ending in TEXT_ENDINGS, "pyarrow")
    path = tmp_path / f"x.{ending}"
    frame = pd.DataFrame({"n": [0.5, np.nan, 1e-7], "i": [1, 2, 3], "c": ["ñ", None, 'a,"b"\n']})
    writer = TableWriter(str(path))
    writer.write(frame[:2])
    writer.write(frame[2:])
    assert not path.exists()
    writer.finish()
    writer.discard()
    assert os.listdir(tmp_path) == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    missing = {"c": "no text"}  # None or NaN, by the version of pandas
    again = read_table(str(path)).fillna(missing)
    pd.testing.assert_frame_equal(again, frame.fillna(missing), check_dtype=False)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_lists_of_texts_stay_lists_where_the_format_has_them(tmp_path: Path, ending: str) -> None:
    needed(ARROW or ending != "parquet", "pyarrow")
    path = tmp_path / f"x.{ending}"
    writer = TableWriter(str(path))
    for cells in ([()], [("a", "b")]):
        writer.write(pd.DataFrame({"row": [1], "warnings": pd.Series(cells, dtype=object)}))
    writer.finish()
    found = [None if isinstance(cell, float) else cell for cell in read_table(str(path))["warnings"]]
    assert [list(cell) if cell is not None and ending != "csv" else cell for cell in found] == (
        [None, "a; b"] if ending == "csv" else [[], ["a", "b"]]
    )


def test_objects_become_text_in_a_table_of_types(tmp_path: Path) -> None:
    needed(ARROW, "pyarrow")
    path = tmp_path / "x.parquet"
    writer = TableWriter(str(path))
    for cell in ("007", 7, {"año": [1]}, None, float("nan")):
        writer.write(pd.DataFrame({"id": pd.Series([cell], dtype=object), "n": [1]}))
    writer.finish()
    found = read_table(str(path))["id"].dropna().tolist()
    assert found == ["007", "7", '{"año": [1]}']


def test_a_file_that_is_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before", encoding="utf-8")
    writer = TableWriter(str(path))
    writer.write(pd.DataFrame({"a": [1], "b": [2]}))
    writer.discard()
    assert path.read_text(encoding="utf-8") == "before"
    assert os.listdir(tmp_path) == ["x.csv"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "x.csv")
    writer = TableWriter(str(tmp_path / "link.csv"))
    writer.write(pd.DataFrame({"a": [1], "b": [2]}))
    writer.finish()
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    writer = TableWriter(f"/dev/fd/{writing}")
    os.close(writing)
    writer.write(pd.DataFrame({"a": [1], "b": [2]}))
    writer.finish()
    with os.fdopen(reading, "rb") as file:
        assert file.read() == b"a,b\n1,2\n"


def test_what_can_not_be_written_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x.xlsx", "x.parquet.gz", "x.csv.rar"):
        with pytest.raises(InvalidFrame, match=r"none of these: \.csv .* \.parquet .* \.jsonl"):
            check_writable(str(tmp_path / name))
    with pytest.raises(InvalidFrame, match="can't be written"):
        TableWriter(str(tmp_path / "no folder" / "x.csv"))
    monkeypatch.setattr("morosidad.frames.files.writing.find_spec", lambda _: None)
    for name in ("x.parquet", "x.arrow", "x.csv.zst"):
        with pytest.raises(MissingExtra, match=r"morosidad\[parquet\]"):
            check_writable(str(tmp_path / name))
