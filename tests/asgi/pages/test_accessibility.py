"""Whether every page can be read and used by everybody: contrast, small screens, screen readers."""

from __future__ import annotations

from typing import Any

import pytest

from chromium import ThreadedServer
from chromium_pages import (
    CONTRAST,
    DESKTOP,
    PHONE,
    WIDE,
    fill_example,
)

pytest.importorskip("starlette")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_nothing_is_cut_off(
    server: ThreadedServer, open_page: Any, scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(server.url, color_scheme=scheme, viewport=viewport)
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    page.get_by_role("button", name="Evaluar").click()
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    for _ in range(3):
        fill_example(page)
        page.get_by_role("button", name="Evaluar").click()
        page.locator(".viejo").wait_for(state="detached")
        page.locator(".decision").wait_for()
        assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    page.goto(f"{server.url}/dashboard")
    server.service.alerts.set("prueba", True, "warning", "Un aviso largo " * 8)
    page.locator("#alertas .alerta").first.wait_for()
    page.locator("#grafico-puntajes .main-svg").first.wait_for()
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    server.service.alerts.set("prueba", False, "warning", "")


def test_a_screen_reader_finds_every_control_by_its_name(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(server.url)
    for field in server.service.scorer.schema.fields:
        role = "combobox" if field.categories else "textbox"
        control = page.get_by_role(role, name=field.label, exact=True)
        assert control.count() == 1, field.label
        described = page.evaluate(
            """input => input.getAttribute("aria-describedby").split(" ")
                .map((id) => document.getElementById(id).textContent).join(" ")""",
            control.element_handle(),
        )
        assert field.help in described
    assert page.get_by_role("main").count() == page.get_by_role("navigation").count() == 1
    assert page.locator("html[lang=es]").count() == 1
