"""The decision log: a bounded queue in front, one writer behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import msgspec

from morosidad.alerts import DECISIONS_DECLARED_LOST, DECISIONS_LOST, Alert
from morosidad.audit.alerts import AlertBoard
from morosidad.audit.chain import GENESIS
from morosidad.audit.file import ChainedFile
from morosidad.audit.lifetime import Lifetime
from morosidad.audit.lines import AuditContext, DecisionLike, LineEncoder, Values
from morosidad.audit.recorder import Batch, Item, Recorder, Ticket
from morosidad.audit.usage import MachineUsage, Usage
from morosidad.errors import SettingsError

RETRY_SECONDS = 1.0
_BATCH = 1000
_WAY = 0.001  # seconds that an eager `append` leaves the interpreter to the writer, at most
_AT_ONCE = 32  # decisions that an eager `append` makes lines of: in one go each takes half the time


class AuditStats(msgspec.Struct, frozen=True):
    """How the log stands.

    Attributes
    ----------
    path : str
        The file of this process.
    written, waiting, lost : int
        Decisions in the file, in memory, and in neither.
    last, digest : str
        Id and digest of the last line. Noted down elsewhere, they show later that nothing was cut
        off behind it.
    """

    path: str = msgspec.field(name="archivo")
    written: int = msgspec.field(name="escritas")
    waiting: int = msgspec.field(name="en_espera")
    lost: int = msgspec.field(name="perdidas")
    last: str = msgspec.field(name="ultima")
    digest: str = msgspec.field(name="huella")


class AuditLog:
    """The log of what was decided: one chained JSON line per decision.

    Nothing happens before the first decision. Then one thread writes, and each process has a
    file of its own: the first one `path`, others that path with ``-2``, ``-3`` and so on. Full
    files are kept under a number, and the files are readable for their owner only.

    The log is closed at the end of the process, on SIGTERM too where the program has no handler
    of its own and the log was made in the main thread. It is safe for threads and for forks.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    values : {"full", "hash", "none"}
        What to keep of an applicant's values. Fields that name a person are never kept.
    key : str or bytes, optional
        Keys the chain, so that who lacks it can't forge a line, and the hashes of values.
    durable : bool
        Whether `append` waits for the disk.
    eager : bool
        Whether `append` itself makes the lines, some at a time, and leaves the interpreter to the writer
        for a moment (1 ms at most) when there is something to write: for event loops, with which a
        busy writer would compete for the interpreter.
    queue_size : int
        Decisions that may wait in memory; what comes above is lost and counted.
    buffer_size : int
        Decisions after which they are written.
    flush_interval : float
        Seconds after which they are written in any case.
    rotation_size : int, optional
        Bytes after which a file is full; None for never.
    timeout : float
        Seconds that a durable `append` waits at most.
    on_alert : callable, optional
        Receives an alert when it opens and when it closes, in the writer's thread. By
        default they go to the logger ``morosidad.audit``.
    usage : callable, optional
        Gives the memory and the CPU in use, in percent, once per batch. By default the machine's.
    now : callable
        Gives the time in seconds since 1970.

    Raises
    ------
    SettingsError
        A parameter is out of range, or ``values="hash"`` lacks its key.
    """

    _in_hand: int  # taken from the queue, and not in the file yet
    _lost: int

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        values: Values = "full",
        key: str | bytes | None = None,
        durable: bool = False,
        eager: bool = False,
        queue_size: int = 10_000,
        buffer_size: int = 100,
        flush_interval: float = 10.0,
        rotation_size: int | None = 10 * 2**20,
        timeout: float = 0.5,
        on_alert: Callable[[Alert], object] | None = None,
        usage: Callable[[], Usage] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        checks = {
            "values: expected full, hash or none": values in ("full", "hash", "none"),
            'key: expected one, for values="hash"': bool(key) or values != "hash",
            "queue_size: expected 1 or more": queue_size >= 1,
            "buffer_size: expected 1 or more": buffer_size >= 1,
            "flush_interval: expected above 0 s": flush_interval > 0,
            "rotation_size: expected 1 byte or more, or None": rotation_size is None or rotation_size >= 1,
            "timeout: expected above 0 s": timeout > 0,
        }
        if not all(checks.values()):
            raise SettingsError([problem for problem, fine in checks.items() if not fine])
        secret = (key.encode() if isinstance(key, str) else key) or None
        self._encoder = LineEncoder(values, secret)
        self._new_file = partial(
            ChainedFile, Path(path), rotation_size=rotation_size, key=secret, durable=durable
        )
        self._durable = durable
        self._eager = eager
        self._queue_size = queue_size
        self._buffer_size = min(buffer_size, queue_size)
        self._flush_interval = flush_interval
        self._timeout = timeout
        self._on_alert = on_alert
        self._usage = usage or MachineUsage(now)
        self._now = now
        self._prepare()
        self._lifetime = Lifetime(self.close, self._after_fork)

    @property
    def durable(self) -> bool:
        """Whether `append` waits for the disk."""
        return self._durable

    def bind(
        self, context: AuditContext
    ) -> Callable[[DecisionLike, Sequence[Any] | Mapping[str, Any], float], bool]:
        """Return `append` for one model: a callable of the decision, its values and its seconds."""
        return partial(self.append, context)

    def append(
        self,
        context: AuditContext,
        decision: DecisionLike,
        values: Sequence[Any] | Mapping[str, Any],
        seconds: float,
    ) -> bool:
        """Log a decision. Never raises, and never waits: but for the disk if durable, for 1 ms if eager.

        What is handed over may be encoded later, in the writer's thread, so it must not change.

        Parameters
        ----------
        context : AuditContext
            The model that decided.
        decision : DecisionLike
            What it decided.
        values : sequence or mapping
            The validated values: one per field of the context, or by field.
        seconds : float
            How long the decision took.

        Returns
        -------
        bool
            True when it was taken; in a durable log, when it is on the disk. False when it is
            lost, or in a durable log when it waits in memory for the disk to work again.
        """
        ticket = Ticket() if self._durable else None
        item: Item = (context, decision, values, seconds, self._now(), ticket)
        with self._lock:
            waiting = len(self._queue) + self._in_hand + 1
            if self._closed or waiting > self._queue_size:
                self._lost += 1
                return False
            self._queue.append(item)
        if self._writer is None:
            self._start()
        if ticket is not None:
            self._wake.set()
            return not self._recorder.failing and ticket.wait(self._timeout)
        if self._eager and len(self._queue) >= _AT_ONCE:
            self._make_ahead()
        if waiting % self._buffer_size == 0:
            self._idle.clear()
            self._wake.set()
            if self._eager and not self._recorder.failing:
                self._idle.wait(_WAY)
        return True

    def flush(self) -> bool:
        """Write what waits in memory, in the caller's thread; tell whether that worked."""
        self._drain()
        return not self._recorder.failing

    def close(self) -> None:
        """Write what waits in memory and close the file. Idempotent.

        Decisions that can't be written even now are lost and counted.
        """
        with self._lock:
            self._closed = True
            writer = self._writer
        self._closing.set()
        self._wake.set()
        if writer is not None and writer is not threading.current_thread():
            writer.join()
        self._drain()
        with self._lock:
            self._lost += len(self._queue) + self._in_hand
            self._queue.clear()
            self._ahead, self._in_hand = Batch(), 0
        self._note_losses()
        self._board.send()
        with self._io:
            self._file.close()
        self._lifetime.forget()

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are open now, oldest first."""
        self._note_losses()
        return self._board.active()

    def stats(self) -> AuditStats:
        """Tell how the log stands."""
        last = self._file.last
        with self._lock:
            return AuditStats(
                path=str(self._file.path),
                written=self._written,
                waiting=len(self._queue) + self._in_hand,
                lost=self._lost,
                last=last.id if last else "",
                digest=last.digest if last else GENESIS,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        self._lock = threading.Lock()  # the queue and the counters
        self._making = threading.Lock()  # the lines made ahead
        self._io = threading.Lock()  # the file
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._closing = threading.Event()
        self._board = AlertBoard(self._on_alert, self._now)
        self._file = self._new_file()
        self._recorder = Recorder(self._file, self._encoder, self._board, self._usage, self._now)
        self._writer: threading.Thread | None = None
        self._closed = False
        self._queue: list[Item] = []
        self._ahead = Batch()  # older than what is in the queue
        self._in_hand = self._written = self._lost = self._declared = self._settled = 0

    def _after_fork(self) -> None:
        """Start anew in a forked child: what waits in memory is the parent's to write."""
        self._file.close()
        self._prepare()

    def _start(self) -> None:
        with self._lock:
            if self._writer is not None or self._closed:
                return
            writer = threading.Thread(target=self._run, name="morosidad-audit", daemon=True)
            try:
                writer.start()
            except RuntimeError:
                return  # no thread to be had: `close` writes what has come in
            self._writer = writer
        self._lifetime.watch_exit()

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._recorder.failing:
                self._closing.wait(RETRY_SECONDS)
            else:
                self._wake.wait(self._flush_interval)
            self._wake.clear()
            self._drain(self._buffer_size if self._eager else 1)
            self._idle.set()

    def _make_ahead(self) -> None:
        """Make the lines of what came last, unless somebody is about it or writing fails."""
        if self._recorder.failing or not self._making.acquire(blocking=False):
            return
        try:
            if len(self._ahead) < _BATCH:
                self._recorder.encode(self._next(_AT_ONCE), self._ahead)
        finally:
            self._making.release()

    def _next(self, number: int) -> list[Item]:
        """Take decisions out of the queue, into one's hands."""
        with self._lock:
            items = self._queue[:number]
            del self._queue[:number]
            self._in_hand += len(items)
        return items

    def _take(self) -> Batch:
        """Take what was made ahead, chained behind the last line, and what waits behind it."""
        with self._making:
            batch = self._ahead
            if batch.sealed is None or batch.sealed.behind != self._file.last:
                batch.seal(self._file.begin())
            self._recorder.encode(self._next(_BATCH), batch)
            self._ahead = Batch(self._file.begin(batch.sealed))
        return batch

    def _drain(self, enough: int = 1) -> None:
        """Write a batch, and go on while `enough` decisions wait."""
        with self._io:
            while self._write_batch() and len(self._queue) + self._in_hand >= enough:
                pass
            if self._lost > self._declared and not self._recorder.failing:
                self._write_batch()  # once: what is lost meanwhile can wait
        self._board.send()

    def _write_batch(self) -> bool:
        """Write a batch; False when there is nothing left to write, or writing fails."""
        batch = self._take()
        with self._lock:
            lost = self._lost - self._declared
        if not len(batch) and not lost:
            return False
        self._note_losses()
        written = self._recorder.record(batch, lost)
        with self._lock:
            self._in_hand -= written + batch.unreadable
            self._written += written
            self._lost += batch.unreadable
            if not self._recorder.failing:
                self._declared += lost
            self._settle_losses()
        if batch.tickets:
            self._put_back(batch)
        return not self._recorder.failing

    def _put_back(self, batch: Batch) -> None:
        """Let decisions that could not be written wait in front of all that came after them."""
        batch.unreadable = 0  # those are counted
        with self._making:
            batch.join(self._ahead)
            self._ahead = batch

    def _note_losses(self) -> None:
        with self._lock:  # until the alert is open, so that it can't be closed before
            if self._lost > self._declared:
                lost = self._lost - self._settled
                self._board.update(*DECISIONS_LOST.fill(number=lost))

    def _settle_losses(self) -> None:
        """Close the alert when all losses are declared in the log; with the lock in hand."""
        lost = self._declared - self._settled
        if lost and self._declared == self._lost:
            self._board.settle(*DECISIONS_DECLARED_LOST.fill(number=lost))
            self._settled = self._declared
