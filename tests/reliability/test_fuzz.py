"""Whatever bytes come in, an answer or a documented error comes out: `fuzz.py`, a few seconds each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from support import ROOT, needed


@pytest.mark.parametrize("target", ["schema", "artifact", "audit", "settings"])
def test_any_bytes_give_an_answer_or_a_documented_error(
    target: str, seconds: Callable[[float, float], float], tmp_path: Path
) -> None:
    needed(find_spec("atheris") is not None, "atheris")
    options = [f"-max_total_time={seconds(6, 600):.0f}", f"-artifact_prefix={tmp_path}/", "-verbosity=0"]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fuzz.py")), target, *options],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert runs is not None, done.stderr[-3000:]
    assert int(runs[1]) > 100
