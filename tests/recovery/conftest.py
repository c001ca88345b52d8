"""Fixtures of the tests of recovery: collected events, and an event that holds threads for the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from morosidad.recovery import (
    RecoveryEvent,
)


@pytest.fixture
def events() -> list[RecoveryEvent]:
    return []


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Hangs whoever waits for it until the test is over."""
    event = threading.Event()
    yield event
    event.set()
