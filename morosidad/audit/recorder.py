"""From decisions to lines in the file: what fails on the way is kept, told, and tried again."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from morosidad.alerts import (
    LOG_DISK_FULL,
    LOG_FOLDER_GONE,
    LOG_LINE_TORN,
    LOG_LINES_MISSING,
    LOG_NOT_PERMITTED,
    LOG_NOT_ROTATED,
    LOG_NOT_WRITTEN,
)
from morosidad.audit.alerts import AlertBoard
from morosidad.audit.chain import MAX_LINE, body_of
from morosidad.audit.file import ChainedFile, Sealed
from morosidad.audit.lines import AuditContext, DecisionLike, LineEncoder
from morosidad.audit.usage import Usage

_FAULTS = {
    errno.ENOSPC: (LOG_DISK_FULL, "el disco está lleno"),
    errno.EDQUOT: (LOG_DISK_FULL, "la cuota del disco está agotada"),
    errno.ENOENT: (LOG_FOLDER_GONE, "la carpeta no existe"),
    errno.ENOTDIR: (LOG_FOLDER_GONE, "la carpeta no existe"),
    errno.EACCES: (LOG_NOT_PERMITTED, "no hay permiso para escribir"),
    errno.EPERM: (LOG_NOT_PERMITTED, "no hay permiso para escribir"),
    errno.EROFS: (LOG_NOT_PERMITTED, "el disco es de solo lectura"),
}
_FAULT_CODES = {alert.code for alert, _ in _FAULTS.values()} | {LOG_NOT_WRITTEN.code}


class Ticket:
    """What a durable `append` waits on."""

    __slots__ = ("_done", "_on_disk")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._on_disk = False

    def resolve(self, on_disk: bool) -> None:
        """Let the waiting `append` go on. One thread calls it, the first time counts."""
        if self._done.locked():
            self._on_disk = on_disk
            self._done.release()

    def wait(self, seconds: float) -> bool:
        """Wait until the line is on the disk; False when it isn't in time."""
        return self._done.acquire(timeout=seconds) and self._on_disk


# The model, the decision, the values, how long it took, when it was, and who waits for it.
Item = tuple[AuditContext, DecisionLike, Sequence[Any] | Mapping[str, Any], float, float, Ticket | None]


class Batch:
    """Decisions on their way into the file, encoded.

    Parameters
    ----------
    sealed : Sealed, optional
        Takes their lines, where they are sealed before they are written.

    Attributes
    ----------
    bodies : list of bytes
        What their lines will say, where they are not sealed yet.
    tickets : list of (Ticket or None)
        Who waits for each.
    unreadable : int
        How many decisions could not be encoded.
    """

    __slots__ = ("bodies", "sealed", "tickets", "unreadable")

    def __init__(self, sealed: Sealed | None = None) -> None:
        self.bodies: list[bytes] = []
        self.tickets: list[Ticket | None] = []
        self.unreadable: int = 0
        self.sealed = sealed

    def __len__(self) -> int:
        return len(self.tickets) + self.unreadable

    def add(self, body: bytes, ticket: Ticket | None) -> None:
        """Put a decision behind the others."""
        self.tickets.append(ticket)
        if self.sealed is None:
            self.bodies.append(body)
        else:
            self.sealed.add(body)

    def seal(self, sealed: Sealed | None) -> None:
        """Seal the lines, or seal them anew where they were sealed behind something else."""
        bodies = self.unseal()
        if sealed is not None:
            for body in bodies:
                sealed.add(body)
            self.sealed, self.bodies = sealed, []

    def unseal(self) -> list[bytes]:
        """Take the lines apart again, and give what they say."""
        if self.sealed is not None:
            self.bodies, self.sealed = [body_of(line) for line in self.sealed.lines], None
        return self.bodies

    def written(self, number: int) -> None:
        """Let go of the first lines: they are in the file."""
        _resolve(self.tickets[:number], True)
        del self.bodies[:number], self.tickets[:number]
        self.sealed = None  # those were all, where they were sealed

    def join(self, later: Batch) -> None:
        """Take the decisions of a later batch behind one's own."""
        self.unseal().extend(later.unseal())
        self.tickets += later.tickets
        self.unreadable += later.unreadable


class Recorder:
    """Writes batches of decisions into the chained file. Not safe for threads.

    Parameters
    ----------
    file : ChainedFile
        Where to.
    encoder : LineEncoder
        Makes the lines.
    board : AlertBoard
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
        board: AlertBoard,
        usage: Callable[[], Usage],
        now: Callable[[], float],
    ) -> None:
        self.failing: bool = False
        self._file = file
        self._encoder = encoder
        self._board = board
        self._usage = usage
        self._now = now
        self._events: dict[str, int] = {}

    def encode(self, items: Sequence[Item], batch: Batch) -> Batch:
        """Encode decisions, behind those of the batch."""
        usage = self._sample_usage()
        for context, decision, values, seconds, when, ticket in items:
            try:
                body = self._encoder.decision(context, decision, values, seconds, when, usage)
            except Exception:  # whatever a decision-like object raises
                body = b""
            if 0 < len(body) <= MAX_LINE - 512:
                batch.add(body, ticket)
            else:
                batch.unreadable += 1
                _resolve([ticket], False)
        return batch

    def record(self, batch: Batch, lost: int) -> int:
        """Write decisions, and behind them how many were lost; what can't be written stays in the batch.

        Returns
        -------
        int
            How many decisions are in the file now.
        """
        done = 0
        try:
            self._write_findings()
            while batch.tickets:
                count = self._write(batch)
                done += count
                batch.written(count)
            if lost:
                self._file.write([self._encoder.event("perdidas", lost, self._now())])
        except Exception as error:
            self._fail(error)
            _resolve(batch.tickets, False)  # they stay in memory, and nobody waits for them
        else:
            self._succeed()
        return done

    def _write(self, batch: Batch) -> int:
        """Write as much of a batch as the present file takes; give how many lines."""
        if batch.sealed is not None and self._file.takes(batch.sealed):
            self._file.write_sealed(batch.sealed)
            return len(batch.sealed.lines)
        return self._file.write(batch.unseal())

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
                self._board.open(*LOG_LINES_MISSING.fill(number=amount))
            else:
                self._board.open(*LOG_LINE_TORN.fill(number=amount))
                self._board.close(LOG_LINE_TORN.code)

    def _fail(self, error: Exception) -> None:
        self.failing = True
        number = error.errno if isinstance(error, OSError) else None
        fault, reason = _FAULTS.get(number or 0, (LOG_NOT_WRITTEN, type(error).__name__))
        self._board.close(*(_FAULT_CODES - {fault.code}))
        self._board.open(*fault.fill(reason=reason))

    def _succeed(self) -> None:
        self.failing = False
        self._board.close(*_FAULT_CODES)
        if self._file.rotation_error is None:
            self._board.close(LOG_NOT_ROTATED.code)
        else:
            self._board.open(*LOG_NOT_ROTATED.fill())


def _resolve(tickets: Sequence[Ticket | None], on_disk: bool) -> None:
    for ticket in tickets:
        if ticket is not None:
            ticket.resolve(on_disk)
