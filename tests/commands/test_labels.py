"""Which label means default, and columns that are absent, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from morosidad import Scorer, check_monotone
from morosidad.__main__ import main
from support import small_frame, small_pipeline


@pytest.mark.parametrize(("labels", "positive"), [(("bueno", "malo"), "malo"), ((1, 2), "2"), ((0, 1), "1")])
def test_the_label_that_means_default_is_named_on_the_command_line(
    labels: tuple[Any, Any], positive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = small_frame()
    path, model = tmp_path / "d.csv", tmp_path / "m"
    X.assign(mora=np.where(y == 1, labels[1], labels[0])).to_csv(path, index=False)
    train = ["train", str(path), "--target", "mora", "-o", str(model)]
    if labels != (0, 1):
        assert main(train) == 2
        told = capsys.readouterr().err
        assert f"{labels[0]!r} ({int((y == 0).sum())} rows)" in told
    assert main([*train, "--positive", "otra"]) == 2
    assert "'otra' is not among the labels" in capsys.readouterr().err
    assert main([*train, "--positive", positive]) == 0
    assert f"default  {labels[1]!r}" in capsys.readouterr().out
    pipeline = small_pipeline(X, np.where(y == 1, labels[1], labels[0]))
    joblib.dump(pipeline, tmp_path / "p.joblib")
    X.to_csv(tmp_path / "x.csv", index=False)
    compiled = ["compile", str(tmp_path / "p.joblib"), "--trust", "-o", str(model)]
    assert main([*compiled, "--reference", str(tmp_path / "x.csv"), "--positive", positive]) == 0
    assert f"default  {labels[1]!r}" in capsys.readouterr().out


def test_a_file_without_a_column_is_scored_only_where_that_is_allowed(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "short.csv", tmp_path / "out.csv"
    pd.read_csv(data).rename(columns={"ingresos": "ingreso"}).to_csv(path, index=False)
    assert main(["score", str(model), str(path), "-o", str(out)]) == 2
    assert "ingresos (did you mean 'ingreso'?)" in capsys.readouterr().err
    assert main(["score", str(model), str(path), "-o", str(out), "--allow-missing"]) == 0
    assert len(pd.read_csv(out)) == 300


def test_directions_of_the_risk_are_given_on_the_command_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ["train", str(data), "--target", "moroso", "--model", "splines", "-o", str(tmp_path / "m")]
    assert main([*train, "--monotone", "ingresos=-1,moras=+1"]) == 0
    scorer = Scorer.load(tmp_path / "m")
    assert {field.name: field.monotonic for field in scorer.schema.fields if field.monotonic} == {
        "ingresos": -1,
        "moras": 1,
    }
    assert {found.verdict for found in check_monotone(scorer)} == {"held"}
    capsys.readouterr()
    assert main([*train, "--monotone", "ingresos,moras=2"]) == 2
    told = capsys.readouterr().err
    assert "NAME=1 or NAME=-1 was expected, got 'ingresos'" in told
    assert "got 'moras=2'" in told
