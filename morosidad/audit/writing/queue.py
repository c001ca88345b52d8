"""A bounded queue of decisions with one writer thread behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from morosidad.alerts import DECISIONS_DECLARED_LOST, DECISIONS_LOST, Alert
from morosidad.audit.alerts import AlertNotifier
from morosidad.audit.chain.file import ChainedFile
from morosidad.audit.encoding import LineEncoder
from morosidad.audit.usage import Usage
from morosidad.audit.writing.anchors import AnchorSender, Send
from morosidad.audit.writing.batch import LineBatch, LogItem
from morosidad.audit.writing.process_hooks import ProcessHooks
from morosidad.audit.writing.writer import LogWriter
from morosidad.languages import Language, check_language
from morosidad.processes.forking import renew_after_fork

RETRY_SECONDS = 1.0
_BATCH_SIZE = 1000
# Decisions that `append` encodes at a time: in one go each takes half the time.
_ENCODE_CHUNK = 32


class DecisionQueue:
    """The queue, the thread and the counts behind `AuditLog`, which describes the parameters.

    The queue is filled by `AuditLog.append`, which waits here for room.
    """

    _unwritten: int  # taken from the queue, and not in the file yet
    _lost: int

    def __init__(
        self,
        new_file: Callable[[], ChainedFile],
        encoder: LineEncoder,
        *,
        encode_in_caller: bool,
        buffer_size: int,
        flush_interval: float,
        on_alert: Callable[[Alert], object] | None,
        usage: Callable[[], Usage],
        now: Callable[[], float],
        language: Language = "es",
        anchor: tuple[Send, float] | None = None,
    ) -> None:
        self._anchor = anchor
        self._language: Language = check_language(language)
        self._new_file = new_file
        self._encoder = encoder
        self._encodes_in_caller = encode_in_caller
        self._buffer_size = buffer_size
        self._flush_interval = flush_interval
        self._on_alert = on_alert
        self._usage = usage
        self._now = now
        self._init_state()
        renew_after_fork(self)
        self._process_hooks = ProcessHooks(self.close)

    def flush(self) -> bool:
        """Write what waits in memory, in the caller's thread; return whether that worked.

        Returns
        -------
        bool
        """
        self._drain()
        return not self._log_writer.failing

    def close(self) -> None:
        """Write what waits in memory and close the file. Idempotent.

        Decisions that can't be written even now are lost and counted.
        """
        with self._lock:
            self._closed = True
            self._room.notify_all()
            writer = self._writer
        self._closing.set()
        self._wake.set()
        if writer is not None and writer is not threading.current_thread():
            writer.join()
        self._drain()
        with self._lock:
            self._lost += len(self._queue) + self._unwritten
            self._queue.clear()
            self._encoded, self._unwritten = LineBatch(), 0
        self._update_loss_alert()
        self._notifier.send()
        if self._anchors is not None:
            self._anchors.close()
        with self._io:
            self._file.close()
        self._process_hooks.unregister()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _init_state(self) -> None:
        self._lock = threading.Lock()  # the queue and the counters
        self._room = threading.Condition(self._lock)  # for who waits until the queue is shorter
        self._full_since: float | None = None  # and nothing was written from then on
        self._encoding = threading.Lock()  # the lines made ahead
        self._io = threading.Lock()  # the file
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._closing = threading.Event()
        self._notifier = AlertNotifier(self._on_alert, self._now, self._language)
        self._file = self._new_file()
        self._anchors = None if self._anchor is None else self._new_sender(*self._anchor)
        self._log_writer = LogWriter(self._file, self._encoder, self._notifier, self._usage, self._now)
        self._writer: threading.Thread | None = None
        self._closed = False
        self._queue: list[LogItem] = []
        self._encoded = LineBatch()  # older than what is in the queue
        self._unwritten = self._written = self._lost = self._declared = self._closed_losses = 0

    def _new_sender(self, send: Send, interval: float) -> AnchorSender:
        return AnchorSender(send, interval, lambda: self._file.path.name, self._notifier, self._now)

    def _after_fork(self) -> None:
        """Start anew in a forked child: what waits in memory is the parent's to write."""
        closed = self._closed
        self._file.close()
        self._init_state()
        self._closed = closed

    def _wait_for_room(self, size: int, limit: float) -> int:
        """Wait until fewer decisions than `size` wait, with the lock in hand.

        A file into which nothing can be written delays all callers together by `limit`, not each of them.

        Returns
        -------
        int
            How many will wait with the caller's; 0 when there is no room in time.
        """
        began = time.monotonic()
        while not self._closed:
            waiting = len(self._queue) + self._unwritten + 1
            if waiting <= size:
                return waiting
            if self._full_since is None:
                self._full_since = time.monotonic()
            left = min(began, self._full_since) + limit - time.monotonic()
            if left <= 0 or self._writer is threading.current_thread():
                break  # the writer itself would wait in vain
            self._wake.set()
            if self._writer is not None or not self._write_without_thread():
                self._room.wait(min(left, RETRY_SECONDS))
        return 0

    def _write_without_thread(self) -> bool:
        """Start the writer, or write in its place where no thread is to be had, with the lock free."""
        self._lock.release()
        try:
            self._start()
            return self._writer is None and self.flush()
        finally:
            self._lock.acquire()

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
        self._process_hooks.watch_exit()

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._log_writer.failing:
                self._closing.wait(RETRY_SECONDS)
            else:
                self._wake.wait(self._flush_interval)
            self._wake.clear()
            self._drain(self._buffer_size if self._encodes_in_caller else 1)
            self._idle.set()

    def _encode_in_caller(self) -> None:
        """Encode a chunk of decisions, unless another thread does or writing fails."""
        if len(self._queue) < _ENCODE_CHUNK or self._log_writer.failing:
            return
        if not self._encoding.acquire(blocking=False):
            return
        try:
            if len(self._encoded) < _BATCH_SIZE:
                self._log_writer.encode(self._take_items(_ENCODE_CHUNK), self._encoded)
        finally:
            self._encoding.release()

    def _take_items(self, number: int) -> list[LogItem]:
        """Take decisions out of the queue, which count as unwritten from now on."""
        with self._lock:
            items = self._queue[:number]
            del self._queue[:number]
            self._unwritten += len(items)
        return items

    def _take_batch(self) -> LineBatch:
        """Take the encoded batch, chained behind the last line, and add what waits in the queue."""
        with self._encoding:
            batch = self._encoded
            if batch.chained is None or batch.chained.behind != self._file.last:
                batch.chain(self._file.begin())
            self._log_writer.encode(self._take_items(_BATCH_SIZE), batch)
            self._encoded = LineBatch(self._file.begin(batch.chained))
        return batch

    def _drain(self, enough: int = 1) -> None:
        """Write a batch, and go on while `enough` decisions wait."""
        with self._io:
            while self._write_batch() and len(self._queue) + self._unwritten >= enough:
                pass
            if self._lost > self._declared and not self._log_writer.failing:
                self._write_batch()  # once: what is lost meanwhile can wait
        self._notifier.send()

    def _write_batch(self) -> bool:
        """Write a batch; False when there is nothing left to write, or writing fails."""
        batch = self._take_batch()
        with self._lock:
            lost = self._lost - self._declared
        if not len(batch) and not lost:
            return False
        self._update_loss_alert()
        written = self._log_writer.record(batch, lost)
        with self._lock:
            self._unwritten -= written + batch.unreadable
            if written or batch.unreadable:
                self._full_since = None
                self._room.notify_all()
            self._written += written
            self._lost += batch.unreadable
            if not self._log_writer.failing:
                self._declared += lost
            self._close_loss_alert()
        if written and self._anchors is not None and self._file.last is not None:
            self._anchors.offer(self._file.last)
        if batch.acknowledgements:
            self._put_back(batch)
        return not self._log_writer.failing

    def _put_back(self, batch: LineBatch) -> None:
        """Let decisions that could not be written wait in front of all that came after them."""
        batch.unreadable = 0  # those are counted
        with self._encoding:
            batch.join(self._encoded)
            self._encoded = batch

    def _update_loss_alert(self) -> None:
        with self._lock:  # until the alert is open, so that it can't be closed before
            if self._lost > self._declared:
                lost = self._lost - self._closed_losses
                self._notifier.update(*DECISIONS_LOST.fill(number=lost))

    def _close_loss_alert(self) -> None:
        """Close the alert when all losses are declared in the log; with the lock in hand."""
        lost = self._declared - self._closed_losses
        if lost and self._declared == self._lost:
            self._notifier.close_with(*DECISIONS_DECLARED_LOST.fill(number=lost))
            self._closed_losses = self._declared
