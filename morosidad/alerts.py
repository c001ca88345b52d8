"""Alerts that open, persist and close, instead of being raised anew each second; limits that do not waver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

Level = Literal["info", "warning", "critical"]


class Alert(msgspec.Struct, frozen=True):
    """Something that an operator should know.

    Attributes
    ----------
    level : {"info", "warning", "critical"}
        How grave it is.
    message : str
        What is wrong, in Spanish, as last seen.
    timestamp : float
        When it began, in seconds since 1970.
    code : str
        What it is about; one alert at most is open for each code.
    closed : float or None
        When it ended; None while it persists.
    """

    level: Level = msgspec.field(name="tipo")
    message: str = msgspec.field(name="mensaje")
    timestamp: float
    code: str = msgspec.field(name="codigo")
    closed: float | None = msgspec.field(name="cerrada", default=None)


class AlertBook:
    """The latest alerts, open and closed.

    Parameters
    ----------
    keep : int
        How many alerts are kept; the oldest closed ones go first, and no open one goes.
    wall : callable
        Seconds since 1970.
    """

    def __init__(self, keep: int = 50, *, wall: Callable[[], float] = time.time) -> None:
        self._keep = keep
        self._wall = wall
        self._alerts: list[Alert] = []
        self._lock = threading.Lock()

    def set(self, code: str, wrong: bool, level: Level, message: str) -> None:
        """Say whether `code` is wrong now: its alert opens, persists with the new message, or closes."""
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
