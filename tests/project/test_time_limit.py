"""The limit of time: no test, and no example of a property, can stand for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

ENDLESS = """
import threading

from hypothesis import given, strategies as st


def test_loop():
    while True:
        pass


def test_wait():
    threading.Event().wait()


@given(st.integers())
def test_property(number):
    while number > 100:
        pass


def test_next():
    pass
"""
DEAF = """
import signal


def test_loop():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as a loop in machine code does
    while True:
        pass
"""


def run(tests: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run some tests with our conftest and a limit of two seconds."""
    (folder / "test_it.py").write_text(tests)
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--time-limit", "2"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_this_suite_has_the_limit(pytestconfig: pytest.Config) -> None:
    assert 0 < pytestconfig.getoption("--time-limit") <= 600


def test_what_never_ends_fails_and_the_next_test_runs(tmp_path: Path) -> None:
    done = run(ENDLESS, tmp_path)
    assert "3 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("OutOfTime: test_it.py") >= 3


def test_where_no_exception_gets_through_the_process_ends_and_says_where_it_stood(tmp_path: Path) -> None:
    done = run(DEAF, tmp_path)
    assert done.returncode != 0
    assert "1 failed" not in done.stdout
    assert "Timeout" in done.stderr
    assert "in test_loop" in done.stderr
