"""Dates as numbers: microseconds since 1970, read from text, and their parts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY = 86_400_000_000
"""Microseconds of a day."""

_EPOCH = datetime(1970, 1, 1)
_LIMIT = 2.0**53
_FORMATS = {
    "%Y-%m-%d": r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})",
    "%Y/%m/%d": r"(?P<Y>\d{4})/(?P<m>\d{2})/(?P<d>\d{2})",
    "%d/%m/%Y": r"(?P<d>\d{2})/(?P<m>\d{2})/(?P<Y>\d{4})",
    "%d-%m-%Y": r"(?P<d>\d{2})-(?P<m>\d{2})-(?P<Y>\d{4})",
    "%m/%d/%Y": r"(?P<m>\d{2})/(?P<d>\d{2})/(?P<Y>\d{4})",
    "%Y%m%d": r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "%Y-%m": r"(?P<Y>\d{4})-(?P<m>\d{2})",
    "%Y%m": r"(?P<Y>\d{4})(?P<m>\d{2})",
}
FORMATS = tuple(_FORMATS)
"""The formats of dates that can be read."""
_PATTERNS = {name: re.compile(pattern, re.ASCII) for name, pattern in _FORMATS.items()}


def read_date(value: str, form: str) -> float:
    """Read a date that is written in full.

    Parameters
    ----------
    value : str
        The text.
    form : str
        One of `FORMATS`.

    Returns
    -------
    float
        Microseconds since 1970; NaN where the text is no such date.
    """
    found = _PATTERNS[form].fullmatch(value)
    if found is None:
        return math.nan
    parts = {name: int(part) for name, part in found.groupdict().items()}
    try:
        return float((date(parts["Y"], parts["m"], parts.get("d", 1)) - _EPOCH.date()).days * DAY)
    except ValueError:
        return math.nan


def _moment(x: float) -> datetime:
    return _EPOCH + timedelta(microseconds=x)


def _scalar(part: Callable[[datetime], float]) -> Callable[[float], float]:
    def read(x: float) -> float:
        return float(part(_moment(x))) if -_LIMIT < x < _LIMIT else math.nan

    return read


def _array(part: Callable[[Any], Any]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def read(x: NDArray[np.float64]) -> NDArray[np.float64]:
        known = np.abs(x) < _LIMIT
        found = np.full(len(x), np.nan)
        found[known] = part(x[known].astype(np.int64).astype("datetime64[us]"))
        return found

    return read


def _months(moments: Any) -> Any:
    return moments.astype("datetime64[M]").astype(np.int64)


def _days(moments: Any) -> Any:
    return moments.astype("datetime64[D]").astype(np.int64)


def _year_days(moments: Any) -> Any:
    return _days(moments) - moments.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1


_PARTS: dict[str, tuple[Callable[[datetime], float], Callable[[Any], Any]]] = {
    "year": (lambda at: at.year, lambda at: at.astype("datetime64[Y]").astype(np.int64) + 1970),
    "month": (lambda at: at.month, lambda at: _months(at) % 12 + 1),
    "quarter": (lambda at: (at.month - 1) // 3 + 1, lambda at: _months(at) % 12 // 3 + 1),
    "day": (
        lambda at: at.day,
        lambda at: _days(at) - at.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1,
    ),
    "dayofweek": (lambda at: at.weekday(), lambda at: (_days(at) + 3) % 7),
    "dayofyear": (lambda at: at.timetuple().tm_yday, _year_days),
    "hour": (lambda at: at.hour, lambda at: at.astype("datetime64[h]").astype(np.int64) % 24),
}

DATE_FUNCTIONS: dict[str, tuple[Callable[[float], float], Any]] = {
    f"date {name}": (_scalar(one), _array(many)) for name, (one, many) in _PARTS.items()
}
"""The parts of a date that is microseconds since 1970, for one number and for many."""
