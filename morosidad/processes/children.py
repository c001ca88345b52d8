"""Work that may end its process, or never end, done in a forked child."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import NoReturn

_HEAD = 8
_BLOCK = 2**20


class ChildFailed(Exception):
    """The work gave nothing; the text says how its process ended, or what kind of exception it raised."""


def done_in_child(work: Callable[[], bytes], seconds: float) -> bytes:
    """Do some work in a forked child, so that a crash there is not the end of this process.

    Parameters
    ----------
    work : callable
        Gives bytes. It may not wait for another thread of this process: a child has none of them.
    seconds : float
        The time limit.

    Returns
    -------
    bytes
        What it gave. Where a process can't fork, the work is done in this one.

    Raises
    ------
    ChildFailed
        If the work raises, ends its process, or takes too long.
    """
    if not hasattr(os, "fork"):
        return _done(work)
    reading, writing = os.pipe()
    try:
        child = _forked()
    except OSError:  # there is no memory for a copy
        os.close(reading)
        os.close(writing)
        return _done(work)
    if child == 0:  # pragma: no cover - coverage does not follow a fork
        _answer(work, writing)
    os.close(writing)
    try:
        answer = _received(reading, time.monotonic() + seconds)
    except TimeoutError:
        raise ChildFailed(f"it was not done after {seconds:.0f} s") from None
    finally:
        os.close(reading)
        ended = _end(child)
    if answer is None:
        raise ChildFailed(f"the process that tried it {how_ended(ended)}")
    if answer[:1] != b"+":
        raise ChildFailed(answer[1:].decode())
    return answer[1:]


def how_ended(code: int) -> str:
    """Put the end of a process into words.

    Parameters
    ----------
    code : int
        Its exit code; the number of a signal, negative, where one ended it.

    Returns
    -------
    str
    """
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def leave_no_core() -> None:
    """Let a crash of this process, which is expected, leave no file behind."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _done(work: Callable[[], bytes]) -> bytes:
    try:
        return work()
    except Exception as error:
        raise ChildFailed(type(error).__name__) from error


def _forked() -> int:
    with warnings.catch_warnings():  # Python warns of other threads, which the work does not wait for
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _answer(work: Callable[[], bytes], writing: int) -> NoReturn:  # pragma: no cover - as above
    """Do the work in the child, write what it gives after its length, and end."""
    try:
        faulthandler.disable()
        leave_no_core()
        try:
            data = b"+" + work()
        except Exception as error:
            data = b"-" + type(error).__name__.encode()
        with os.fdopen(writing, "wb") as stream:
            stream.write(len(data).to_bytes(_HEAD, "little"))
            stream.write(data)
    finally:
        os._exit(0)


def _received(reading: int, end: float) -> bytes | None:
    """Read an answer to its end; None where the child ends before that."""
    data, due = bytearray(), _HEAD
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    while len(data) < due:  # the pipe may stay open in a process that another thread forked meanwhile
        left = end - time.monotonic()
        if left <= 0.0 or not poller.poll(1000.0 * left):
            raise TimeoutError
        if not (block := os.read(reading, min(_BLOCK, due - len(data)))):
            return None
        data += block
        if due == _HEAD and len(data) == _HEAD:
            due += int.from_bytes(data, "little")
    return bytes(data[_HEAD:])


def _end(child: int) -> int:
    """Wait for a child that has ended, or end it; give its exit code, or 0 where another part took it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return 0
