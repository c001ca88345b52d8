"""Micro-batching: records that arrive together are predicted together.

A scikit-learn pipeline takes about as long for sixteen rows as for one. A `MicroBatcher` collects the
records of concurrent callers for a moment, predicts them in one call, and gives each caller its own result.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, Self, TypeVar

import msgspec

from morosidad.errors import ModelError, Overloaded
from morosidad.processes.forking import renew_after_fork
from morosidad.workers.pool import WorkerPool
from morosidad.workers.tasks import TASK_OUTCOMES, Clock, Task, TaskCounts

A = TypeVar("A")
R = TypeVar("R")


class BatchStats(TaskCounts, frozen=True, kw_only=True):
    """What a `MicroBatcher` holds and has done: the counts of `TaskCounts`, a task being a record.

    Attributes
    ----------
    batches : int
        Calls of the prediction function, those for single records of a failed batch among them.
    """

    batches: int = msgspec.field(name="lotes")


class MicroBatcher(Generic[A, R]):
    """Collect records from many callers for a moment and predict them in one call.

    A batch leaves when `max_size` records wait, or when the first of them has waited for `max_wait`. What
    arrives during a prediction forms the next batch. `predict_many` is called by one thread at a time, unless
    a call hangs until the deadlines of all its records have passed: then another thread goes on without it.

    When `predict_many` raises for a batch, each of its records is predicted alone, so that a record that
    can't be predicted harms no other.

    Parameters
    ----------
    predict_many : callable
        Takes a list of records and returns as many results in the same order. An exception among the results
        is raised to the caller of that record.
    max_wait : float, default 0.002
        Seconds that a record waits for company. Zero: no longer than the prediction under way.
    max_size : int, default 16
        Records in one call.
    queue_size : int, default 1000
        Records that may wait.
    clock : callable, default `time.monotonic`
        Time in seconds.

    Raises
    ------
    ValueError
        A negative `max_wait`, or a size below one.

    Examples
    --------
    >>> with MicroBatcher(lambda records: [record["edad"] / 100 for record in records]) as batcher:
    ...     batcher.submit({"edad": 40}, timeout=1.0).result()
    0.4
    """

    def __init__(
        self,
        predict_many: Callable[[list[A]], Sequence[R | BaseException]],
        max_wait: float = 0.002,
        max_size: int = 16,
        *,
        queue_size: int = 1000,
        clock: Clock = time.monotonic,
    ) -> None:
        if max_wait < 0 or max_size < 1 or queue_size < 1:
            raise ValueError("max_wait: 0 or more; max_size and queue_size: 1 or more")
        self.predict_many = predict_many
        self.max_wait = max_wait
        self.max_size = max_size
        self.queue_size = queue_size
        self._clock = clock
        self._closed = False
        # One batch is predicted while the next one collects.
        self._pool = WorkerPool(1, queue_size=1, name="lote", clock=clock)
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Begin without records: in a forked child they are the parent's to predict."""
        self._queue: OrderedDict[Task[R], float] = OrderedDict()
        self._running: set[Task[R]] = set()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._batch_ready = threading.Condition(self._lock)
        self._all_done = threading.Condition(self._lock)
        self._collector: Task[None] | None = None

    def submit(self, record: A, *, timeout: float | None = None) -> Task[R]:
        """Add a record to the next batch and return at once.

        Parameters
        ----------
        record : object
            What `predict_many` takes a list of.
        timeout : float, optional
            Seconds from now until the deadline.

        Returns
        -------
        Task
            Its ``result()`` waits; a coroutine awaits it.

        Raises
        ------
        Overloaded
            The queue is full, or the batcher is closed.
        """
        task: Task[R] = Task(self, record, timeout, self._clock)
        with self._lock:
            try:
                self._require_room()
            except Overloaded:
                self._counts["refused"] += 1
                raise
            self._queue[task] = self._clock() + self.max_wait
            if len(self._queue) >= self.max_size:
                self._batch_ready.notify()
        return task

    @property
    def full(self) -> bool:
        """Whether `submit` would refuse a record now, for want of room."""
        return len(self._queue) >= self.queue_size

    def stats(self) -> BatchStats:
        """Count what the batcher holds and has done.

        Returns
        -------
        BatchStats
        """
        with self._lock:
            return BatchStats(
                batches=self._counts["batches"],
                running=len(self._running),
                queued=len(self._queue),
                **{end: self._counts[end] for end in TASK_OUTCOMES},
            )

    def close(self, *, drain: bool = True, timeout: float = 5.0) -> bool:
        """Refuse new records, end the old ones, stop the thread. Calling it again does no harm.

        Parameters
        ----------
        drain : bool, default True
            Predict the records that wait. Otherwise they end with `Overloaded`, like those that still wait
            when the time is up.
        timeout : float, default 5.0
            Seconds to wait for the results.

        Returns
        -------
        bool
            Whether the thread has ended. False means that a prediction still runs.
        """
        end = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            self._batch_ready.notify_all()
            if drain:
                self._all_done.wait_for(lambda: not self._queue and not self._running, timeout)
            refused = list(self._queue)
            self._queue.clear()
            self._counts["refused"] += len(refused)
        for task in refused:
            task._settle(error=Overloaded("the micro-batcher was closed before the record's turn"))
        return self._pool.close(timeout=max(0.0, end - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cancel_queued(self, task: Task[Any]) -> bool:
        with self._lock:
            return self._leave_queue(task, "cancelled")

    def _expire_task(self, task: Task[Any]) -> bool:
        with self._lock:
            taken = self._leave_queue(task, "expired") or self._leave_batch(task, "expired")
        self._pool.release_overdue()
        return taken

    def _leave_queue(self, task: Task[R], outcome: str) -> bool:
        if self._queue.pop(task, None) is None:
            return False
        self._counts[outcome] += 1
        self._notify_if_done()
        return True

    def _leave_batch(self, task: Task[R], outcome: str) -> bool:
        if task not in self._running:
            return False
        self._running.discard(task)
        self._counts[outcome] += 1
        self._notify_if_done()
        return True

    def _notify_if_done(self) -> None:
        if not self._queue and not self._running:
            self._all_done.notify_all()

    def _require_room(self) -> None:
        """See that there is room and a thread to collect; the lock is held."""
        if self._closed:
            raise Overloaded("the micro-batcher is closed")
        if self.full:
            raise Overloaded(f"the micro-batcher is full: {self.queue_size} records wait")
        if self._collector is None:
            self._collector = self._pool.submit(self._run_tasks)

    def _run_tasks(self) -> None:
        batch = self._take()
        if batch:
            self._predict(batch)

    def _take(self) -> list[tuple[Task[R], A]]:
        """Wait until the batch is full or its time is up, and take it out of the queue."""
        with self._lock:
            while self._queue and len(self._queue) < self.max_size and not self._closed:
                left = next(iter(self._queue.values())) - self._clock()
                if left <= 0:
                    break
                self._batch_ready.wait(left)
            batch: list[tuple[Task[R], A]] = []
            while self._queue and len(batch) < self.max_size:
                task, _ = self._queue.popitem(last=False)
                task.set_running_or_notify_cancel()
                self._running.add(task)
                batch.append((task, task._work))
            self._pass_on_deadline(batch)
            return batch

    def _pass_on_deadline(self, batch: list[tuple[Task[R], A]]) -> None:
        """Give this thread the last deadline of its batch, and name a successor for what still waits."""
        deadlines = [task._deadline for task, _ in batch if task._deadline is not None]
        if self._collector is not None and batch and len(deadlines) == len(batch):
            self._collector._deadline = max(deadlines)
        self._collector = self._pool.submit(self._run_tasks) if self._queue else None

    def _predict(self, batch: list[tuple[Task[R], A]]) -> None:
        live = []
        for task, record in batch:
            if task.remaining() == 0:
                self._settle(task, task._deadline_error(), "expired")
            else:
                live.append((task, record))
        if not live:
            return
        with self._lock:
            self._counts["batches"] += 1
        results: Sequence[R | BaseException] | None = None
        try:
            results = self.predict_many([record for _, record in live])
            if len(results) != len(live):
                raise ModelError(f"{len(live)} records gave {len(results)} results")
        except BaseException as error:  # it belongs to whoever waits
            results = [error] if len(live) == 1 else None
        if results is None:
            for pair in live:
                self._predict([pair])
            return
        for (task, _), result in zip(live, results, strict=True):
            self._settle(task, result, "failed" if isinstance(result, BaseException) else "completed")

    def _settle(self, task: Task[R], result: R | BaseException, outcome: str) -> None:
        with self._lock:
            mine = self._leave_batch(task, outcome)
        if mine and isinstance(result, BaseException):
            task._settle(error=result)
        elif mine:
            task._settle(result)
