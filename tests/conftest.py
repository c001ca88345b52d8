"""What every test may ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import hypothesis
import pandas as pd
import pytest

from support import FakeClock, small_frame, small_pipeline


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="try for minutes what is tried for seconds")
    parser.addoption("--switch-interval", type=float, help="seconds after which Python switches threads")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
    hypothesis.settings.load_profile("unhurried")
    interval = config.getoption("--switch-interval")
    if interval is not None:
        sys.setswitchinterval(interval)


@pytest.fixture(scope="session")
def seconds(pytestconfig: pytest.Config) -> Callable[[float, float], float]:
    """Choose how long, or how often, something is tried: usually, and with ``--long``."""
    return lambda short, long: long if pytestconfig.getoption("--long") else short


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def trained() -> tuple[Any, pd.DataFrame]:
    X, y = small_frame()
    return small_pipeline(X, y), X
