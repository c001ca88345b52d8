"""From decisions to lines in the file: what fails on the way is kept, told, and tried again."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from morosidad.audit.alerts import AlertBoard
from morosidad.audit.chain import MAX_LINE
from morosidad.audit.file import ChainedFile
from morosidad.audit.lines import AuditContext, DecisionLike, LineEncoder
from morosidad.audit.usage import Usage

_FAULTS = {
    errno.ENOSPC: ("disco_lleno", "el disco está lleno"),
    errno.EDQUOT: ("disco_lleno", "la cuota del disco está agotada"),
    errno.ENOENT: ("sin_carpeta", "la carpeta no existe"),
    errno.ENOTDIR: ("sin_carpeta", "la carpeta no existe"),
    errno.EACCES: ("sin_permiso", "no hay permiso para escribir"),
    errno.EPERM: ("sin_permiso", "no hay permiso para escribir"),
    errno.EROFS: ("sin_permiso", "el disco es de solo lectura"),
}
_FAULT_CODES = {code for code, _ in _FAULTS.values()} | {"sin_escritura"}


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


class Recorded(NamedTuple):
    """What became of a batch."""

    written: int
    unreadable: int
    left: Sequence[Item]


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

    def record(self, items: Sequence[Item], lost: int) -> Recorded:
        """Write decisions, and behind them how many were lost."""
        lines = self._encode(items)
        unreadable = len(items) - len(lines)
        done = 0
        try:
            self._write_findings()
            while done < len(lines):
                count = self._file.write([body for body, _ in lines[done:]])
                for _, item in lines[done : done + count]:
                    _resolve(item, True)
                done += count
            if lost:
                self._file.write([self._encoder.event("perdidas", lost, self._now())])
        except Exception as error:
            left = [item for _, item in lines[done:]]
            self._fail(error, left)
        else:
            left = []
            self._succeed()
        return Recorded(done, unreadable, left)

    def _encode(self, items: Sequence[Item]) -> list[tuple[bytes, Item]]:
        usage = self._sample_usage()
        lines = []
        for item in items:
            context, decision, values, seconds, when, _ = item
            try:
                body = self._encoder.decision(context, decision, values, seconds, when, usage)
            except Exception:  # whatever a decision-like object raises
                body = b""
            if 0 < len(body) <= MAX_LINE - 512:
                lines.append((body, item))
            else:
                _resolve(item, False)
        return lines

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
                self._board.open(
                    "lineas_faltantes", "critical", f"faltan {amount} líneas que ya estaban escritas"
                )
            else:
                self._board.open(
                    "lineas_cortadas", "warning", f"se cortó una línea a medio escribir ({amount} bytes)"
                )
                self._board.close("lineas_cortadas")

    def _fail(self, error: Exception, left: Sequence[Item]) -> None:
        self.failing = True
        number = error.errno if isinstance(error, OSError) else None
        code, reason = _FAULTS.get(number or 0, ("sin_escritura", type(error).__name__))
        self._board.close(*(_FAULT_CODES - {code}))
        self._board.open(code, "critical", f"no se puede escribir el registro de decisiones: {reason}")
        for item in left:  # they stay in memory, and nobody waits for them
            _resolve(item, False)

    def _succeed(self) -> None:
        self.failing = False
        self._board.close(*_FAULT_CODES)
        if self._file.rotation_error is None:
            self._board.close("sin_rotacion")
        else:
            self._board.open(
                "sin_rotacion", "warning", "no se puede empezar un archivo nuevo; sigue el mismo"
            )


def _resolve(item: Item, on_disk: bool) -> None:
    ticket = item[5]
    if ticket is not None:
        ticket.resolve(on_disk)
