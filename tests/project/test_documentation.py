"""Every example in the README and the documentation runs; every page is in the navigation."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from support import ROOT, needed

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(
        page,
        marks=pytest.mark.documentation if page.parent != ROOT else (),
        id=page.relative_to(ROOT).as_posix(),
    )
    for page in PAGES
]
ENGINES = ("distributed", "duckdb", "mlflow", "pyspark")
"""What the blocks of a page may need and the tests of the loop lack; `make engines` runs those too."""
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


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
        if re.search(r"^from optbinning", block, re.MULTILINE):
            needed(find_spec("optbinning") is not None, "optbinning")
        exec(compile(block, str(page), "exec"), names)


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
