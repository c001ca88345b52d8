"""``morosidad score`` on files of every kind: the same decisions, bad rows with reasons, whole outputs."""

from __future__ import annotations

import csv
import json
import os
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad.__main__ import main
from morosidad.frames.files import csv_files, tables
from morosidad.frames.files.tables import read_table
from support import needed

ARROW = find_spec("pyarrow") is not None


def write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".arrow":
        frame.to_feather(path)
    elif ".jsonl" in path.name:
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)


@pytest.mark.parametrize("given", ["csv.zip", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_decisions(
    given: str, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed(ARROW, "pyarrow")
    monkeypatch.setattr(csv_files, "CHUNK_ROWS", 20)
    rows = pd.read_csv(data).head(50).drop(columns="moroso").assign(id=[f"{n:03}" for n in range(50)])
    rows = rows.astype({"moras": object})
    rows.loc[7, "moras"] = 3 if given == "parquet" else "x"
    source, texts = tmp_path / f"in.{given}", tmp_path / "in.csv"
    write(rows.astype({"moras": int}) if given == "parquet" else rows, source)
    write(rows, texts)
    expected = tmp_path / "expected.csv"
    code = main(["score", str(model), str(texts), "-o", str(expected), "--keep", "id", "--reasons"])
    whole = read_table(str(expected))
    for ending in ("csv", "parquet", "arrow", "jsonl.gz"):
        out = tmp_path / f"out.{ending}"
        assert main(["score", str(model), str(source), "-o", str(out), "--keep", "id", "--reasons"]) == code
        found = read_table(str(out))
        for name in ("warnings", "reasons"):
            if ending != "csv":
                found[name] = found[name].map("; ".join)
            for table in (found, whole):
                table[name] = table[name].astype(object).fillna("")
        found["id"] = found["id"].astype(str).str.zfill(3)
        pd.testing.assert_frame_equal(
            found, whole.assign(id=whole["id"].astype(str).str.zfill(3)), check_dtype=False, rtol=1e-15
        )
        bad = [path.name for path in tmp_path.iterdir() if path.name.startswith("out.bad")]
        assert bad == ([] if given == "parquet" else [f"out.bad.{ending}"])
        for name in bad:
            assert read_table(str(tmp_path / name))["row"].tolist() == [8]
            (tmp_path / name).unlink()


def test_a_damaged_row_is_a_bad_one_and_names_its_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "ingresos,empleo,moras,row\n900,fijo,1,a\n800,libre\n\n700,fijo,2,b,5\nx,fijo,1,c\n600,libre,0,d\n",
        encoding="utf-8",
    )
    assert main(["score", str(model), str(source), "-o", str(out), "--keep", "row"]) == 1
    with out.open(encoding="utf-8") as file:
        assert [(row["row"], row["row.1"]) for row in csv.DictReader(file)] == [("1", "a"), ("5", "d")]
    with (tmp_path / "out.bad.csv").open(encoding="utf-8") as file:
        bad = list(csv.DictReader(file))
    assert [row["row"] for row in bad] == ["2", "3", "4"]
    assert bad[0]["reason"] == "line 3: 2 cells, where the header has 4"
    assert bad[1]["reason"] == "line 5: 5 cells, where the header has 4"
    assert (bad[0]["ingresos"], bad[1]["row.1"], bad[2]["ingresos"]) == ("800", "b", "x")
    assert main(["train", str(source), "--target", "moras", "-o", str(tmp_path / "m")]) == 2
    assert "in.csv: line 3: 2 cells, where the header has 4" in capsys.readouterr().err
    source.write_text("ingresos,empleo,moras\n1\n", encoding="utf-8")
    assert main(["score", str(model), str(source), "-o", str(out)]) == 1


def test_records_whose_first_lines_lack_a_name_are_decided(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(csv_files, "CHUNK_ROWS", 2)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.csv"
    records: list[dict[str, Any]] = [{"ingresos": 900, "moras": 1}] * 3 + [{"empleo": "fijo", "moras": "x"}]
    source.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert main(["score", str(model), str(source), "-o", str(out)]) == 1
    assert len(read_table(str(out))) == 3
    assert read_table(str(tmp_path / "out.bad.csv"))["record"].map(json.loads)[0]["empleo"] == "fijo"
    capsys.readouterr()
    source.write_text("\n".join(map(json.dumps, records[:3])), encoding="utf-8")
    before = out.read_bytes()
    assert main(["score", str(model), str(source), "-o", str(out)]) == 2
    assert "columns are missing: empleo" in capsys.readouterr().err
    assert main(["score", str(model), str(source), "-o", str(out), "--allow-missing", "--keep", "id"]) == 2
    assert "there is no column to keep: id" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    assert main(["score", str(model), str(source), "-o", str(out), "--allow-missing"]) == 0


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
def test_few_rows_are_in_flight(
    ending: str, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file of many chunks, two are held at most: the one that is decided, and the one that is read."""
    needed(ARROW or ending in ("csv", "jsonl"), "pyarrow")
    monkeypatch.setattr(csv_files, "CHUNK_ROWS", 10)
    source = tmp_path / f"in.{ending}"
    write(pd.read_csv(data).drop(columns="moroso"), source)
    alive: list[weakref.ref[Any]] = []
    most = 0

    class Watched(tables.Chunk):
        def __new__(cls, own: Any, *rest: Any) -> Any:
            nonlocal most
            alive.append(weakref.ref(own))
            most = max(most, sum(len(held()) for held in alive if held() is not None))  # type: ignore[arg-type]
            return super().__new__(cls, own, *rest)

    monkeypatch.setattr(tables, "Chunk", Watched)
    assert main(["score", str(model), str(source), "-o", str(tmp_path / "out.csv")]) == 0
    assert len(alive) == 30
    assert most <= 20


def test_an_unknown_ending_is_refused_before_the_work(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["score", str(model), str(data), "-o", str(tmp_path / "out.xlsx")],
        ["score", str(model), "in.xlsx", "-o", str(tmp_path / "out.csv")],
        ["train", "in.xlsx", "--target", "x", "-o", str(tmp_path / "m")],
    ):
        assert main(command) == 2
        assert "the ending of its name is none of these: .csv .tsv" in capsys.readouterr().err


def test_a_run_that_fails_leaves_what_was_there(model: Path, data: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    out.write_text("before", encoding="utf-8")
    source.write_bytes(data.read_bytes() + b'1,"fijo\n')
    assert main(["score", str(model), str(source), "-o", str(out)]) == 2
    assert out.read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_bytes_that_are_no_text_are_no_code(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(data), "--target", "moroso", "-o", str(tmp_path / "m"), "--missing"]
    for codes in ("\udcff", "NA,x\ud800"):
        assert main([*command, codes]) == 2
        assert capsys.readouterr().err == "morosidad: --missing: text was expected\n"
