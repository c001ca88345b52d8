"""The rules of the architecture: no circle, layers, sizes, and one name for one class."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from project.imports import circles, contracted, edges_within, import_graph, modules, names_imported
from support import ROOT

PACKAGE = ROOT / "morosidad"
MODULES = modules(PACKAGE)
GRAPH = import_graph(PACKAGE)
CODE = {".py", ".js", ".css", ".html"}
FOLDERS = [ROOT / name for name in ("benchmarks", "examples", "scripts", "tests")]

LAYERS = [
    {
        "errors",
        "_version",
        "_typing",
        "_dataframes",
        "settings",
        "resources",
        "alerts",
        "progress",
        "sketch",
        "processes",
        "languages",
    },
    {"schema", "frames"},
    {"policy"},
    {
        "compiler",
        "preprocessor",
        "cache",
        "recovery",
        "kpis",
        "monitoring",
        "workers",
        "audit",
        "model_file",
    },
    {"training"},
    {"scoring"},
    {"asgi", "plots", "commands", "engines", "__init__"},
    {"__main__"},
]
COMPILER_LAYERS = [
    {"report", "nodes"},
    {"backends", "proof"},
    {"forms"},
    {"registry", "storage", "prior_correction", "pipeline"},
    {"gate", "own_labels", "type_limits", "readers"},
    {"obstacles"},
    {"compilation"},
    {"checks", "points"},
    {"__init__"},
]
BLOCKS = ("preprocessor", "cache", "recovery", "kpis")


def part(module: str, package: str = "morosidad") -> str:
    """Give the name of the package or module directly below a package that a module belongs to."""
    inside = module.removeprefix(package).lstrip(".")
    return inside.split(".")[0] if inside else "__init__"


def files(folder: Path, suffixes: set[str] = CODE) -> list[Path]:
    """List the files of code below a folder."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in suffixes and not {"__pycache__", "data"} & set(path.relative_to(folder).parts[:-1])
    )


# -- circles ---------------------------------------------------------------------------------------


def told(graph: dict[str, set[str]]) -> str:
    """Write the circles of a graph with the imports that make them."""
    return "\n".join(
        f"{len(found)} in a circle: {', '.join(found)}\n" + "\n".join(edges_within(graph, found))
        for found in circles(graph)
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not circles(GRAPH), told(GRAPH)


def test_no_packages_import_each_other_in_a_circle() -> None:
    """A folder without folders is one unit; beside folders, each module stands for itself."""
    parents = {name.rpartition(".")[0] for name, path in MODULES.items() if path.name == "__init__.py"}
    units = {
        name: name if path.name == "__init__.py" else name.rpartition(".")[0]
        for name, path in MODULES.items()
    }
    units = {name: name if unit in parents else unit for name, unit in units.items()}
    drawn = contracted(GRAPH, units)
    assert not circles(drawn), told(drawn)


def test_no_parts_of_the_package_import_each_other_in_a_circle() -> None:
    drawn = contracted(GRAPH, {name: part(name) for name in MODULES})
    assert not circles(drawn), told(drawn)


def test_a_circle_is_found_however_it_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "whole"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("from whole.inner.a import A as A\n")
    (package / "inner" / "a.py").write_text("def f():\n    from . import b\n")
    (package / "inner" / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from whole import c\n"
    )
    (package / "c.py").write_text("import whole.inner.a\n")
    (package / "d.py").write_text("from whole.c import x\n")
    assert circles(import_graph(package)) == [["whole.c", "whole.inner.a", "whole.inner.b"]]


# -- layers ----------------------------------------------------------------------------------------


def test_every_module_has_its_layer() -> None:
    assert {part(name) for name in MODULES} == set().union(*LAYERS), "named in LAYERS, or there: not both"
    inside = {part(name, "morosidad.compiler") for name in MODULES if name.startswith("morosidad.compiler")}
    assert inside == set().union(*COMPILER_LAYERS), "named in COMPILER_LAYERS, or there: not both"


def climbing(layers: list[set[str]], package: str) -> list[str]:
    """Write the imports of a package that lead from a lower layer to a higher one."""
    level = {name: place for place, layer in enumerate(layers) for name in layer}
    inside = {name for name in MODULES if name == package or name.startswith(f"{package}.")}
    return [
        f"{module} → {other}"
        for module in sorted(inside)
        for other in sorted(GRAPH[module] & inside)
        if level.get(part(module, package), 99) < level.get(part(other, package), -1)
    ]


def test_no_module_imports_from_a_higher_layer() -> None:
    found = climbing(LAYERS, "morosidad")
    assert not found, "\n".join(found)


def test_no_part_of_the_compiler_imports_from_a_higher_layer() -> None:
    found = climbing(COMPILER_LAYERS, "morosidad.compiler")
    assert not found, "\n".join(found)


def test_neither_backends_nor_proofs_know_each_other_and_storage_knows_no_registry() -> None:
    apart = {("backends", "proof"), ("registry", "storage")}
    found = [
        f"{module} → {other}"
        for module, imported in GRAPH.items()
        for other in imported
        if tuple(sorted((part(module, "morosidad.compiler"), part(other, "morosidad.compiler")))) in apart
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("block", BLOCKS)
def test_building_blocks_know_neither_each_other_nor_scoring(block: str) -> None:
    others = {*BLOCKS, "scoring"} - {block}
    found = [
        f"{module} → {other}"
        for module in MODULES
        if part(module) == block
        for other in sorted(GRAPH[module])
        if part(other) in others
    ]
    assert not found, "\n".join(found)


def test_only_the_server_imports_starlette() -> None:
    found = [
        name
        for name, path in MODULES.items()
        if part(name) != "asgi"
        and {"starlette", "uvicorn"} & {imported.split(".")[0] for imported in names_imported(path, name)}
    ]
    assert not found


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [PACKAGE, *FOLDERS], ids=lambda folder: folder.name)
def test_no_folder_has_more_than_twelve_files_of_code(folder: Path) -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in files(folder))
    assert not {name: count for name, count in counts.items() if count > 12}


def test_few_modules_stand_beside_the_packages() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 10


@pytest.mark.parametrize("folder", [PACKAGE, *FOLDERS], ids=lambda folder: folder.name)
def test_no_file_has_more_than_400_lines(folder: Path) -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in files(folder)
    }
    assert not {name: count for name, count in lines.items() if count > 400}


# -- names -----------------------------------------------------------------------------------------


def test_no_two_public_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)
    assert not {name: found for name, found in homes.items() if len(found) > 1}


def test_the_layers_are_disjoint() -> None:
    for layers in (LAYERS, COMPILER_LAYERS):
        assert not any(one & other for one, other in combinations(layers, 2))
