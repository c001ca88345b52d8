"""A server that says in English what it says on its terminal."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOROSIDAD_LANGUAGE", "en")
