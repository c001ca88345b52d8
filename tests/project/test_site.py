"""The documentation as a reader meets it: nothing is cut off, and the search finds what people look for."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chromium import chromium
from support import ROOT, needed

pytestmark = pytest.mark.documentation
SCREEN = {"width": 1280, "height": 800}
CUT_OFF = """() => [...document.querySelectorAll(".md-content :is(pre, code, .md-typeset__scrollwrap, img)")]
    .filter((e) => !e.matches(":not(pre) > code"))
    .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth)
    .map((e) => `${e.tagName}, ${e.scrollWidth} px in ${e.clientWidth}: ${e.innerText.slice(0, 60)}`)"""
SOUGHT = {
    "polars": "how-to/notebook/",
    "fairness": "how-to/choose-a-model/",
    "missing": "how-to/missing-codes/",
    "cut-offs": "how-to/cutoffs/",
    "scorecard": "how-to/points/",
    "probes": "how-to/operate/",
    "mora": "inicio-rapido/",
}
"""What people look for, and where a page about it is."""
SHOWN = [
    ("scorer", "pipeline", "required"),
    ("scorer", "cache", "None"),
    ("scorer", "version", "'1'"),
    ("decision", "decline_at", "0.5"),
    ("schema", "kind", "required"),
    ("recovery", "budget_window", "60.0"),
    ("audit", "on_full", "'wait'"),
]
"""Of pages of the reference: a parameter, and its default; the first of that name on the page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation as it is published, where its tools are installed."""
    needed(all(map(find_spec, ("mkdocs", "material", "mkdocstrings"))), "the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with chromium() as browser:
        yield browser.new_context(viewport=SCREEN).new_page()


def test_nothing_is_cut_off_on_a_small_screen(site: Path, page: Any) -> None:
    cut = []
    for path in sorted(site.rglob("index.html")):
        page.goto(path.as_uri())
        cut += [f"{path.relative_to(site)}: {found}" for found in page.evaluate(CUT_OFF)]
    assert not cut, "\n".join(cut)


@pytest.mark.parametrize("word", SOUGHT)
def test_the_search_finds(site: Path, word: str) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    found = {entry["location"] for entry in index if word in f"{entry['title']} {entry['text']}".lower()}
    assert any(place.startswith(SOUGHT[word]) for place in found), found


@pytest.mark.parametrize(("name", "parameter", "default"), SHOWN)
def test_the_reference_shows_defaults_as_the_signatures_have_them(
    site: Path, name: str, parameter: str, default: str
) -> None:
    text = (site / "reference" / name / "index.html").read_text("utf-8")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    told = [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.split("</td>", row)][:-1]
        for row in rows
    ]
    assert next(cells[3] for cells in told if len(cells) == 4 and cells[0] == parameter) == default
