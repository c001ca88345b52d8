"""Logs as data frames and files of tables."""

from __future__ import annotations

import json
import stat
import sys

import pandas as pd
import pytest

from helpers.audit import VALUES
from morosidad.__main__ import main
from morosidad.audit import LogTable, export, find, frame, read
from morosidad.errors import InvalidFrame, MissingExtra


def test_a_log_is_read_as_a_frame_with_what_waits_in_memory(make_log, context, decide):
    log = make_log()
    log.append(context, decide(warnings=("zona: nueva",)), VALUES, 0.5)
    log.append(context, decide(request_id=None, reasons=()), (None, 2, None), 0.5)
    table = log.frame()
    assert table["request_id"].tolist() == ["r-1", None]
    assert table["value.edad"].tolist()[0] == 30.0
    assert table["value.edad"].isna().tolist() == [False, True]
    assert table["value.zona"].tolist() == ["rural", None]
    assert table["reasons"].tolist() == [["Edad"], []]
    assert table["warnings"].tolist() == [["zona: nueva"], []]
    assert str(table["time"].dtype) == "datetime64[us, UTC]"
    assert table[["model", "model_version", "model_digest"]].iloc[0].tolist() == ["riesgo", "3", "ab12"]
    assert table.dtypes["probability"] == "float64"


def test_pieces_of_a_log_are_the_whole(fill, path):
    fill(25, rotation_size=5000)
    whole, pieces = frame(path), list(LogTable(path).chunks(7))
    assert [len(piece) for piece in pieces] == [7, 7, 7, 4]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)
    assert whole["request_id"].tolist() == [line.request_id for line in read(path)]


def test_a_log_without_decisions_is_a_table_without_rows(path):
    path.touch()
    assert len(frame(path)) == 0
    assert export(path, path.with_name("out.csv")) == 0


@pytest.mark.parametrize("values", ["full", "hash", "none"])
@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_a_file_holds_what_the_log_holds(fill, path, tmp_path, ending, values):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    fill(25, rotation_size=5000, values=values, key="x" * 16)
    out = tmp_path / f"out.{ending}"
    assert export(path, out) == 25
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    if ending == "jsonl":
        rows = [json.loads(line) for line in out.read_bytes().splitlines()]
        assert [row["request_id"] for row in rows] == [f"r-{i}" for i in range(25)]
        assert ("huella" in rows[0], "anterior" in rows[0]) == (False, False)
        return
    table = pd.read_parquet(out) if ending == "parquet" else pd.read_csv(out)
    whole = frame(path)
    assert table["request_id"].tolist() == whole["request_id"].tolist()
    assert table["probability"].tolist() == whole["probability"].tolist()
    assert list(table.columns) == list(whole.columns)
    if values == "full":
        assert table["value.edad"].tolist() == whole["value.edad"].tolist()


def test_a_field_of_several_types_is_text_in_parquet(make_log, path, context, decide, tmp_path):
    pytest.importorskip("pyarrow")
    log = make_log()
    for zone in ("rural", 7, None, True, 2**60):
        log.append(context, decide(), (30, True, zone), 0.1)
    log.close()
    export(path, tmp_path / "out.parquet")
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert table["value.zona"].fillna("").tolist() == ["rural", "7", "", "true", str(2**60)]
    assert table["value.ingresos_mensuales"].tolist() == [True] * 5


def test_another_ending_or_a_missing_library_is_said(fill, path, tmp_path, monkeypatch):
    fill(1)
    with pytest.raises(InvalidFrame, match="parquet"):
        export(path, tmp_path / "out.xlsx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="morosidad\\[parquet\\]"):
        export(path, tmp_path / "out.parquet")
    with pytest.raises(FileNotFoundError):
        export(tmp_path / "nada.jsonl", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_decisions_on_a_request_are_found(fill, path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MOROSIDAD_LANGUAGE", "en")
    fill(25, rotation_size=5000)
    assert [line.request_id for line in find(path, "r-7")] == ["r-7"]
    assert main(["audit", "find", "r-7", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["request_id"] == "r-7"
    assert main(["audit", "find", "nada", str(path)]) == 1
    assert "no decision" in capsys.readouterr().out
    assert main(["audit", "export", str(path), str(tmp_path / "out.csv")]) == 0
    assert "25 decisions" in capsys.readouterr().out
    assert main(["audit", "export", str(path), str(path)]) == 2
