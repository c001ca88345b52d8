"""A bounded pool of threads with deadlines, batches in order and an explicit end.

A `WorkerPool` runs a fixed number of tasks at once and lets a fixed number wait; what comes on top is
refused at once with `Overloaded`, so that nothing piles up unseen. Each task may have a deadline. A thread
can't be interrupted: the one that holds a task past its deadline is written off, and another takes its
place, never more than the pool's size of them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar, TypeVarTuple

import msgspec

from morosidad.errors import Overloaded
from morosidad.processes.forking import renew_after_fork
from morosidad.workers.tasks import TASK_OUTCOMES, Clock, Task, TaskCounts

A = TypeVar("A")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class PoolStats(TaskCounts, frozen=True, kw_only=True):
    """What a `WorkerPool` holds and has done: the counts of `TaskCounts`, and the threads.

    Attributes
    ----------
    size : int
        Tasks that may run at once.
    stuck : int
        Threads that still hold a task whose deadline passed.
    """

    size: int = msgspec.field(name="trabajadores")
    stuck: int = msgspec.field(name="atascados")


class WorkerPool:
    """A bounded pool of threads that can shrink and grow while it works.

    Threads start when there is work for them. The end is explicit: `close`, or leaving the ``with`` block.
    The threads are daemons, so a task that hangs never keeps the process from ending.

    Parameters
    ----------
    size : int, default 4
        Tasks that run at once.
    queue_size : int, default 1000
        Tasks that may wait.
    name : str, default "prediccion"
        Start of the threads' names.
    clock : callable, default `time.monotonic`
        Time in seconds, for the deadlines.

    Raises
    ------
    ValueError
        A size below one, or a negative queue size.

    Examples
    --------
    >>> with WorkerPool(2) as pool:
    ...     pool.submit(pow, 2, 10, timeout=1.0).result()
    1024
    """

    def __init__(
        self,
        size: int = 4,
        *,
        queue_size: int = 1000,
        name: str = "prediccion",
        clock: Clock = time.monotonic,
    ) -> None:
        if queue_size < 0:
            raise ValueError(f"queue_size: 0 or more, not {queue_size}")
        self._size = _checked_size(size)
        self.queue_size = queue_size
        self.name = name
        self._clock = clock
        self._closed = False
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Begin without tasks and threads: in a forked child both are the parent's."""
        self._queue: OrderedDict[Task[Any], None] = OrderedDict()
        self._running: dict[Task[Any], threading.Thread] = {}
        self._stuck: set[threading.Thread] = set()
        self._threads: set[threading.Thread] = set()
        self._counts: Counter[str] = Counter()
        self._started = 0
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._all_done = threading.Condition(self._lock)

    @property
    def size(self) -> int:
        """Tasks that may run at once."""
        return self._size

    def resize(self, size: int) -> None:
        """Let more or fewer tasks run at once, from now on.

        No running task is disturbed: surplus threads leave as they finish.

        Parameters
        ----------
        size : int
            Tasks that may run at once.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            A size below one.
        """
        with self._lock:
            self._size = _checked_size(size)
            self._start_threads()
            self._wake.notify_all()

    def submit(self, fn: Callable[[*Ts], R], *args: *Ts, timeout: float | None = None) -> Task[R]:
        """Queue a call and return at once.

        Parameters
        ----------
        fn : callable
            What to call, with `args`.
        timeout : float, optional
            Seconds from now until the task's deadline, the wait in the queue included.

        Returns
        -------
        Task
            Its ``result()`` waits; a coroutine awaits it.

        Raises
        ------
        Overloaded
            The queue is full, or the pool is closed.
        """
        task: Task[R] = Task(self, (fn, args), timeout, self._clock)
        self._offer(task)
        return task

    def map(
        self, fn: Callable[[A], R], items: Iterable[A], *, timeout: float | None = None
    ) -> list[R | BaseException]:
        """Call `fn` on every item and wait; the results stand in the order of the items.

        Only a few items are queued at a time, so that a long batch leaves the queue to others. A task of the
        same pool should not call it without a `timeout`: it would wait for threads that may all wait like it.

        Parameters
        ----------
        fn : callable
            Called with one item.
        items : iterable
            The batch.
        timeout : float, optional
            Seconds for the whole batch.

        Returns
        -------
        list
            One result per item. An item that failed has its own exception in its place: the one that it
            raised, `DeadlineExceeded`, or `Overloaded` when the pool had no room for it.
        """
        end = None if timeout is None else self._clock() + timeout
        places = threading.Semaphore(2 * self._size)
        tasks: list[Task[R]] = []
        try:
            for item in items:
                task: Task[R] = Task(self, (fn, (item,)), timeout, self._clock)
                task._deadline = end
                tasks.append(task)
                if not places.acquire(timeout=task.remaining()):
                    task._settle(error=task._deadline_error())
                    continue
                task.add_done_callback(lambda _: places.release())
                try:
                    self._offer(task)
                except Overloaded as refusal:
                    task._settle(error=refusal)
            return [task._outcome() for task in tasks]
        finally:
            for task in tasks:
                task.cancel()

    def stats(self) -> PoolStats:
        """Count what the pool holds and has done.

        Returns
        -------
        PoolStats
        """
        with self._lock:
            return PoolStats(
                size=self._size,
                running=len(self._running),
                queued=len(self._queue),
                stuck=len(self._stuck),
                **{end: self._counts[end] for end in TASK_OUTCOMES},
            )

    def release_overdue(self) -> None:
        """End the running tasks whose deadline passed, and put other threads in the place of theirs.

        Whoever waits for a task does this at its deadline, and so does `submit` when every thread is busy.
        """
        with self._lock:
            late = [task for task in self._running if task.remaining() == 0]
        for task in late:
            task._expire()

    def close(self, *, drain: bool = True, timeout: float = 5.0) -> bool:
        """Refuse new tasks, end the old ones, stop the threads. Calling it again does no harm.

        Parameters
        ----------
        drain : bool, default True
            Finish the tasks that wait. Otherwise they end with `Overloaded`, like those that still wait
            when the time is up.
        timeout : float, default 5.0
            Seconds to wait for the tasks to end.

        Returns
        -------
        bool
            Whether every thread has ended. False means that a task still runs; its thread ends with it.
        """
        end = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            self._wake.notify_all()
            if drain:
                self._all_done.wait_for(lambda: not self._queue and not self._running, timeout)
            refused = list(self._queue)
            self._queue.clear()
            self._counts["refused"] += len(refused)
            threads = self._threads - {threading.current_thread()}
        for task in refused:
            task._settle(error=Overloaded(f"the pool '{self.name}' was closed before the task's turn"))
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _offer(self, task: Task[Any]) -> None:
        """Queue a task, or raise `Overloaded`."""
        if len(self._running) >= self._size:
            self.release_overdue()
        with self._lock:
            held = len(self._queue) + len(self._running) + max(0, len(self._stuck) - self._size)
            if not self._closed and held < self._size + self.queue_size:
                self._queue[task] = None
                self._start_threads()
                if self._threads:
                    self._wake.notify()
                    return
                del self._queue[task]
            self._counts["refused"] += 1
        raise Overloaded(f"the pool '{self.name}' is {'closed' if self._closed else 'full'}")

    def _cancel_queued(self, task: Task[Any]) -> bool:
        with self._lock:
            if task not in self._queue:
                return False
            del self._queue[task]
            self._counts["cancelled"] += 1
            self._notify_if_done()
            return True

    def _expire_task(self, task: Task[Any]) -> bool:
        with self._lock:
            if task in self._queue:
                del self._queue[task]
            elif (thread := self._running.pop(task, None)) is not None:
                self._stuck.add(thread)
                self._start_threads()
            else:
                return False
            self._counts["expired"] += 1
            self._notify_if_done()
            return True

    def _allowed_threads(self) -> int:
        return self._size + min(len(self._stuck), self._size)

    def _start_threads(self) -> None:
        """Start the threads that the work needs and the bound allows; the lock is held."""
        needed = len(self._queue) + len(self._running) + len(self._stuck)
        while len(self._threads) < min(needed, self._allowed_threads()):
            self._started += 1
            thread = threading.Thread(
                target=self._run_tasks, name=f"{self.name}-{self._started}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the system has no thread to spare: go on with those that run
                return
            self._threads.add(thread)

    def _notify_if_done(self) -> None:
        if not self._queue and not self._running:
            self._all_done.notify_all()

    def _run_tasks(self) -> None:
        """Run tasks until there is no place for this thread any more."""
        while (taken := self._take()) is not None:
            task, (fn, args) = taken
            value: Any = None
            error: BaseException | None = None
            outcome = "completed"
            try:
                if task.remaining() == 0:
                    error, outcome = task._deadline_error(), "expired"
                else:
                    value = fn(*args)
            except BaseException as raised:  # it belongs to whoever waits
                error, outcome = raised, "failed"
            if self._done(task, outcome):
                task._settle(value, error)
            # An idle thread must not keep the last record and its outcome alive.
            del taken, task, fn, args, value, error

    def _take(self) -> tuple[Task[Any], Any] | None:
        """Wait for the next task and its work; None when the thread is to leave."""
        me = threading.current_thread()
        with self._lock:
            while len(self._threads) <= self._allowed_threads():
                if self._queue:
                    task, _ = self._queue.popitem(last=False)
                    self._running[task] = me
                    task.set_running_or_notify_cancel()
                    return task, task._work
                if self._closed:
                    break
                self._wake.wait()
            self._threads.discard(me)
            return None

    def _done(self, task: Task[Any], outcome: str) -> bool:
        """Count the end of a task; False when its deadline ended it before."""
        with self._lock:
            self._stuck.discard(threading.current_thread())
            if self._running.pop(task, None) is None:
                return False
            self._counts[outcome] += 1
            self._notify_if_done()
            return True


def _checked_size(size: int) -> int:
    if size < 1:
        raise ValueError(f"size: 1 or more, not {size}")
    return size
