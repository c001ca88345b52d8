"""Every example in the README and the documentation runs; every page is in the navigation."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from support import ROOT, needed

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TRANSLATED = {
    "inicio-rapido.md": "quickstart.md",
    "es/tutorial.md": "tutorial.md",
    "es/decidir.md": "how-to/decide.md",
    "es/servir.md": "how-to/serve.md",
}
"""Pages in Spanish, whose examples are those of a page in English, and run there."""
EXAMPLES = [
    pytest.param(
        page,
        marks=pytest.mark.documentation if page.parent != ROOT else (),
        id=page.relative_to(ROOT).as_posix(),
    )
    for page in PAGES
    if page.as_posix().removeprefix(f"{(ROOT / 'docs').as_posix()}/") not in TRANSLATED
]
ENGINES = ("distributed", "duckdb", "mlflow", "pyspark", "ray")
"""What the blocks of a page may need and the tests of the loop lack; `make engines` runs those too."""
NEEDED = {"fairlearn": find_spec("fairlearn"), "optbinning": find_spec("optbinning")}
"""What the blocks of a page need besides."""
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("judged_wholly")
@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        if any(
            not find_spec(name)
            for name in ENGINES
            if re.search(rf"^(from|import) (morosidad\.engines\.)?{name}\b", block, re.MULTILINE)
        ):
            continue
        for name, found in NEEDED.items():
            if re.search(rf"^from {name}\b", block, re.MULTILINE):
                needed(found is not None, name)
        exec(compile(block, str(page), "exec"), names)


def code(kind: str, block: str) -> str:
    """Give what a block says to a machine: without comments and without what a program answers."""
    if kind == "python":
        return ast.unparse(ast.parse(block))
    lines = re.sub(r"\s+# .*|MOROSIDAD_LANGUAGE=en ", "", block).splitlines()
    asked = [line for line in lines if line.startswith(("$ ", "    "))]
    return "\n".join(asked if kind == "console" and asked else lines)


@pytest.mark.parametrize(("page", "original"), TRANSLATED.items())
def test_a_page_in_spanish_has_the_sections_and_the_code_of_its_original(page: str, original: str) -> None:
    texts = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in (page, original)]
    spanish, english = ([(kind, code(kind, block)) for kind, block in BLOCK.findall(text)] for text in texts)
    assert len(english) >= 4
    assert spanish == english
    for mark in ("\n## ", "\n| "):
        assert texts[0].count(mark) == texts[1].count(mark), f"sections or rows of tables: {mark!r}"


def test_a_comment_may_be_translated_and_code_may_not() -> None:
    assert code("python", "a = 1  # one\n") == code("python", "a = 1  # uno\n")
    assert code("python", "a = 1  # one\n") != code("python", "a = 2  # one\n")
    assert code("console", "$ ask  # now\nyes\n") == code("console", "$ ask  # ahora\nsí\n")
    assert code("console", "$ ask\nyes\n") != code("console", "$ tell\nyes\n")


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = yaml.safe_load(text)["nav"]
    listed = set(re.findall(r"[\w/-]+\.md", str(nav)))
    assert listed == {page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]}


def test_every_public_name_has_a_page() -> None:
    import morosidad

    reference = "".join(
        page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")
    )
    for name in set(morosidad.__all__) - {"__version__"}:
        assert name in reference, name
