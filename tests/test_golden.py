"""Files of earlier versions load, and answer as they did, to the last bit."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.util import find_spec
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
    assert now[name] == before[name]


def test_a_file_keeps_its_digest() -> None:
    recorded = json.loads((golden.FOLDER / "digests.json").read_text(encoding="utf-8"))
    assert {path.stem: Scorer.load(path).digest for path in golden.files()} == recorded
