"""The layers of the compiler, counting imports for types and inside functions."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import morosidad.compiler

FOLDER = Path(morosidad.compiler.__file__).parent
PREFIX = "morosidad.compiler."

LAYERS = [
    {"report", "nodes"},
    {"backends", "proof"},
    {"forms"},
    {"registry", "storage", "pipeline"},
    {"gate", "readers"},
    {"compilation"},
    {"__init__"},
]
MOST_FILES = 12


def imports() -> dict[str, set[str]]:
    """Give each module's imports from the compiler, by name behind ``morosidad.compiler.``."""
    paths = {_name(path): path for path in FOLDER.rglob("*.py")}
    return {name: _imported(path, set(paths)) - {name} for name, path in paths.items()}


def _name(path: Path) -> str:
    name = ".".join(path.relative_to(FOLDER).with_suffix("").parts)
    return name if name == "__init__" else name.removesuffix(".__init__")


def _imported(path: Path, known: set[str]) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)} & known


def test_no_module_imports_from_a_higher_layer() -> None:
    level = {part: i for i, layer in enumerate(LAYERS) for part in layer}
    for name, found in imports().items():
        above = {other for other in found if level[other.split(".")[0]] > level[name.split(".")[0]]}
        assert not above, (name, above)


def test_neither_modules_nor_packages_import_in_a_circle() -> None:
    modules = imports()
    TopologicalSorter(modules).prepare()
    packages: dict[str, set[str]] = {}
    for name, found in modules.items():
        here = name.split(".")[0]
        packages.setdefault(here, set()).update({other.split(".")[0] for other in found} - {here})
    TopologicalSorter(packages).prepare()


def test_nodes_know_no_other_part_of_the_compiler() -> None:
    for name, found in imports().items():
        if name.startswith("nodes."):
            assert all(other.startswith("nodes.") for other in found), (name, found)


def test_no_folder_holds_more_files_than_fit_on_a_page() -> None:
    for folder in {path.parent for path in FOLDER.rglob("*.py")}:
        assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= MOST_FILES
