"""The pictures of the documentation: each is named by a page, is there, and is made by the script."""

from __future__ import annotations

import re
import runpy
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from support import ROOT

pytest.importorskip("starlette")
pytest.importorskip("plotly")

DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
MOST_BYTES = 250_000
WIDTH = 1280


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, "path", list(sys.path))  # it looks among the tests
    return runpy.run_path(str(ROOT / "scripts" / "make_screenshots.py"))


def named() -> set[Path]:
    """Name the pictures that pages show, each of which has words for those who do not see it."""
    found = set()
    for page in DOCS.rglob("*.md"):
        for words, link in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8")):
            assert len(words) > 20, f"{page.name}: {link}"
            found.add((page.parent / link).resolve())
    return found


def test_each_picture_that_a_page_names_is_there_and_each_that_is_there_is_named() -> None:
    assert named() == set(IMAGES.iterdir())


def test_each_screenshot_is_made_by_the_script(script: dict[str, Any]) -> None:
    assert {path.name for path in IMAGES.glob("*.png")} == script["names"]()


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.png")), ids=lambda path: path.name)
def test_a_screenshot_is_light_and_of_the_usual_width(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert width == WIDTH
    assert 600 < height < 1400


@pytest.mark.documentation
def test_the_script_takes_every_picture(script: dict[str, Any], tmp_path: Path) -> None:
    assert script["main"](["--to", str(tmp_path), "--seconds", "1"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == script["names"]()
