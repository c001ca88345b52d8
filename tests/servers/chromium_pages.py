"""What tests of pages look at, and how they wait for it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chromium import ThreadedServer
from morosidad import Scorer, Settings
from morosidad.asgi import create_app

pytest.importorskip("starlette")


PHONE = {"width": 360, "height": 740}


DESKTOP = {"width": 1366, "height": 900}


RETRY = 5000  # ms after which the dashboard tries again


def served(scorer: Scorer, **options: Any) -> ThreadedServer:
    return ThreadedServer(create_app(scorer, Settings(audit_file=None, rate_limit_enabled=False, **options)))


def text_of(page: Any, selector: str) -> str:
    return re.sub(r"\s+", " ", page.inner_text(selector)).strip()


def wait_for_text(page: Any, selector: str, pattern: str) -> None:
    page.locator(selector).filter(has_text=re.compile(pattern)).first.wait_for()


PREDICTIONS = """Number(document.getElementById("periodo").textContent.split("·")[1].replace(/\\D/g, ""))"""


def predictions(page: Any) -> int:
    """How many predictions the dashboard says that there were."""
    return int(page.evaluate(PREDICTIONS))


def fill_example(page: Any) -> None:
    page.get_by_role("button", name="Ejemplo").click()


CONTRAST = """() => {
    const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
            if (a > 0) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        const style = getComputedStyle(element);
        if (!own || !element.getClientRects().length || element.closest("svg, option")) continue;
        const [one, other] = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < 4.5) found.push([element.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
    }
    return found;
}"""


WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((e) => !e.closest("svg, .saltar") && e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => `${e.tagName}.${e.className}`)"""
