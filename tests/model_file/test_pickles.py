"""Originals that stand as a pickle in a signed file."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import own_steps
import pandas as pd
import pytest
import skops.io
from own_steps import KEY, PICKLED, scorer_of
from sklearn.linear_model import LogisticRegression

from morosidad import Scorer
from morosidad.__main__ import main
from morosidad.errors import ArtifactError, ArtifactKeyError, ArtifactUntrusted
from morosidad.model_file import artifact
from support import small_frame


@pytest.fixture
def frame_scorer() -> Scorer:
    try:
        skops.io.dumps(pd.DataFrame({"mean": [0.5]}))
    except Exception:  # as newer versions of skops and pandas do
        return scorer_of(LogisticRegression(), own_steps.HoldsAFrame())
    pytest.skip("skops stores a data frame here")


def test_what_skops_cannot_store_is_refused_with_advice(frame_scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"skops can't store it.*HoldsAFrame.*allow_pickle=True"):
        frame_scorer.save(tmp_path / "m")


def test_a_pickle_is_written_with_a_key_only(frame_scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(ArtifactKeyError, match="allow_pickle=True needs a key"):
        frame_scorer.save(tmp_path / "m", allow_pickle=True)
    assert list(tmp_path.iterdir()) == []


def test_a_pickle_is_read_with_its_key_and_when_allowed_only(
    untried: None, frame_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    frame_scorer.save(path, **PICKLED)
    content = artifact.load(path, KEY)
    artifact.save(tmp_path / "unsigned", content)
    with monkeypatch.context() as patch:
        patch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("it was unpickled"))
        with pytest.raises(ArtifactUntrusted, match="allow_pickle=True"):
            Scorer.load(path, KEY)
        with pytest.raises(ArtifactKeyError, match="another key"):
            Scorer.load(path, b"other", allow_pickle=True)
        with pytest.raises(ArtifactKeyError, match="give the key"):
            Scorer.load(path, allow_pickle=True)
        with pytest.raises(ArtifactUntrusted, match="signed"):
            Scorer.load(tmp_path / "unsigned", allow_pickle=True)
    loaded = Scorer.load(path, **PICKLED)
    assert loaded.digest == frame_scorer.digest
    X, _ = small_frame(50, seed=9)
    np.testing.assert_allclose(loaded.predict_proba(X), frame_scorer.predict_proba(X), rtol=0, atol=1e-12)
    with pytest.raises(ArtifactError, match="allow_pickle=True"):
        loaded.save(tmp_path / "again", KEY)
    loaded.save(tmp_path / "again", **PICKLED)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_reloading_allows_what_loading_allowed(untried: None, frame_scorer: Scorer, tmp_path: Path) -> None:
    frame_scorer.save(tmp_path / "m", **PICKLED)
    scorer = Scorer.load(tmp_path / "m", **PICKLED)
    scorer.reload()
    assert scorer.digest == frame_scorer.digest
    other = Scorer.default()
    with pytest.raises(ArtifactUntrusted):
        other.reload(tmp_path / "m", KEY)
    other.reload(tmp_path / "m", **PICKLED)
    assert other.digest == frame_scorer.digest


def test_the_command_line_has_the_same_two_conditions(
    untried: None, frame_scorer: Scorer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import joblib

    path, key_file = str(tmp_path / "m"), tmp_path / "key"
    key_file.write_bytes(KEY + b"\n")
    X, _ = small_frame(200)
    X.to_csv(tmp_path / "X.csv", index=False)
    joblib.dump(frame_scorer._model.compiled.original.estimator, tmp_path / "p.joblib")
    command = [
        "compile",
        "--language",
        "en",
        str(tmp_path / "p.joblib"),
        "--trust",
        "--reference",
        str(tmp_path / "X.csv"),
    ]
    assert main([*command, "-o", path, "--allow-pickle"]) == 2
    assert "needs a key" in capsys.readouterr().err
    assert main([*command, "-o", path, "--allow-pickle", "--key-file", str(key_file)]) == 1
    assert main(["inspect", path, "--key-file", str(key_file)]) == 2
    assert "--allow-pickle" in capsys.readouterr().err
    assert main(["inspect", path, "--key-file", str(key_file), "--allow-pickle"]) == 0
