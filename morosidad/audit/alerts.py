"""What an operator must know about the log: alerts that open once and close once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import msgspec

_logger = logging.getLogger("morosidad.audit")


class AuditAlert(msgspec.Struct, frozen=True):
    """Something about the log that an operator must know.

    Attributes
    ----------
    code : str
        ``disco_lleno``, ``sin_carpeta``, ``sin_permiso`` or ``sin_escritura``: decisions wait in
        memory until writing works again. ``sin_rotacion``: the file grows beyond its size.
        ``decisiones_perdidas``: decisions that are not in the log. ``lineas_cortadas``: a crash
        left a torn line, which was cut off. ``lineas_faltantes``: lines that had been written are
        gone.
    level : str
        ``critical`` or ``warning``.
    message : str
        What happened, in Spanish.
    time : float
        When it began, in seconds since 1970.
    active : bool
        False once it is over.
    """

    code: str = msgspec.field(name="codigo")
    level: str = msgspec.field(name="tipo")
    message: str = msgspec.field(name="mensaje")
    time: float = msgspec.field(name="timestamp")
    active: bool = msgspec.field(name="activa", default=True)


class AlertBoard:
    """Holds the alerts that are open, and tells of each once when it opens and once when it closes."""

    def __init__(self, on_alert: Callable[[AuditAlert], object] | None, now: Callable[[], float]) -> None:
        self._on_alert = on_alert or _log
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[str, AuditAlert] = {}
        self._unsent: list[AuditAlert] = []

    def active(self) -> tuple[AuditAlert, ...]:
        """Return the open alerts, oldest first."""
        with self._lock:
            return tuple(self._open.values())

    def open(self, code: str, level: str, message: str) -> None:
        """Open an alert, unless it is open already."""
        with self._lock:
            if code not in self._open:
                self._open[code] = AuditAlert(code, level, message, self._now())
                self._unsent.append(self._open[code])

    def close(self, *codes: str) -> None:
        """Close alerts, as far as they are open."""
        with self._lock:
            for code in codes:
                if alert := self._open.pop(code, None):
                    self._unsent.append(msgspec.structs.replace(alert, active=False))

    def send(self) -> None:
        """Tell of what has opened and closed since the last time."""
        with self._lock:
            unsent, self._unsent = self._unsent, []
        for alert in unsent:
            try:
                self._on_alert(alert)
            except Exception as error:  # a listener's fault must not stop the writer
                _logger.error("on_alert raised %s", type(error).__name__)


def _log(alert: AuditAlert) -> None:
    level = (
        logging.INFO if not alert.active else logging.ERROR if alert.level == "critical" else logging.WARNING
    )
    _logger.log(level, "%s%s", "" if alert.active else "resuelto: ", alert.message)
