"""Notification of the log's alerts: once when each opens, and once when it closes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from morosidad.alerts import DECISIONS_LOST, Alert, AlertBook, AlertLevel
from morosidad.languages import Language, say

_logger = logging.getLogger("morosidad.audit")


class AlertNotifier:
    """Keeps the log's alerts and notifies a listener of those that have opened or closed.

    Parameters
    ----------
    on_alert : callable or None
        The listener; None for the logger ``morosidad.audit``.
    now : callable
        Gives the time in seconds since 1970.
    language : {'es', 'en', 'pt'}
        Of the messages.
    """

    def __init__(
        self,
        on_alert: Callable[[Alert], object] | None,
        now: Callable[[], float],
        language: Language = "es",
    ) -> None:
        self._on_alert = on_alert or partial(_log, language)
        self._book = AlertBook(wall=now, language=language)
        self._lock = threading.Lock()
        self._unsent: list[Alert] = []

    def active(self) -> tuple[Alert, ...]:
        """Return the open alerts, oldest first."""
        return self._book.active

    def open(self, code: str, level: AlertLevel, message: str) -> None:
        """Open an alert, unless it is open already."""
        self._set(code, True, level, message)

    def update(self, code: str, level: AlertLevel, message: str) -> None:
        """Open an alert, or give an open one a new message without a notification."""
        self._set(code, True, level, message)
        self._book.set(code, True, level, message)

    def close(self, *codes: str) -> None:
        """Close alerts, as far as they are open."""
        for code in codes:
            self._set(code, False, "info", "")

    def close_with(self, code: str, level: AlertLevel, message: str) -> None:
        """Close an open alert with a final message."""
        self._book.set(code, True, level, message)
        self.close(code)

    def send(self) -> None:
        """Notify the listener of what has opened and closed since the last call."""
        with self._lock:
            unsent, self._unsent = self._unsent, []
        for alert in unsent:
            try:
                self._on_alert(alert)
            except Exception as error:  # a listener's fault must not stop the writer
                _logger.error("on_alert raised %s", type(error).__name__)

    def _set(self, code: str, wrong: bool, level: AlertLevel, message: str) -> None:
        with self._lock:
            if wrong != any(alert.code == code for alert in self._book.active):
                self._book.set(code, wrong, level, message)
                self._unsent.append(next(a for a in reversed(self._book.history) if a.code == code))


def _log(language: Language, alert: Alert) -> None:
    if alert.closed is not None and alert.code == DECISIONS_LOST.code:
        _logger.warning("%s", alert.message)  # what was lost stays lost
    elif alert.closed is not None:
        _logger.info("%s", say(language, "alerts.resolved", message=alert.message))
    else:
        _logger.log(logging.ERROR if alert.level == "critical" else logging.WARNING, "%s", alert.message)
