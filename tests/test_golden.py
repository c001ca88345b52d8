"""Files of earlier versions load, and answer as they did: to the last bit, but for products of matrices."""

from __future__ import annotations

import gzip
import json
import operator
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import golden
from morosidad import Scorer
from support import needed


@pytest.fixture(scope="module", params=["numba", "python"])
def answers(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the files answered when they were made, and what they answer now."""
    recorded = gzip.decompress((golden.FOLDER / f"answers-{request.param}.json.gz").read_bytes())
    needed(request.param != "numba" or find_spec("numba") is not None, "numba")
    command = [sys.executable, golden.__file__, "answer", request.param]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(recorded), json.loads(done.stdout)


@pytest.mark.parametrize("name", [path.stem for path in golden.files()])
def test_a_file_answers_as_it_did(answers: tuple[dict[str, Any], dict[str, Any]], name: str) -> None:
    before, now = answers
    assert len(before[name]) == golden.N_RECORDS
    if name in golden.DENSE:
        assert all(map(_near, now[name], before[name]))
    else:
        assert now[name] == before[name]


def _near(now: list[Any], before: list[Any]) -> bool:
    """Whether two answers have the same reasons, and the same numbers but for the order of sums."""
    numbers = [[float.fromhex(number) for number in (p, *shares)] for p, shares, _ in (now, before)]
    return now[2] == before[2] and numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-12)


OTHER = os.environ.get("MOROSIDAD_OTHER_PYTHON", "")


@pytest.mark.skipif(not OTHER, reason="MOROSIDAD_OTHER_PYTHON names no Python with other versions")
@pytest.mark.parametrize("by", ["this", "the other"])
@pytest.mark.parametrize("walker", ["numba", "python"])
def test_files_of_other_versions_are_read_with_the_same_answers(by: str, walker: str, tmp_path: Path) -> None:
    writer, reader = (sys.executable, OTHER) if by == "this" else (OTHER, sys.executable)
    subprocess.run([writer, golden.__file__, "write", str(tmp_path)], capture_output=True, check=True)
    command = [golden.__file__, "answer", walker, str(tmp_path)]
    written, read = (
        json.loads(subprocess.run([python, *command], capture_output=True, check=True).stdout)
        for python in (writer, reader)
    )
    assert len(written) > 15, "most libraries are there in both"
    assert read.keys() == written.keys()
    for name, answers in written.items():
        same = _near if name in golden.DENSE else operator.eq
        assert all(map(same, read[name], answers)), name


def test_a_file_keeps_its_digest() -> None:
    recorded = json.loads((golden.FOLDER / "digests.json").read_text(encoding="utf-8"))
    assert {path.stem: Scorer.load(path).digest for path in golden.files()} == recorded
