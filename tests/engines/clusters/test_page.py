"""The examples of the page on engines run, with every part that they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from support import PYTHONPATH, ROOT, needed

pytestmark = pytest.mark.engines
PAGE = (ROOT / "docs" / "how-to" / "beyond-one-machine.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page_run(tmp_path: Any) -> None:
    needed(find_spec("pyspark") is not None, "pyspark")
    needed(shutil.which("java") is not None, "java")
    (tmp_path / "page.py").write_text("\n".join(BLOCKS), encoding="utf-8")
    here = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": PYTHONPATH}
    here["RAY_USAGE_STATS_ENABLED"] = "0"
    command = [sys.executable, "page.py"]  # a process of its own: Java keeps the folder that it began in
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **here}, check=True, timeout=500)
