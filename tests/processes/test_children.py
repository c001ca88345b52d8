"""Work in a forked child: what it gives, how it ends, what is left behind."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from morosidad.processes import children
from morosidad.processes.children import ChildFailed, done_in_child, how_ended


def fails() -> bytes:
    raise KeyError("private")


def crashes() -> bytes:
    return ctypes.string_at(0)


def leaves() -> bytes:
    os._exit(3)


def hangs() -> bytes:
    time.sleep(600)
    return b""


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_what_the_work_gives_comes_back_whole() -> None:
    before = open_files()
    for data in (b"", b"+", bytes(range(256)) * 40_000):
        assert done_in_child(lambda data=data: data, 60.0) == data  # type: ignore[misc]
    assert done_in_child(lambda: str(os.getpid()).encode(), 60.0) != str(os.getpid()).encode()
    assert open_files() == before


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (fails, "^KeyError$"),
        (crashes, "^the process that tried it was ended by SIGSEGV$"),
        (leaves, "^the process that tried it ended with code 3$"),
        (hangs, "^it was not done after 0 s$"),
    ],
)
def test_however_it_fails_it_is_told_and_nothing_is_left(work: Callable[[], bytes], why: str) -> None:
    before = open_files()
    with pytest.raises(ChildFailed, match=why):
        done_in_child(work, 0.3 if work is hangs else 60.0)
    assert open_files() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_another_part_may_have_taken_the_end_of_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.waitpid

    def taken(child: int, options: int) -> Any:
        real(child, options)
        return real(child, options)

    monkeypatch.setattr(os, "waitpid", taken)
    assert done_in_child(lambda: b"1", 60.0) == b"1"
    with pytest.raises(ChildFailed, match="ended with code 0"):
        done_in_child(crashes, 60.0)


def test_where_a_process_can_not_fork_the_work_is_done_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory() -> int:
        raise OSError

    here = str(os.getpid()).encode()
    before = open_files()
    with monkeypatch.context() as patch:
        patch.setattr(children, "_forked", no_memory)
        assert done_in_child(lambda: str(os.getpid()).encode(), 60.0) == here
    monkeypatch.delattr(os, "fork")
    assert done_in_child(lambda: str(os.getpid()).encode(), 60.0) == here
    with pytest.raises(ChildFailed, match=r"^KeyError$"):
        done_in_child(fails, 60.0)
    assert open_files() == before


def test_the_end_of_a_process_is_put_into_words() -> None:
    ends = ["ended with code 0", "was ended by SIGKILL", "was ended by signal 250"]
    assert [how_ended(0), how_ended(-9), how_ended(-250)] == ends
