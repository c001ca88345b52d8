"""Tasks: futures with a deadline that a coroutine can await, and the counts of their outcomes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import msgspec

from morosidad.errors import DeadlineExceeded, Overloaded
from morosidad.processes.forking import forks

R = TypeVar("R")

Clock = Callable[[], float]


TASK_OUTCOMES = ("completed", "failed", "expired", "cancelled", "refused")
"""How a task can end, as `TaskCounts` names it."""


class TaskCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Where tasks stand, all of one moment: every call of ``submit`` is in exactly one of these counts.

    Attributes
    ----------
    running, queued : int
        Tasks that run and that wait now.
    completed, failed : int
        Tasks that got a result and that got an error.
    expired : int
        Tasks whose deadline passed before they ended.
    cancelled : int
        Tasks cancelled while they waited.
    refused : int
        Tasks turned away, by a full queue or by closing.
    """

    running: int = msgspec.field(name="en_curso")
    queued: int = msgspec.field(name="en_cola")
    completed: int = msgspec.field(name="completadas")
    failed: int = msgspec.field(name="fallidas")
    expired: int = msgspec.field(name="vencidas")
    cancelled: int = msgspec.field(name="canceladas")
    refused: int = msgspec.field(name="rechazadas")


class TaskOwner(Protocol):
    """Who holds tasks; whoever takes a task from it is the one that settles it."""

    def _cancel_queued(self, task: Task[Any]) -> bool: ...

    def _expire_task(self, task: Task[Any]) -> bool: ...


class Task(Future[R]):
    """A `concurrent.futures.Future` that keeps a deadline, and that a coroutine can await.

    Waiting for it, by `result`, `exception` or ``await``, ends at the deadline with `DeadlineExceeded`.
    Cancelling works while the task waits in the queue. Tasks are made by `WorkerPool.submit` and
    `MicroBatcher.submit`.
    """

    def __init__(self, owner: TaskOwner, work: Any, timeout: float | None, clock: Clock) -> None:
        super().__init__()
        self._owner = owner
        self._made_at = forks()
        self._clock = clock
        self._work: Any = work
        self._seconds = timeout
        self._deadline = None if timeout is None else clock() + timeout

    def remaining(self) -> float | None:
        """Give the seconds that are left, zero at the least; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def cancel(self) -> bool:
        """Take the task out of the queue.

        Returns
        -------
        bool
            Whether the task is cancelled; a task that runs or has ended can't be.
        """
        self._leave_to_parent()
        if self._owner._cancel_queued(self):
            self._work = None
            super().cancel()
            self.set_running_or_notify_cancel()
        return self.cancelled()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the outcome: the value, or the error that was raised.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait, when that is less than the deadline leaves.

        Returns
        -------
        object
            The value.

        Raises
        ------
        DeadlineExceeded
            The task's deadline passed.
        TimeoutError
            `timeout` passed before the deadline.
        """
        limit, own = self._wait_limit(timeout)
        try:
            return super().result(limit)
        except TimeoutError:
            self._end_wait(own)
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the outcome and give its error, `DeadlineExceeded` among them; None when there is none.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait, when that is less than the deadline leaves.

        Returns
        -------
        BaseException or None

        Raises
        ------
        TimeoutError
            `timeout` passed before the deadline.
        """
        limit, own = self._wait_limit(timeout)
        try:
            return super().exception(limit)
        except TimeoutError:
            self._end_wait(own)
        return super().exception()

    def _wait_limit(self, timeout: float | None) -> tuple[float | None, bool]:
        """Give the seconds to wait, and whether the deadline is what limits them."""
        self._leave_to_parent()
        left = self.remaining()
        if left is None or (timeout is not None and timeout < left):
            return timeout, False
        return left, True

    def _end_wait(self, at_deadline: bool) -> None:
        """Go on to an outcome that is there or on its way; otherwise the wait was too short."""
        if self.done():
            return
        if not at_deadline:
            raise TimeoutError("the task has not ended yet") from None
        self._expire()

    def _expire(self) -> None:
        """End the task with `DeadlineExceeded`, unless it has ended before."""
        if self._owner._expire_task(self):
            self._settle(error=self._deadline_error())

    def _leave_to_parent(self) -> None:
        """End a task that a forked child got from its parent, whose threads alone can settle it."""
        if self._made_at != forks():
            self._made_at = forks()
            self._condition = threading.Condition()  # a thread of the parent may have held the other
            if self._state not in ("FINISHED", "CANCELLED_AND_NOTIFIED"):
                super().__init__()
                self._settle(
                    error=Overloaded("the task belongs to the process that this one was forked from")
                )

    def _outcome(self) -> R | BaseException:
        error = self.exception()
        return self.result() if error is None else error

    def _deadline_error(self) -> DeadlineExceeded:
        seconds = self._seconds or 0.0
        return DeadlineExceeded(f"no answer within {seconds:g} s", seconds=seconds)

    def _settle(self, value: Any = None, error: BaseException | None = None) -> None:
        """Publish the outcome and drop the work: a finished task holds no record."""
        self._work = None
        if error is None:
            self.set_result(value)
        else:
            self.set_exception(error)

    def __await__(self) -> Generator[Any, None, R]:
        return self._answer().__await__()

    async def _answer(self) -> R:
        self._leave_to_parent()
        future = asyncio.wrap_future(self)
        left = self.remaining()
        if left is None:
            return await future
        timer = asyncio.get_running_loop().call_later(left, self._expire)
        try:
            return await future
        finally:
            timer.cancel()
