"""A browser, a server for it, and pages whose console must stay free of errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chromium import PATIENCE, ThreadedServer, chromium
from chromium_pages import (
    DESKTOP,
    served,
)
from morosidad import Scorer

pytest.importorskip("starlette")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    with served(Scorer.default()) as server:
        yield server


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained about; a test takes out what it expects."""
    return []


def _is_complaint(message: Any) -> bool:
    """A server that has ended refuses connections: that is no fault of a page that is still open."""
    ended = message.text == "Failed to load resource: net::ERR_CONNECTION_REFUSED"
    return message.type in ("error", "warning") and not ended


@pytest.fixture
def open_page(browser: Any, complaints: list[str]) -> Iterator[Any]:
    """Open pages whose console must stay free of errors, those of the content security policy among them."""
    contexts = []

    def open_page(address: str, *, clock: bool = False, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: _is_complaint(m) and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if clock:
            page.clock.install()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
