"""A bulkhead: a bounded pool of daemon threads for work that may hang, abandoned at its time limit.

A thread can't be interrupted. Work that overruns keeps its thread until it returns by itself, if it ever
does; so the threads are bounded in number, and daemons, which don't keep the interpreter from exiting.
"""

from __future__ import annotations

import contextvars
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

from morosidad.errors import DeadlineExceeded
from morosidad.processes.forking import renew_after_fork


class BulkheadCounts(NamedTuple):
    """Threads alive, those of them that are abandoned, and how many ever were."""

    alive: int
    abandoned: int
    abandoned_ever: int


class Bulkhead:
    """A bounded pool of threads, each of which ends when the queue is empty.

    Parameters
    ----------
    limit : int
        The most threads alive at a time, abandoned ones included. Work beyond it is queued; when all of them
        are abandoned, work fails at once.
    name : str
        The name of each thread.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Begin without threads and work: in a forked child both are the parent's."""
        self._lock = threading.Lock()
        self._queue: OrderedDict[Future[Any], Callable[[], Any]] = OrderedDict()
        self._alive = 0
        self._abandoned = 0
        self._abandoned_ever = 0

    def counts(self) -> BulkheadCounts:
        """Return how many threads there are."""
        with self._lock:
            return BulkheadCounts(self._alive, self._abandoned, self._abandoned_ever)

    def exhausted(self) -> bool:
        """Return whether every thread is abandoned, so that work fails at once."""
        with self._lock:
            return self._abandoned >= self._limit

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Start `fn`, or queue it, with the caller's context variables."""
        future: Future[Any] = Future()
        context = contextvars.copy_context()
        with self._lock:
            if self._abandoned >= self._limit:
                future.set_exception(
                    DeadlineExceeded("all threads are held by work that overran", seconds=0.0)
                )
                return future
            self._queue[future] = lambda: context.run(fn, *args, **kwargs)
            start = self._alive < self._limit
            self._alive += start
        if start:
            try:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            except RuntimeError as error:  # the system gives no more threads
                with self._lock:
                    self._alive -= 1
                    taken = self._queue.pop(future, None) is None
                if not taken:
                    future.set_exception(error)
        return future

    def run(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], seconds: float
    ) -> tuple[Any, Exception | None]:
        """Run `fn` and wait for it; return its value, or what it raised, or `DeadlineExceeded`."""
        future = self.submit(fn, *args, **kwargs)
        try:
            wait([future], max(0.0, seconds))
        finally:
            error = self.collect(future, seconds)
        return (future.result(), None) if error is None else (None, error)

    def collect(self, future: Future[Any], seconds: float) -> Exception | None:
        """Return what the work raised; work that is not done is abandoned: `DeadlineExceeded`."""
        if not future.done():
            self.abandon(future)
            return DeadlineExceeded(f"no answer in {seconds:.3g} s", seconds=seconds)
        error = future.exception()
        if error is None or isinstance(error, Exception):
            return error
        raise error

    def abandon(self, future: Future[Any]) -> None:
        """Stop waiting: queued work never starts, work under way is counted until it ends."""
        with self._lock:
            queued = self._queue.pop(future, None) is not None
            running = not queued and not future.done()
            self._abandoned += running
            self._abandoned_ever += running
        if queued:
            future.cancel()
        elif running:
            future.add_done_callback(self._returned)

    def _returned(self, _: Future[Any]) -> None:
        with self._lock:
            self._abandoned -= 1

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._alive -= 1
                    return
                future, work = self._queue.popitem(last=False)
            if future.set_running_or_notify_cancel():
                _fulfil(future, work)
            del future, work


def _fulfil(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        value = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)
    finally:
        del future, work  # the exception's traceback holds this frame
