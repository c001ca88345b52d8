"""Whatever bytes come in, an answer or a documented error comes out: `fuzz.py`, a few seconds each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from support import PYTHONPATH, needed

RUNS = {"schema": 15_000, "artifact": 300, "audit": 2500, "settings": 1500}


@pytest.mark.parametrize("target", RUNS)
def test_any_bytes_give_an_answer_or_a_documented_error(target: str, long: bool, tmp_path: Path) -> None:
    needed(find_spec("atheris") is not None, "atheris")
    much = "-max_total_time=600" if long else f"-runs={RUNS[target]}"
    options = [much, f"-artifact_prefix={tmp_path}/", "-verbosity=0"]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fuzz.py")), target, *options],
        env={
            **os.environ,
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": PYTHONPATH,
        },
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert runs is not None, done.stderr[-3000:]
    assert int(runs[1]) >= RUNS[target]
