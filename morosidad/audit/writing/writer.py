"""The writer of decisions: encodes them, appends them to the chained file, and retries what failed."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from morosidad.alerts import (
    LOG_DISK_FULL,
    LOG_FOLDER_GONE,
    LOG_HEAD_MISSING,
    LOG_LINE_TORN,
    LOG_LINES_MISSING,
    LOG_NOT_PERMITTED,
    LOG_NOT_ROTATED,
    LOG_NOT_TIDIED,
    LOG_NOT_WRITTEN,
)
from morosidad.audit.alerts import AlertNotifier
from morosidad.audit.chain.file import ChainedFile
from morosidad.audit.chain.hashing import MAX_LINE
from morosidad.audit.encoding import LineEncoder
from morosidad.audit.lines import AuditContext
from morosidad.audit.table import DecisionTable
from morosidad.audit.usage import Usage
from morosidad.audit.writing.batch import LineBatch, LogItem, resolve_all
from morosidad.languages import Message, words
from morosidad.languages.catalogue import DEFAULT

_FAULTS = {
    errno.ENOSPC: (LOG_DISK_FULL, "disk_full"),
    errno.EDQUOT: (LOG_DISK_FULL, "quota"),
    errno.ENOENT: (LOG_FOLDER_GONE, "no_folder"),
    errno.ENOTDIR: (LOG_FOLDER_GONE, "no_folder"),
    errno.EACCES: (LOG_NOT_PERMITTED, "no_permission"),
    errno.EPERM: (LOG_NOT_PERMITTED, "no_permission"),
    errno.EROFS: (LOG_NOT_PERMITTED, "read_only"),
}
_FAULT_CODES = {alert.code for alert, _ in _FAULTS.values()} | {LOG_NOT_WRITTEN.code}


class LogWriter:
    """Writes batches of decisions into the chained file. Not safe for threads.

    Parameters
    ----------
    file : ChainedFile
        Where to.
    encoder : LineEncoder
        Makes the lines.
    notifier : AlertNotifier
        Where faults are shown.
    usage : callable
        Gives the memory and the CPU in use.
    now : callable
        Gives the time in seconds since 1970.
    """

    def __init__(
        self,
        file: ChainedFile,
        encoder: LineEncoder,
        notifier: AlertNotifier,
        usage: Callable[[], Usage],
        now: Callable[[], float],
    ) -> None:
        self.failing: bool = False
        self._file = file
        self._encoder = encoder
        self._notifier = notifier
        self._usage = usage
        self._now = now
        self._events: dict[str, int] = {}

    def encode(self, items: Sequence[LogItem], batch: LineBatch) -> LineBatch:
        """Encode decisions, behind those of the batch."""
        usage = self._sample_usage()
        for item in items:
            if len(item) == 2:
                body, acknowledgement = item
            else:
                context, decision, values, seconds, when, acknowledgement = item
                try:
                    body = self._encoder.decision(context, decision, values, seconds, when, usage)
                except Exception:  # whatever a decision-like object raises
                    body = b""
            if 0 < len(body) <= MAX_LINE - 512:
                batch.add(body, acknowledgement)
            else:
                batch.unreadable += 1
                resolve_all([acknowledgement], False)
        return batch

    def encode_table(self, context: AuditContext, table: DecisionTable) -> list[bytes]:
        """Encode many decisions."""
        return self._encoder.decisions(context, table, self._now(), self._sample_usage())

    def record(self, batch: LineBatch, lost: int) -> int:
        """Write decisions, and behind them how many were lost; what can't be written stays in the batch.

        Returns
        -------
        int
            How many decisions are in the file now.
        """
        done = 0
        try:
            self._write_findings()
            self._encoder.write_keys()
            while batch.acknowledgements:
                count = self._write(batch)
                done += count
                batch.written(count)
            if lost:
                self._file.write([self._encoder.event("perdidas", lost, self._now())])
        except Exception as error:
            self._fail(error)
            resolve_all(batch.acknowledgements, False)  # they stay in memory, and nobody waits for them
        else:
            self._succeed()
        return done

    def _write(self, batch: LineBatch) -> int:
        """Write as much of a batch as the present file takes; return how many lines."""
        if batch.chained is not None and self._file.takes(batch.chained):
            self._file.write_chained(batch.chained)
            return len(batch.chained.lines)
        return self._file.write(batch.unchain())

    def _sample_usage(self) -> Usage:
        try:
            return self._usage()
        except Exception:  # a line without it is better than none
            return None, None

    def _write_findings(self) -> None:
        self._events |= self._file.open()
        for event, amount in list(self._events.items()):
            self._file.write([self._encoder.event(event, amount, self._now())])
            del self._events[event]
            if event == "faltan":
                self._notifier.open(*LOG_LINES_MISSING.fill(number=amount))
            elif event == "sin_cabeza":
                self._notifier.open(*LOG_HEAD_MISSING.fill())
            else:
                self._notifier.open(*LOG_LINE_TORN.fill(number=amount))
                self._notifier.close(LOG_LINE_TORN.code)

    def _fail(self, error: Exception) -> None:
        self.failing = True
        number = error.errno if isinstance(error, OSError) else None
        fault, reason = _FAULTS.get(number or 0, (LOG_NOT_WRITTEN, type(error).__name__))
        self._notifier.close(*(_FAULT_CODES - {fault.code}))
        if reason in words(DEFAULT, "alerts"):
            reason = Message(DEFAULT, f"alerts.{reason}")
        self._notifier.open(*fault.fill(reason=reason))

    def _succeed(self) -> None:
        self.failing = False
        self._notifier.close(*_FAULT_CODES)
        if self._file.tidy_error is None:
            self._notifier.close(LOG_NOT_TIDIED.code)
        else:
            self._notifier.open(*LOG_NOT_TIDIED.fill(reason=type(self._file.tidy_error).__name__))
        if self._file.rotation_error is None:
            self._notifier.close(LOG_NOT_ROTATED.code)
        else:
            self._notifier.open(*LOG_NOT_ROTATED.fill())
