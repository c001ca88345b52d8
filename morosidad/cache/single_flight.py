"""Single flight: one computation per key, however many threads and tasks ask for it."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from morosidad.errors import DeadlineExceeded

if TYPE_CHECKING:
    from concurrent.futures import Future

V = TypeVar("V")


class _Caller(threading.local):
    """The calling thread's own object: a thread's number is given again, after a fork too."""

    def __init__(self) -> None:
        self.identity = object()


_caller = _Caller()


class Abandoned(Exception):
    """The computation was cancelled before it had an answer: one of those who wait takes over."""


class Flight(Generic[V]):
    """A computation under way; to be used under the lock of the cache.

    Its future is made when the first other caller joins: a flight that nobody joins costs next to nothing.
    """

    __slots__ = ("_future", "_task", "_thread")

    def __init__(self) -> None:
        self._thread: object = None
        self._task: object = None
        self._future: Future[V] | None = None

    def claim(self, task: object = None) -> bool:
        """Become the caller that computes, unless there is one already."""
        if self._thread is not None:
            return False
        self._thread, self._task = _caller.identity, task
        return True

    def join(self, task: object = None) -> Future[V]:
        """Return the future of the computation; one that would wait for itself is refused."""
        if (self._thread is _caller.identity) if task is None else (self._task is task):
            raise RuntimeError("the computation of a cache entry asks for that same entry")
        if self._future is None:
            from concurrent.futures import Future

            self._future = Future()
            # A running future can't be cancelled, so one who stops waiting takes nothing from the others.
            self._future.set_running_or_notify_cancel()
        return self._future

    def forget_waiters(self) -> None:
        """Leave those who wait to the process that this one was forked from."""
        self._future = None

    def resolve(self, value: V) -> None:
        """Give the value to all who wait."""
        if self._future is not None and not self._future.done():
            self._future.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Give the exception to all who wait."""
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)


class WaitLimit:
    """A limit on the total time that one caller waits for the computations of others."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = time.monotonic() + seconds

    def wait(self, future: Future[V]) -> V:
        """Return or raise what the future holds."""
        try:
            return future.result(self._left())
        except TimeoutError:
            return self._result(future)

    async def wait_async(self, future: Future[V]) -> V:
        """Return or raise what the future holds."""
        import asyncio

        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._left())
        except TimeoutError:
            return self._result(future)

    def _left(self) -> float | None:
        return None if math.isinf(self._limit) else max(0.0, self._limit - time.monotonic())

    def _result(self, future: Future[V]) -> V:
        """Return what the future holds, unless it was this limit that ended the wait."""
        if future.done():
            return future.result()
        message = f"another caller's computation took longer than {self._seconds:g} s"
        raise DeadlineExceeded(message, seconds=self._seconds) from None
