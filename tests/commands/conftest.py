"""A CSV file and a model trained on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from morosidad.__main__ import main
from support import small_frame


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read what the commands say in English; those of the languages themselves say which they want."""
    monkeypatch.setenv("MOROSIDAD_LANGUAGE", "en")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    X, y = small_frame()
    X.assign(moroso=y).to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


@pytest.fixture
def model(data: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = data.with_name("m.morosidad")
    assert main(["train", str(data), "--target", "moroso", "--model", "logistic", "-o", str(path)]) == 0
    capsys.readouterr()
    return path
