"""The rules of the house: who may import whom, and what an import brings in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import morosidad

PACKAGE = Path(morosidad.__file__).parent
HEAVY = {"pandas", "sklearn", "scipy", "joblib", "starlette", "tqdm", "psutil", "numba", "plotly", "redis"}

LAYERS = [
    {
        "_typing",
        "_dataframes",
        "_version",
        "errors",
        "resources",
        "settings",
        "alerts",
        "progress",
        "sketch",
        "__init__",
    },
    {"schema", "frames"},
    {
        "compiler",
        "preprocessor",
        "cache",
        "recovery",
        "kpis",
        "monitoring",
        "policy",
        "workers",
        "audit",
        "model_file",
    },
    {"training"},
    {"scoring"},
    {"asgi", "plots", "commands", "__main__"},
]
BLOCKS = {"preprocessor", "cache", "recovery", "kpis"}


def modules() -> dict[str, list[Path]]:
    """Give the files of each top-level module or package."""
    found: dict[str, list[Path]] = {}
    for path in PACKAGE.rglob("*.py"):
        found.setdefault(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(path)
    return found


def imports(paths: list[Path], *, lazy: bool) -> set[str]:
    """Name what some files import, at the top only or also inside functions; never for types alone."""
    names: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = ast.walk(tree) if lazy else iter(tree.body)
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


def own(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("morosidad.")}


def test_every_module_has_its_layer() -> None:
    placed = set().union(*LAYERS)
    assert set(modules()) - {"data"} <= placed, set(modules()) - placed


@pytest.mark.parametrize("module", sorted(set(modules()) - {"__init__"}))
def test_no_module_imports_from_a_higher_layer(module: str) -> None:
    level = next(i for i, layer in enumerate(LAYERS) if module in layer)
    above = set().union(*LAYERS[level + 1 :])
    assert not own(imports(modules()[module], lazy=False)) & above


@pytest.mark.parametrize("block", sorted(BLOCKS & set(modules())))
def test_building_blocks_know_neither_each_other_nor_the_scorer(block: str) -> None:
    assert not own(imports(modules()[block], lazy=True)) & ((BLOCKS | {"scoring"}) - {block})


def test_only_the_server_imports_starlette() -> None:
    for module, paths in modules().items():
        if module != "asgi":
            assert not any(
                name.split(".")[0] in ("starlette", "uvicorn") for name in imports(paths, lazy=True)
            ), module


def loaded_by(code: str) -> set[str]:
    """Run some code in a new process and name the heavy modules that it loaded."""
    ask = f"{code}\nimport sys; print(' '.join({{m.split('.')[0] for m in sys.modules}} & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_brings_in_nothing_heavy() -> None:
    assert loaded_by("import morosidad") == set()


def test_scoring_with_a_model_file_brings_in_nothing_heavy() -> None:
    record = {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24}
    assert loaded_by(f"from morosidad import Scorer; Scorer.default().score_one({record!r})") == set()


def test_importing_reads_no_environment_and_starts_no_thread() -> None:
    names = ", ".join(sorted(m for m in modules() if m not in ("__main__", "data", "preprocessor")))
    code = (
        "import os, sys, threading, logging, numpy\n"
        "class Watched(type(os.environ)):\n"
        "    def __getitem__(self, name):\n"
        "        files = [sys._getframe(i).f_code.co_filename for i in (1, 2)]\n"
        "        assert not any('/morosidad/' in file for file in files), 'the environment was read'\n"
        "        return super().__getitem__(name)\n"
        "os.environ.__class__ = Watched\n"
        "before = threading.active_count(), len(logging.root.handlers)\n"
        f"import importlib\nfor name in {names.split(', ')!r}: importlib.import_module('morosidad.' + name)\n"
        "assert before == (threading.active_count(), len(logging.root.handlers))"
    )
    loaded_by(code.replace("'morosidad.__init__'", "'morosidad'"))


def test_the_public_names_are_these() -> None:
    assert set(morosidad.__all__) == {
        "AHORRO_VALLE",
        "AuditLog",
        "Decision",
        "DriftMonitor",
        "Field",
        "KPITracker",
        "MorosidadError",
        "Policy",
        "Preprocessor",
        "Reason",
        "RecordError",
        "RecoveryPolicy",
        "Schema",
        "Scorer",
        "Settings",
        "TieredCache",
        "__version__",
        "compile_pipeline",
        "make_applicants",
    }
    for name in morosidad.__all__:
        assert getattr(morosidad, name) is not None
    assert dir(morosidad) == sorted(morosidad.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        morosidad.nothing  # noqa: B018
