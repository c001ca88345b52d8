"""The pages in each language: their words, how numbers are read, and that nothing is cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chromium import ThreadedServer
from chromium_pages import DESKTOP, PHONE, served, text_of, wait_for_text
from morosidad import Scorer
from morosidad.languages import LANGUAGES, Language, words
from morosidad.schema.ahorro_valle import AHORRO_VALLE

CUT_OFF = """() => [...document.querySelectorAll("h1, h2, h3, p, button, a, label, dt, dd, li, figcaption")]
    .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .filter((one) => getComputedStyle(one).display !== "inline")
    .map((one) => one.textContent)
    .concat(document.documentElement.scrollWidth > innerWidth ? ["the page"] : [])"""
NUMBERS = {
    "es": [("2.400.000,5", 2400000.5), ("2.400", 2400), ("12,5", 12.5), ("2,400", 2.4), ("2,400.5", None)],
    "pt": [("2.400.000,5", 2400000.5), ("2.400", 2400), ("12,5", 12.5), ("2.400,5", 2400.5)],
    "en": [("2,400,000.5", 2400000.5), ("2,400", 2400), ("12.5", 12.5), ("2.400", 2.4), ("12,5", None)],
}
"""What is written in a field, and what is sent; None where it is taken for no number."""


@pytest.fixture(scope="module", params=LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> Iterator[tuple[Language, ThreadedServer]]:
    with served(Scorer.default(), language=request.param) as server:
        yield request.param, server


@pytest.mark.parametrize("view", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_form_is_in_one_language_and_whole(
    spoken: tuple[Language, ThreadedServer], open_page: Any, view: dict[str, int]
) -> None:
    language, server = spoken
    told = words(language, "pages")
    page = open_page(f"{server.url}/", viewport=view)
    page.get_by_role("button", name=told["example"]).click()
    page.get_by_role("button", name=told["evaluate"]).click()
    page.wait_for_selector(".decision")
    assert told["approve"] in text_of(page, ".decision")
    assert told["what_raises"] in text_of(page, "#respuesta")
    assert page.evaluate(CUT_OFF) == []
    if language == "en":
        spanish = {
            text for name, text in words("es", "pages").items() if text != told[name] and len(text) > 3
        }
        spanish |= {field.words_in("es").label for field in AHORRO_VALLE.fields}
        assert not spanish & set(re.split(r"\s*\n\s*", page.inner_text("body")))


@pytest.mark.parametrize("view", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_dashboard_is_in_one_language_and_whole(
    spoken: tuple[Language, ThreadedServer], open_page: Any, view: dict[str, int]
) -> None:
    language, server = spoken
    page = open_page(f"{server.url}/dashboard", viewport=view)
    wait_for_text(page, "#conexion", re.escape(words(language, "pages")["connected"]))
    wait_for_text(page, "#periodo", r"\d")
    wait_for_text(page, "#modelo", words(language, "pages")["processes"])
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.lang") == language


def test_numbers_are_read_as_the_language_writes_them(
    spoken: tuple[Language, ThreadedServer], open_page: Any
) -> None:
    language, server = spoken
    page = open_page(f"{server.url}/")
    modules = page.evaluate("document.querySelector('script[type=module]').src")
    for text, number in NUMBERS[language]:
        read = page.evaluate(
            "async ([base, text]) => (await import(base)).parseNumber(text)",
            [modules.replace("form.js", "fields.js"), text],
        )
        assert read == (text if number is None else number), text
