"""The pages for contributors are true: every path, name and command in them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = ("morosidad/", "tests/", "docs/", "examples/", "benchmarks/", "scripts/", ".ci/")
RECIPES = {
    title: text
    for title, _, text in (part.partition("\n") for part in PAGE.split("\n## "))
    if title.startswith("Add ")
}
NAMED = re.compile(r"`([\w./-]+\.py)` \(((?:`\w+`(?:, )?)+)\)")


def paths(text: str) -> set[str]:
    """Name the files and folders that a page writes in backticks."""
    found = {word.split()[0] for word in re.findall(r"`([^`\n]+)`", text)}
    return {word for word in found if word.startswith(FOLDERS) or word.endswith((".md", ".toml"))}


def defined(path: Path) -> set[str]:
    """Name the classes, functions, methods and constants of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
def test_every_path_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    beside = {((ROOT / page).parent / link).resolve() for link in links}
    named = {ROOT / path for path in paths(text)} | beside
    assert {path.relative_to(ROOT).as_posix() for path in named if not path.exists()} == set()


def test_there_is_a_recipe_for_each_frequent_change() -> None:
    assert [title.split(maxsplit=2)[2] for title in RECIPES] == [
        "transformer",
        "tree library",
        "field of `Decision`",
        "alert",
        "endpoint",
    ]


@pytest.mark.parametrize("title", RECIPES)
def test_every_name_in_a_recipe_is_defined_where_it_says(title: str) -> None:
    named = NAMED.findall(RECIPES[title])
    assert named
    missing = [
        f"{path}: {name}"
        for path, names in named
        for name in re.findall(r"\w+", names)
        if name not in defined(ROOT / path)
    ]
    assert not missing


def test_every_make_target_is_there_and_none_is_left_out() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+): .*##", makefile, re.MULTILINE)) | {
        "lint",
        "types",
        "docs",
        "examples",
    }
    assert set(re.findall(r"make ([a-z]+)", PAGE)) == targets - {"demo"}


def test_the_tree_names_all_folders_and_no_others() -> None:
    (tree,) = re.findall(r"^```text\n(.*?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    named: set[str] = set()
    above: list[str] = []
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        above[indent // 2 :] = [line.split()[0].rstrip("/")]
        named.add("/".join(above))
    folders = {path.relative_to(ROOT).as_posix() for path in (ROOT / "morosidad").rglob("*") if path.is_dir()}
    assert named == {folder for folder in folders if "__pycache__" not in folder} | {"morosidad"}


def test_the_layers_of_the_page_are_those_that_are_tested() -> None:
    from project.test_architecture import LAYERS

    rows = re.findall(r"^\| \d+ \| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    hidden = {"__init__", "__main__"}
    tested = [{name for name in layer if not name.startswith("_")} - hidden for layer in LAYERS]
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == [layer for layer in tested if layer]
