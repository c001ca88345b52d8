"""The catalogue of alerts, the book in which they open and close, and thresholds with hysteresis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from morosidad.languages import Language, Message, check_language, say
from morosidad.languages.catalogue import DEFAULT, in_language
from morosidad.processes.forking import renew_after_fork

AlertLevel = Literal["info", "warning", "critical"]
LOG_PREFIX = "registro:"
"""What stands before the codes of the decision log where they meet those of a server."""


class AlertType(NamedTuple):
    """An entry of the catalogue of alerts.

    Attributes
    ----------
    code : str
        What it is about, as on the wire.
    level : {"info", "warning", "critical"}
        How grave it is.
    name : str
        The name of its text among those of the languages; its advice has the same name, and ``_advice``.
    """

    code: str
    level: AlertLevel
    name: str

    def fill(self, **figures: object) -> tuple[str, AlertLevel, str]:
        """Put figures into the text.

        Returns
        -------
        code, level, message
            What an alert is opened with; the book in which it opens says the message in its own language.
        """
        return self.code, self.level, Message(DEFAULT, f"alerts.{self.name}", **figures)

    def advice(self, language: Language) -> str:
        """Say what to do about it.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        str
        """
        return say(language, f"alerts.{self.name}_advice")


class Alert(msgspec.Struct, frozen=True):
    """Something that an operator should know.

    Attributes
    ----------
    level : {"info", "warning", "critical"}
        How grave it is.
    message : str
        What is wrong, in the language of the book, as last seen.
    timestamp : float
        When it began, in seconds since 1970.
    code : str
        What it is about; one alert at most is open for each code.
    closed : float or None
        When it ended; None while it persists.
    """

    level: AlertLevel = msgspec.field(name="tipo")
    message: str = msgspec.field(name="mensaje")
    timestamp: float
    code: str = msgspec.field(name="codigo")
    closed: float | None = msgspec.field(name="cerrada", default=None)


class AlertBook:
    """The latest alerts, open and closed.

    Parameters
    ----------
    keep : int, default=50
        How many alerts are kept; the oldest closed ones go first, and no open one goes.
    wall : callable, optional
        Seconds since 1970.
    language : {'es', 'en', 'pt'}, default='es'
        Of the messages of catalogued alerts.
    """

    def __init__(
        self, keep: int = 50, *, wall: Callable[[], float] = time.time, language: Language = DEFAULT
    ) -> None:
        self.language: Language = check_language(language)
        self._keep = keep
        self._wall = wall
        self._alerts: list[Alert] = []
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def set(self, code: str, wrong: bool, level: AlertLevel, message: str) -> None:
        """Say whether `code` is wrong now: its alert opens, persists with the new message, or closes."""
        message = in_language(message, self.language)
        with self._lock:
            place = next((i for i, alert in enumerate(self._alerts) if self._is_open(alert, code)), None)
            if wrong and place is None:
                self._alerts.append(Alert(level, message, self._wall(), code))
                self._forget()
            elif wrong and place is not None:
                began = self._alerts[place].timestamp
                self._alerts[place] = Alert(level, message, began, code)
            elif place is not None:
                self._alerts[place] = msgspec.structs.replace(self._alerts[place], closed=self._wall())

    def report(self, alert: AlertType, wrong: bool, **figures: object) -> None:
        """Say whether what a catalogued alert is about is wrong now; its text takes the figures."""
        message = say(self.language, f"alerts.{alert.name}", **figures) if wrong else ""
        self.set(alert.code, wrong, alert.level, message)

    @property
    def active(self) -> tuple[Alert, ...]:
        """The alerts that persist, oldest first."""
        with self._lock:
            return tuple(alert for alert in self._alerts if alert.closed is None)

    @property
    def history(self) -> tuple[Alert, ...]:
        """All alerts kept, oldest first."""
        with self._lock:
            return tuple(self._alerts)

    @staticmethod
    def _is_open(alert: Alert, code: str) -> bool:
        return alert.closed is None and alert.code == code

    def _forget(self) -> None:
        closed = [place for place, alert in enumerate(self._alerts) if alert.closed is not None]
        for place in reversed(closed[: max(0, len(self._alerts) - self._keep)]):
            del self._alerts[place]


class Limit:
    """A threshold with hysteresis: a figure that wavers about it does not switch to and fro.

    Parameters
    ----------
    threshold : float
        Beyond it the limit is passed.
    margin : float
        Share of the threshold by which the figure must come back.
    above : bool
        Whether what lies above is wrong, or what lies below.

    Attributes
    ----------
    passed : bool
        Whether the limit was passed when last looked at.
    """

    __slots__ = ("_above", "_back", "_threshold", "passed")

    def __init__(self, threshold: float, margin: float = 0.1, *, above: bool = True) -> None:
        self._threshold = threshold
        self._back = threshold * (1 - margin if above else 1 + margin)
        self._above = above
        self.passed: bool = False

    def check(self, figure: float | None) -> bool:
        """Look at the latest figure, None when there is none, and say whether the limit is passed."""
        if figure is None:
            self.passed = False
        else:
            line = self._back if self.passed else self._threshold
            self.passed = figure > line if self._above else figure < line
        return self.passed


# -- the catalogue ---------------------------------------------------------------------------------------

SLOW_ANSWERS = AlertType("tiempo_respuesta", "warning", "slow_answers")
MEMORY_HIGH = AlertType("memoria", "critical", "memory_high")
CACHE_MISSES = AlertType("cache", "info", "cache_misses")
LATE_ANSWERS = AlertType("plazos", "warning", "late_answers")
REFUSALS = AlertType("rechazos", "warning", "refusals")
RECOVERING = AlertType("recuperacion", "warning", "recovering")
RELOAD_FAILED = AlertType("recarga", "warning", "reload_failed")
SETTINGS_REFUSED = AlertType("ajustes", "warning", "settings_refused")
WRONG_KEYS = AlertType("claves", "warning", "wrong_keys")
DRIFT = AlertType("deriva", "warning", "drift")
STRONG_DRIFT = AlertType("deriva", "critical", "strong_drift")
RATE_STORAGE_DOWN = AlertType("limites", "warning", "rate_storage_down")
FIGURES_NOT_SHARED = AlertType("servidores", "warning", "figures_not_shared")
LOG_DISK_FULL = AlertType("disco_lleno", "critical", "log_disk_full")
LOG_FOLDER_GONE = AlertType("sin_carpeta", "critical", "log_folder_gone")
LOG_NOT_PERMITTED = AlertType("sin_permiso", "critical", "log_not_permitted")
LOG_NOT_WRITTEN = AlertType("sin_escritura", "critical", "log_not_written")
DECISIONS_LOST = AlertType("decisiones_perdidas", "critical", "decisions_lost")
DECISIONS_DECLARED_LOST = AlertType("decisiones_perdidas", "critical", "decisions_declared_lost")
LOG_LINES_MISSING = AlertType("lineas_faltantes", "critical", "log_lines_missing")
LOG_HEAD_MISSING = AlertType("sin_cabeza", "critical", "log_head_missing")
LOG_NOT_ROTATED = AlertType("sin_rotacion", "warning", "log_not_rotated")
LOG_NOT_TIDIED = AlertType("sin_retencion", "warning", "log_not_tidied")
LOG_NOT_ANCHORED = AlertType("sin_ancla", "warning", "log_not_anchored")
LOG_LINE_TORN = AlertType("lineas_cortadas", "warning", "log_line_torn")

SERVICE_ALERTS = (
    SLOW_ANSWERS,
    MEMORY_HIGH,
    CACHE_MISSES,
    LATE_ANSWERS,
    REFUSALS,
    RECOVERING,
    RELOAD_FAILED,
    SETTINGS_REFUSED,
    WRONG_KEYS,
    DRIFT,
    STRONG_DRIFT,
    RATE_STORAGE_DOWN,
    FIGURES_NOT_SHARED,
)
"""What a server tells of its parts."""

LOG_ALERTS = (
    LOG_DISK_FULL,
    LOG_FOLDER_GONE,
    LOG_NOT_PERMITTED,
    LOG_NOT_WRITTEN,
    DECISIONS_LOST,
    DECISIONS_DECLARED_LOST,
    LOG_LINES_MISSING,
    LOG_HEAD_MISSING,
    LOG_NOT_ROTATED,
    LOG_NOT_TIDIED,
    LOG_NOT_ANCHORED,
    LOG_LINE_TORN,
)
"""What a decision log tells of itself; a server puts `LOG_PREFIX` before their codes."""
