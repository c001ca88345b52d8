"""AuditLog: the decision log, an append-only hash chain written by one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from morosidad.alerts import Alert
from morosidad.audit.chain.compression import Compression, check_compression
from morosidad.audit.chain.file import ChainedFile
from morosidad.audit.chain.hashing import GENESIS
from morosidad.audit.encoding import LineEncoder, LoggedValues
from morosidad.audit.erasure.forgetting import forget
from morosidad.audit.erasure.key_file import key_path
from morosidad.audit.erasure.retention import Retention
from morosidad.audit.erasure.sealing import Sealer
from morosidad.audit.lines import AuditContext
from morosidad.audit.protocols import DecisionLike
from morosidad.audit.table import DecisionTable
from morosidad.audit.usage import MachineUsage, Usage
from morosidad.audit.writing.anchors import anchor_target
from morosidad.audit.writing.arguments import wrong_files, wrong_values, wrong_waiting
from morosidad.audit.writing.batch import Acknowledgement, LogItem
from morosidad.audit.writing.queue import DecisionQueue
from morosidad.errors import Overloaded, SettingsError
from morosidad.languages import Language
from morosidad.processes.paths import absolute

if TYPE_CHECKING:
    import pandas as pd

_YIELD_SECONDS = 0.001  # the longest that `append` leaves the interpreter to the writer, where it encodes

OnFull = Literal["wait", "error", "drop"]


class AuditStats(msgspec.Struct, frozen=True):
    """Statistics of the log, and its last line.

    Attributes
    ----------
    path : str
        The file of this process.
    written, waiting, lost : int
        Decisions in the file, in memory, and in neither.
    last, digest : str
        Id and digest of the last line. Noted down elsewhere, they show that nothing was cut off behind it.
    anchors, anchor_failures : int
        Anchors that were sent, and that could not be.
    """

    path: str = msgspec.field(name="archivo")
    written: int = msgspec.field(name="escritas")
    waiting: int = msgspec.field(name="en_espera")
    lost: int = msgspec.field(name="perdidas")
    last: str = msgspec.field(name="ultima")
    digest: str = msgspec.field(name="huella")
    anchors: int = msgspec.field(name="anclas", default=0)
    anchor_failures: int = msgspec.field(name="anclas_fallidas", default=0)


class AuditLog(DecisionQueue):
    """The audit log of decisions: one hash-chained JSON line per decision.

    Nothing happens before the first decision. Then one thread writes, and each process has a
    file of its own: the first one `path`, others that path with ``-2``, ``-3`` and so on. Full
    files are kept under a number, and the files are readable for their owner only.

    The log is closed at the end of the process, on SIGTERM too where the program has no handler
    of its own and the log was made in the main thread. It is safe for threads and for forks.

    Parameters
    ----------
    path : path
        The file; its folder must exist. A relative one is resolved now; a folder, a pipe or a device,
        as ``/dev/stdout``, is refused: the chain is read again from its file.
    values : {"full", "hash", "none"}, default='full'
        What to keep of an applicant's values. Fields that name a person are never kept.
    key : str or bytes, optional
        Keys the chain, so that who lacks it can't forge a line, and the hashes of values.
    durable : bool, default=False
        Whether `append` waits for the disk.
    encode_in_caller : bool, default=False
        Whether `append` itself encodes the lines, some at a time, and leaves the interpreter to the writer
        for a moment (1 ms at most) when there is something to write: for event loops, with which a
        busy writer would compete for the interpreter.
    queue_size : int, default=10000
        Decisions that may wait in memory.
    on_full : {"wait", "error", "drop"}, default='wait'
        What `append` does when that many wait: it waits for room, and counts the decision as lost when there
        is none within `wait_limit`; or it waits likewise, and then raises `Overloaded`; or it counts the
        decision as lost at once.
    wait_limit : float, default=10.0
        Seconds that `append` waits for room at most, and that all callers together wait for a file into
        which nothing can be written.
    buffer_size : int, default=100
        Decisions after which they are written.
    flush_interval : float, default=10.0
        Seconds after which they are written in any case.
    rotation_size : int, optional
        Bytes after which a file is full; None for never.
    keep_files, keep_days : number, optional
        How many full files are kept, and for how many days after their last line; by default all of them,
        for ever. What goes is checked first, and a signed stub says what it was.
    compress : {"gz", "zst"}, optional
        How full files are compressed; zst needs the extra ``zstd``.
    erasure : bool, default=False
        Whether the values of each decision are encrypted with a key of its own, in the file ``.keys`` beside
        the log, so that `forget` can erase them; with ``values="full"``. It needs the extra ``erasure``.
    timeout : float, default=0.5
        Seconds that a durable `append` waits at most.
    on_alert : callable, optional
        Receives an alert when it opens and when it closes, in a thread of the log's. By default they go to
        the logger ``morosidad.audit``.
    usage : callable, optional
        Gives the memory and the CPU in use, in percent, once per batch. By default the machine's.
    now : callable, optional
        Gives the time in seconds since 1970.
    language : {'es', 'en', 'pt'}, default='es'
        Of the alerts.
    anchor : str, optional
        Where the digest of the last line goes: a file, ``syslog+tcp://host:514``, ``https://host/path``.
    anchor_interval : float, default=60.0
        Seconds between two of them.

    Raises
    ------
    SettingsError
        A parameter is out of range, or ``values="hash"`` lacks its key.
    MissingExtra
        ``compress="zst"`` or `erasure` lacks its library.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        values: LoggedValues = "full",
        key: str | bytes | None = None,
        durable: bool = False,
        encode_in_caller: bool = False,
        queue_size: int = 10_000,
        on_full: OnFull = "wait",
        wait_limit: float = 10.0,
        buffer_size: int = 100,
        flush_interval: float = 10.0,
        rotation_size: int | None = 10 * 2**20,
        keep_files: int | None = None,
        keep_days: float | None = None,
        compress: Compression | None = None,
        erasure: bool = False,
        timeout: float = 0.5,
        on_alert: Callable[[Alert], object] | None = None,
        usage: Callable[[], Usage] | None = None,
        now: Callable[[], float] = time.time,
        language: Language = "es",
        anchor: str | None = None,
        anchor_interval: float = 60.0,
    ) -> None:
        wrong = [
            *wrong_values(values, key, erasure),
            *wrong_waiting(queue_size, on_full, wait_limit, buffer_size, flush_interval, timeout),
            *([] if anchor_interval > 0 else ["anchor_interval: expected above 0 s"]),
            *wrong_files(path, rotation_size, keep_files, keep_days, compress),
        ]
        if wrong:
            raise SettingsError(wrong)
        place = absolute(path)
        secret = (key.encode() if isinstance(key, str) else key) or None
        check_compression(compress)
        self._sealer = Sealer(key_path(place), durable=durable) if erasure else None
        tidy = Retention(keep_files, keep_days, compress, secret, now)
        super().__init__(
            partial(ChainedFile, place, rotation_size=rotation_size, key=secret, durable=durable, tidy=tidy),
            LineEncoder(values, secret, self._sealer),
            encode_in_caller=encode_in_caller,
            buffer_size=min(buffer_size, queue_size),
            flush_interval=flush_interval,
            on_alert=on_alert,
            usage=usage or MachineUsage(now),
            now=now,
            language=language,
            anchor=None if anchor is None else (anchor_target(anchor), anchor_interval),
        )
        self._durable = durable
        self._queue_size = queue_size
        self._on_full = on_full
        self._wait_limit = 0.0 if on_full == "drop" else wait_limit
        self._timeout = timeout

    @property
    def durable(self) -> bool:
        """Whether `append` waits for the disk."""
        return self._durable

    def bind(
        self, context: AuditContext
    ) -> Callable[[DecisionLike, Sequence[Any] | Mapping[str, Any], float], bool]:
        """Return `append` for one model.

        Parameters
        ----------
        context : AuditContext
            The model that decides.

        Returns
        -------
        callable
            Takes the decision, its values and its seconds, as `append`.
        """
        return partial(self.append, context)

    def append(
        self,
        context: AuditContext,
        decision: DecisionLike,
        values: Sequence[Any] | Mapping[str, Any],
        seconds: float,
    ) -> bool:
        """Log a decision; wait for room if the queue is full, and for the disk if durable.

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

        Raises
        ------
        Overloaded
            There was no room in time, and the log is one with ``on_full="error"``.
        """
        acknowledgement = Acknowledgement() if self._durable else None
        item: LogItem = (context, decision, values, seconds, self._now(), acknowledgement)
        with self._lock:
            waiting = len(self._queue) + self._unwritten + 1
            if self._closed or waiting > self._queue_size:
                waiting = self._wait_for_room(self._queue_size, self._wait_limit)
            if waiting:
                self._queue.append(item)
            else:
                self._lost += 1
        if not waiting:
            if self._on_full == "error" and not self._closed:
                raise Overloaded("the decision log is full: the decision was not logged")
            return False
        if self._writer is None:
            self._start()
        if acknowledgement is not None:
            self._wake.set()
            return not self._log_writer.failing and acknowledgement.wait(self._timeout)
        if self._encodes_in_caller:
            self._encode_in_caller()
        if waiting % self._buffer_size == 0:
            self._idle.clear()
            self._wake.set()
            if self._encodes_in_caller and not self._log_writer.failing:
                self._idle.wait(_YIELD_SECONDS)
        return True

    def append_many(self, context: AuditContext, table: DecisionTable) -> bool:
        """Log many decisions at once; as `append`, but encoded column by column in the caller's thread.

        Parameters
        ----------
        context : AuditContext
            The model that decided.
        table : DecisionTable
            What it decided. All of them are in memory as lines for a moment: best some thousands at a time.

        Returns
        -------
        bool
            Whether `append` would have returned True for every one of them.

        Raises
        ------
        Overloaded
            There was no room for all in time, and the log is one with ``on_full="error"``.
        """
        bodies = self._log_writer.encode_table(context, table)
        written, place = True, 0
        while place < len(bodies):
            acknowledgement = Acknowledgement() if self._durable else None
            with self._lock:
                waiting = len(self._queue) + self._unwritten + 1
                if self._closed or waiting > self._queue_size:
                    waiting = self._wait_for_room(self._queue_size, self._wait_limit)
                taken = bodies[place : place + self._queue_size - waiting + 1] if waiting else []
                self._queue += [(body, None) for body in taken[:-1]]
                self._queue += [(body, acknowledgement) for body in taken[-1:]]
                self._lost += 0 if taken else len(bodies) - place
            if not taken:
                if self._on_full == "error" and not self._closed:
                    left = len(bodies) - place
                    raise Overloaded(f"the decision log is full: {left} decisions were not logged")
                return False
            place += len(taken)
            if self._writer is None:
                self._start()
            self._wake.set()
            if acknowledgement is not None:
                written &= not self._log_writer.failing and acknowledgement.wait(self._timeout)
        return written

    def forget(self, request_id: str) -> int:
        """Erase the values of the decisions on a request: write what waits in memory, and destroy their keys.

        Parameters
        ----------
        request_id : str
            The id of the request.

        Returns
        -------
        int
            How many decisions lost their values. The lines stay, and the chain stays valid.

        Raises
        ------
        SettingsError
            The log was made without ``erasure=True``.
        OSError
            The keys can't be written.
        """
        if self._sealer is None:
            raise SettingsError(["erasure: expected True, to forget a request"])
        self.flush()
        return forget(self._file.path, request_id)

    def frame(self, *, keys: str | PathLike[str] | None = None) -> pd.DataFrame:
        """Write what waits in memory, and read the decisions of this process's file and its older ones.

        Parameters
        ----------
        keys : path, optional
            The file with the keys of values that may be erased; by default the one beside the log.

        Returns
        -------
        DataFrame
            As `morosidad.audit.frame` gives it. `LogTable` reads a long log piece by piece.

        Raises
        ------
        OSError
            Nothing was logged yet, or the file can't be read.
        """
        from morosidad.audit.export.frames import frame

        self.flush()
        return frame(self._file.path, keys=keys)

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are open now, oldest first.

        Returns
        -------
        tuple of Alert
        """
        self._update_loss_alert()
        return self._notifier.active()

    def stats(self) -> AuditStats:
        """Return the counts of the log and its last line.

        Returns
        -------
        AuditStats
        """
        last = self._file.last
        with self._lock:
            return AuditStats(
                path=str(self._file.path),
                written=self._written,
                waiting=len(self._queue) + self._unwritten,
                lost=self._lost,
                last=last.id if last else "",
                digest=last.digest if last else GENESIS,
                anchors=self._anchors.sent if self._anchors else 0,
                anchor_failures=self._anchors.failures if self._anchors else 0,
            )
