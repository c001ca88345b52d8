"""Run a function in a forked child, while threads of the parent hold what they hold."""

from __future__ import annotations

import os
import pickle
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LIMIT = 60.0  # a child that hangs is ended after these seconds


def in_child(work: Callable[[], Any]) -> Any:
    """Fork, run `work` in the child, and return what it returned; a child that hangs is a failure."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.close(reading)
        try:
            answer = (True, work())
        except BaseException as error:
            answer = (False, repr(error))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        if not select.select([pipe], [], [], LIMIT)[0]:
            os.kill(child, signal.SIGKILL)
        data = pipe.read()
    os.waitpid(child, 0)
    assert data, "the child hung"
    fine, answer = pickle.loads(data)
    assert fine, answer
    return answer


@contextmanager
def held_by_another_thread(*locks: Any) -> Iterator[None]:
    """Hold locks in another thread, as one that is in the middle of its work."""
    ready, go_on = threading.Barrier(2), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        ready.wait()
        go_on.wait()
        for lock in locks:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        go_on.set()
        thread.join()
