"""Fixtures of the tests of worker pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.microbatch import Model
from helpers.workers import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    yield model
    model.allowed.release(1000)
