"""What the package asks for: every extra is used, and the links lead to pages of one project."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from support import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
FOLDERS = ("morosidad", "tests", "benchmarks", "examples", "scripts", "docs")
COMMANDS = ("Makefile", ".ci/run", ".pre-commit-config.yaml", "mkdocs.yml", ".readthedocs.yaml")
NAMES = {
    "httpx2": "fastapi",  # its test client wants it
    "imbalanced-learn": "imblearn",
    "interpret-core": "interpret",
    "ipykernel": "jupyter-execute",
    "mkdocs-material": "material",
    "nbclient": "jupyter-execute",
    "opentelemetry-sdk": "opentelemetry",
    "pytest-benchmark": "benchmark",
    "pytest-cov": "--cov",
    "pytest-xdist": "--dist",
    "pyyaml": "yaml",
    "zen-engine": "zen",
}
"""Where what one writes to use a package is not its name."""


def imported(path: Path) -> set[str]:
    """Name the modules that a file imports or asks a test for, and the fixtures that its tests take."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            if ast.unparse(node.func).endswith(("importorskip", "import_module", "installed", "find_spec")):
                found.add(str(node.args[0].value).split(".")[0])
        elif isinstance(node, ast.FunctionDef):
            found |= {argument.arg for argument in node.args.args} & {"benchmark"}
    return found


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Name what is imported anywhere, and what is written in commands and settings."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    names = set().union(*map(imported, paths))
    for name in COMMANDS:
        names |= set(re.findall(r"[\w-]+", (ROOT / name).read_text(encoding="utf-8")))
    return names | set(PYPROJECT["tool"])


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_of_an_extra_is_used(extra: str, used: set[str]) -> None:
    packages = [re.split(r"[\[><=;]", wanted)[0].strip().lower() for wanted in EXTRAS[extra]]
    unused = []
    for package in packages:
        name = package.removeprefix("types-").removesuffix("-stubs")
        if not {name, name.replace("-", "_"), NAMES.get(name)} & used:
            unused.append(package)
    assert not unused


def test_the_links_are_those_of_one_project() -> None:
    urls = PYPROJECT["project"]["urls"]
    assert set(urls) == {"Documentation", "Source", "Changelog", "Issues"}
    assert all(urls[name].startswith(urls["Source"]) for name in ("Changelog", "Issues"))
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f"repo_url: {urls['Source']}" in config
