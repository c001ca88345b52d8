"""Options, fixtures and the time limit that all tests share."""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pandas as pd
import pytest

from support import FakeClock, small_frame, small_pipeline

_STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="try for minutes what is tried for seconds")
    parser.addoption("--switch-interval", type=float, help="seconds after which Python switches threads")
    parser.addoption("--time-limit", type=float, default=600.0, help="seconds that one test may take")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
    hypothesis.settings.load_profile("unhurried")
    interval = config.getoption("--switch-interval")
    if interval is not None:
        sys.setswitchinterval(interval)
    config.stash[_STDERR] = os.dup(2)  # before output is captured: the watchdog writes here


class OutOfTime(BaseException):
    """A test took longer than the limit.

    It is no `Exception`, nor what `pytest.fail` raises: hypothesis would take those for a failure of the
    example and run the endless loop again, to make the example smaller.
    """


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End a test that takes too long, by an exception; where none gets through, by ending the process."""
    limit = item.config.getoption("--time-limit") * (12 if item.config.getoption("--long") else 1)

    def end(*_: object) -> None:
        raise OutOfTime(f"{item.nodeid} took more than {limit:g} s")

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, limit, 10.0)
    faulthandler.dump_traceback_later(2 * limit, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ from process to process: several of them share the tests."""
    changing = [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]{6}", item.nodeid)]
    if changing:
        raise pytest.UsageError(f"parametrized ids hold addresses: {changing}")


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
