from __future__ import annotations

from pathlib import Path

import joblib
import pytest

from morosidad.errors import ArtifactCorrupted, ArtifactError, ArtifactUntrusted
from morosidad.model_file.joblib_import import load_pipeline


def test_what_was_written_is_read_when_it_is_trusted(tmp_path: Path) -> None:
    joblib.dump({"a": 1}, tmp_path / "x.joblib")
    assert load_pipeline(tmp_path / "x.joblib", trust=True) == {"a": 1}


def test_an_untrusted_file_is_not_even_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ArtifactUntrusted, match="trust=True") as caught:
        load_pipeline(tmp_path / "absent.joblib")
    assert caught.value.path == str(tmp_path / "absent.joblib")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file") as caught:
        load_pipeline(tmp_path / "absent.joblib", trust=True)
    assert type(caught.value) is ArtifactError


@pytest.mark.parametrize("content", [b"", b"hello there", b"cno_such_module\nThing\n."])
def test_a_file_that_is_something_else_is_corrupted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.joblib").write_bytes(content)
    with pytest.raises(ArtifactCorrupted, match="can be read here"):
        load_pipeline(tmp_path / "x.joblib", trust=True)
