"""Ids of the rows that the command line scores."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from morosidad.__main__ import main


def test_scored_rows_carry_their_ids_and_rows_without_one_are_bad(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.read_csv(data).head(6).drop(columns="moroso")
    rows.insert(0, "solicitud", ["007", "b", "", "007", "e", "f"])
    rows.loc[5, "moras"] = 1e9
    rows.astype({"moras": object}).to_csv(tmp_path / "rows.csv", index=False)
    out = tmp_path / "out.csv"
    assert (
        main(["score", str(model), str(tmp_path / "rows.csv"), "-o", str(out), "--id-column", "solicitud"])
        == 1
    )
    good = pd.read_csv(out, dtype=str)
    assert good["request_id"].tolist() == ["007", "b", "e", "f"][: len(good)]
    bad = pd.read_csv(tmp_path / "out.bad.csv", dtype=str)
    assert bad["reason"].str.contains("request_id").tolist()[:2] == [True, True]
    assert (
        main(["score", str(model), str(tmp_path / "rows.csv"), "-o", str(out), "--id-column", "moras"]) == 2
    )
    assert "field of the model" in capsys.readouterr().err
