"""A CSV file is read as a record that holds its texts, and files of other kinds as frames."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from frames.test_one_reading import FIELDS, alone, floats, in_frame, same, texts, whole
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames.files.tables import read_table, read_table_chunks
from morosidad.schema.schema import Schema
from support import needed

ARROW = find_spec("pyarrow") is not None

TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
csv_values = st.one_of(
    st.booleans(),
    st.sampled_from(["TRUE", " false ", "0", "1.0", "2", "-0", "+5", ".5", "5.", "1e3", " 7 "]),
    texts.filter(lambda text: text.isprintable()),
    whole.filter(lambda x: abs(x) < 10**300),
    floats.filter(math.isfinite),
    st.none(),
)


@pytest.mark.parametrize("engine", ["pandas", "pyarrow"])
@given(st.lists(csv_values, min_size=1, max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_csv_file_holds_what_its_texts_are_in_a_record(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: list[Any]
) -> None:
    needed(ARROW or engine == "pandas", "pyarrow")
    monkeypatch.setattr("morosidad.frames.files.csv_files.arrow_installed", lambda: engine == "pyarrow")
    for field in FIELDS:
        number = field.kind in ("integer", "number") or (field.holds_integers and field.kind == "category")
        path = tmp_path / "datos.csv"
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["id", field.name], *[[1, value] for value in column]])
        path.write_bytes(out.getvalue().encode())
        found = [
            cell
            for chunk in read_table_chunks(str(path), Schema([field]))
            for cell in in_frame(Schema([field]), chunk.fields)
        ]
        for value, cell in zip(column, found, strict=True):
            meant = None if value == "" else value
            if number and meant is not None:
                meant = number_in(str(value))
            elif field.kind == "boolean" and meant is not None:
                text = str(value)
                meant = TRUTHS.get(text.strip().lower(), 2 if text.strip() in ("2", "2.0") else text)
            elif field.kind == "category" and meant is not None:
                meant = str(value)
            assert same(field, alone(field, meant), cell), (field, value, cell)


def number_in(text: str) -> Any:
    """A number as JSON writes it, or with a sign, a bare point or spaces besides; or the text itself."""
    if text.strip() in ("-0", "+5", ".5", "5."):
        return float(text)
    try:
        found = json.loads(text.strip())
    except ValueError:
        return text
    return found if type(found) in (int, float) and found == found else text


def test_only_the_empty_cell_is_missing_and_types_are_those_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("morosidad.frames.files.csv_files.CHUNK_ROWS", 2)
    path = tmp_path / "x.csv"
    path.write_text("a,b,c\n1,NA,1\n2,None,2\n3,,x\n,null,0.1\n", encoding="utf-8")
    frame = read_table(str(path))
    assert frame["b"].tolist()[:2] == ["NA", "None"]
    assert frame["b"].isna().tolist() == [False, False, True, False]
    assert frame["c"].tolist() == ["1", "2", "x", "0.1"]
    assert frame["a"].dtype == "float64"
    assert read_table(str(path), missing=["NA", "null"])["b"].isna().sum() == 3


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "feather", "jsonl"])
def test_the_ending_says_what_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    needed(ARROW or ending not in ("parquet", "feather"), "pyarrow")
    monkeypatch.setattr("morosidad.frames.files.csv_files.CHUNK_ROWS", 2)
    frame = pd.DataFrame({"n": [1.5, 2.0, 0.1], "c": ["nA1", "b", "c"], "i": [1, 2, 3]})
    path = tmp_path / f"x.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    elif ending == "feather":
        frame.to_feather(path)
    elif ending == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    read = read_table(str(path))
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)
    schema = Schema.infer(read)
    chunks = list(read_table_chunks(str(path), schema))
    assert [len(chunk.own) for chunk in chunks] == [2, 1]
    assert [place for chunk in chunks for place in chunk.own.index] == [0, 1, 2]
    assert [row for chunk in chunks for row in in_frame(schema, chunk.fields)] == in_frame(schema, frame)


def test_a_name_that_only_some_lines_have_is_a_column_of_every_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("morosidad.frames.files.csv_files.CHUNK_ROWS", 1)
    path = tmp_path / "x.jsonl"
    path.write_text('{"n": 1.5, "c": "a"}\n{"n": 2.0}\n', encoding="utf-8")
    schema = Schema.infer(read_table(str(path)))
    chunks = [chunk.fields for chunk in read_table_chunks(str(path), schema)]
    assert [list(fields.columns) for fields in chunks] == [["n", "c"]] * 2
    assert [in_frame(schema, fields) for fields in chunks] == [[[1.5, "a"]], [[2.0, None]]]


@pytest.mark.parametrize("ending", ["parquet", "feather", "jsonl", "csv.gz", "csv.xz", "csv.bz2"])
def test_a_damaged_file_is_refused(tmp_path: Path, ending: str) -> None:
    needed(ARROW or ending not in ("parquet", "feather"), "pyarrow")
    path = tmp_path / f"x.{ending}"
    with pytest.raises(InvalidFrame, match="no such file"):
        read_table(str(path))
    path.write_bytes(b"nada de esto")
    with pytest.raises(InvalidFrame):
        read_table(str(path))
    if ending == "csv.gz":
        path.write_bytes(gzip.compress(b"a,b\n" + bytes(str(list(range(9999))), "ascii"))[:50])
        with pytest.raises(InvalidFrame):
            read_table(str(path))


def test_without_pyarrow_a_parquet_file_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("morosidad.frames.files.typed_files.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="parquet"):
        read_table(str(tmp_path / "x.parquet"))
