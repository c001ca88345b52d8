"""What an import brings in, and the public names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import morosidad

HEAVY = {"pandas", "sklearn", "scipy", "joblib", "starlette", "tqdm", "psutil", "numba", "plotly", "redis"}
RECORD = {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24}


def loaded_by(code: str) -> set[str]:
    """Run some code in a new process and name the modules that it loaded."""
    ask = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def heavy(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names} & HEAVY


def test_importing_the_package_brings_in_nothing_heavy() -> None:
    assert heavy(loaded_by("import morosidad")) == set()


def test_scoring_with_a_model_file_brings_in_nothing_heavy_and_neither_readers_nor_proof() -> None:
    loaded = loaded_by(f"from morosidad import Scorer; Scorer.default().score_one({RECORD!r})")
    assert heavy(loaded) == set()
    unwanted = (
        "morosidad.compiler.readers",
        "morosidad.compiler.proof",
        "morosidad.training.fitting",
        "morosidad.cache",
    )
    assert {name for name in loaded if name.startswith(unwanted)} == set()
    assert loaded & {"logging", "html", "difflib", "tempfile", "statistics", "cachetools"} == set()
    own = sorted(name for name in loaded if name.partition(".")[0] == "morosidad")
    assert len(own) <= 88, own


def test_importing_reads_no_environment_and_starts_no_thread() -> None:
    folder = Path(morosidad.__file__).parent
    parts = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    names = [f"morosidad.{name}" for name in sorted(parts - {"__init__", "__main__", "preprocessor"})]
    code = (
        "import os, sys, threading, logging, numpy\n"
        "class Watched(type(os.environ)):\n"
        "    def __getitem__(self, name):\n"
        "        files = [sys._getframe(i).f_code.co_filename for i in (1, 2)]\n"
        "        assert not any('/morosidad/' in file for file in files), 'the environment was read'\n"
        "        return super().__getitem__(name)\n"
        "os.environ.__class__ = Watched\n"
        "before = threading.active_count(), len(logging.root.handlers)\n"
        f"import importlib\nfor name in {['morosidad', *names]!r}: importlib.import_module(name)\n"
        "assert before == (threading.active_count(), len(logging.root.handlers))"
    )
    loaded_by(code)


def test_the_public_names_are_these() -> None:
    assert set(morosidad.__all__) == {
        "AHORRO_VALLE",
        "AuditLog",
        "Decision",
        "DriftMonitor",
        "Field",
        "KPITracker",
        "MorosidadError",
        "Points",
        "Policy",
        "Preprocessor",
        "Reason",
        "ReasonCode",
        "RecordError",
        "RecoveryPolicy",
        "Rule",
        "Rules",
        "Schema",
        "Scorer",
        "Settings",
        "TieredCache",
        "__version__",
        "check_compiled",
        "check_monotone",
        "compile_pipeline",
        "cutoff_table",
        "make_applicants",
    }
    for name in morosidad.__all__:
        assert getattr(morosidad, name) is not None
    assert dir(morosidad) == sorted(morosidad.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        morosidad.nothing  # noqa: B018
