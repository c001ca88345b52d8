"""Options, fixtures and the time limit that all tests share."""

from __future__ import annotations

import faulthandler
import os
import re
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pandas as pd
import pytest

from morosidad.compiler.proof import judge
from morosidad.model_file import artifact
from morosidad.scoring import saving
from support import JUDGED_WHOLLY, FakeClock, judged_briefly, needed, small_frame, small_pipeline

if TYPE_CHECKING:
    from helpers.redis_server import Server

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens a browser; refuse names that differ from process to process, which share the tests."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    changing = [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]{6}", item.nodeid)]
    if changing:
        raise pytest.UsageError(f"parametrized ids hold addresses: {changing}")


@pytest.fixture(scope="session")
def seconds(pytestconfig: pytest.Config) -> Callable[[float, float], float]:
    """Choose how long, or how often, something is tried: usually, and with ``--long``."""
    return lambda short, long: long if pytestconfig.getoption("--long") else short


@pytest.fixture(scope="session", autouse=True)
def _judged(pytestconfig: pytest.Config) -> Iterator[None]:
    """Have the judge ask fewer rows of an original, but with ``--long``."""
    with nullcontext() if pytestconfig.getoption("--long") else judged_briefly():
        yield


@pytest.fixture
def judged_wholly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the judge ask as many rows as it asks for users, and as long."""
    for name, number in JUDGED_WHOLLY.items():
        monkeypatch.setattr(judge, name, number)


@pytest.fixture
def tried_here(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have a model read back here before it is saved, not in a new process, which other tests do."""

    def here(content: artifact.Content, types: list[str], seconds: float) -> str:
        task = {"model": tmp_path_factory.mktemp("tried") / "model", "key": b"k".hex(), "types": types}
        artifact.save(task["model"], content, b"k")
        with warnings.catch_warnings(action="ignore"):
            return saving._wrong(task)

    monkeypatch.setattr(saving, "try_in_child", here)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Server]:
    """A Redis of the test's own, which it may kill and start again."""
    from helpers.redis_server import Server

    pytest.importorskip("redis")
    needed(shutil.which("redis-server") is not None, "redis-server")
    running = Server(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def trained() -> tuple[Any, pd.DataFrame]:
    X, y = small_frame()
    return small_pipeline(X, y), X
