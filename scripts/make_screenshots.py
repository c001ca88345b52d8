"""Takes the pictures of the documentation from a running server: form, dashboard, report; to docs/images.

Each picture is taken in English and in Spanish. It needs chromium.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "servers")]

import msgspec  # noqa: E402

from chromium import PATIENCE, ServerProcess, chromium  # noqa: E402 - it lies among the tests
from morosidad import AHORRO_VALLE, Scorer, make_applicants, plots  # noqa: E402

LANGUAGES = ("en", "es")
PARTS = ("form", "dashboard", "report")
WIDTH = 1280
SECONDS = 240
SETTINGS = {"RATE_LIMIT_ENABLED": False, "CPU_LIMIT_PERCENT": 100.0}
"""Of the server: what else the machine does is in no picture."""
APPLICANT = {
    "edad": "29",
    "ingresos_mensuales": "1400000",
    "monto_credito": "9000000",
    "plazo_meses": "48",
    "gastos_mensuales": "900000",
    "dias_mora_max_12m": "35",
    "credito_score": "585",
}
"""What is typed into the form: nobody real, and a decision that has something to say."""


def names() -> set[str]:
    """Name the files that the script makes."""
    return {f"{part}.{language}.png" for part in PARTS for language in LANGUAGES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the pictures")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the dashboard is watched")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for language in LANGUAGES:
            page = browser.new_context(
                viewport={"width": WIDTH, "height": 900}, color_scheme="light", reduced_motion="reduce"
            ).new_page()
            page.set_default_timeout(PATIENCE)
            shoot = partial(_shoot, page, options.to, language)
            with _served(language) as url:
                _form(page, url, shoot)
                _dashboard(page, url, options.seconds, shoot)
            _report(page, language, shoot)
            page.context.close()
    return 0


@contextmanager
def _served(language: str) -> Iterator[str]:
    """Serve the shipped model; give the address."""
    with TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), LANGUAGE=language, **SETTINGS)
        try:
            server.start()
            yield server.url
        finally:
            server.kill()


def _shoot(page: Any, folder: Path, language: str, part: str, height: int) -> None:
    """Write a picture of the upper part of a page."""
    path = folder / f"{part}.{language}.png"
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.wait_for_timeout(1500)  # charts are drawn anew for the new size
    page.screenshot(path=path)
    print(f"{path} {path.stat().st_size // 1024} KiB")


def _form(page: Any, url: str, shoot: Any) -> None:
    """Fill the form in, and wait for the decision."""
    page.goto(url)
    for name, text in APPLICANT.items():
        page.locator(f"[name={name}]").fill(text)
    page.locator("#formulario button[type=submit]").click()
    page.locator(".decision").wait_for()
    page.evaluate("scrollTo(0, 0)")
    shoot("form", 910)


def _dashboard(page: Any, url: str, seconds: float, shoot: Any) -> None:
    """Send applicants for a while, some of them twice and some with an error, and look on."""
    page.goto(f"{url}/dashboard")
    bodies = _bodies()
    random.seed(7)

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for body in random.sample(bodies, random.randint(30, 90)):
            _ask(f"{url}/predecir", body)
        page.wait_for_timeout(500)
    for chart in ("tiempos", "ritmo", "puntajes", "decisiones"):
        page.locator(f"#grafico-{chart} .main-svg").first.wait_for()
    bottom = page.locator("#texto-decisiones").evaluate("e => e.parentElement.getBoundingClientRect().bottom")
    shoot("dashboard", int(bottom + page.evaluate("scrollY")) + 20)


def _ask(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with suppress(urllib.error.HTTPError), urllib.request.urlopen(request) as answer:  # errors are meant
        answer.read()


def _bodies() -> list[bytes]:
    """Write requests of made-up applicants."""
    frame = make_applicants(600, seed=3)[list(AHORRO_VALLE.names)]
    records = [
        {name: value for name, value in row.items() if value == value}  # without those that are missing
        for row in frame.to_dict("records")
    ]
    wrong = [{**record, "edad": 17} for record in records[:6]]
    return [msgspec.json.encode({"datos": record}) for record in [*records, *(records[:150] * 8), *wrong]]


def _report(page: Any, language: Any, shoot: Any) -> None:
    """Draw what a model does with the weightiest fields."""
    applicants = make_applicants(4000, seed=5)
    X, y = applicants[list(AHORRO_VALLE.names)], applicants["moroso_12m"]
    scorer = Scorer.default(language=language)
    figure = plots.shapes(scorer, X, y, top=4).update_layout(width=WIDTH - 40)
    page.goto("about:blank")  # the pages of the server run no scripts of others
    page.set_content(figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
    page.locator(".main-svg").first.wait_for()
    shoot("report", 930)


if __name__ == "__main__":
    sys.exit(main())
