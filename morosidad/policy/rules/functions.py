"""The arithmetic of expressions for one record: that of numpy's float64, NaN where a value is missing."""

from __future__ import annotations

import math
import operator
from datetime import date
from functools import lru_cache

_ISO = 10


def divide(one: float, other: float) -> float:
    """Divide as float64 does: what is divided by zero is infinite, and zero by zero is missing.

    Parameters
    ----------
    one, other : float
        The numbers.

    Returns
    -------
    float
    """
    if other:
        return one / other
    return math.copysign(math.inf, one) * math.copysign(1.0, other) if one == one and one else math.nan


def floor_divide(one: float, other: float) -> float:
    """Divide and round down.

    Parameters
    ----------
    one, other : float
        The numbers.

    Returns
    -------
    float
    """
    return one // other if other else divide(one, other)


def remainder(one: float, other: float) -> float:
    """Give what is left of a division, with the sign of the divisor.

    Parameters
    ----------
    one, other : float
        The numbers.

    Returns
    -------
    float
        NaN for a divisor of zero.
    """
    return one % other if other else math.nan


def least(first: float, *others: float) -> float:
    """Give the least number; NaN where one is missing.

    Parameters
    ----------
    first, *others : float
        The numbers.

    Returns
    -------
    float
    """
    for other in others:
        first = other if other < first or other != other else first
        if first != first:
            return first
    return first


def greatest(first: float, *others: float) -> float:
    """Give the greatest number; NaN where one is missing.

    Parameters
    ----------
    first, *others : float
        The numbers.

    Returns
    -------
    float
    """
    return -least(-first, *map(operator.neg, others))


def rounded(of: float) -> float:
    """Round to a whole number, halves to the even one.

    Parameters
    ----------
    of : float
        The number.

    Returns
    -------
    float
    """
    return math.copysign(float(round(of)), of) if math.isfinite(of) else of


def floor(of: float) -> float:
    """Round down to a whole number.

    Parameters
    ----------
    of : float
        The number.

    Returns
    -------
    float
    """
    return math.copysign(float(math.floor(of)), of) if math.isfinite(of) else of


def lower(of: str | None) -> str | None:
    """Give a text in small letters.

    Parameters
    ----------
    of : str or None
        The text.

    Returns
    -------
    str or None
    """
    return None if of is None else of.lower()


def length(of: str | None) -> float:
    """Count the characters of a text.

    Parameters
    ----------
    of : str or None
        The text.

    Returns
    -------
    float
        NaN where it is missing.
    """
    return math.nan if of is None else float(len(of))


def years_between(start: str | None, end: str | None) -> float:
    """Count the whole years from one date to another.

    Parameters
    ----------
    start, end : str or None
        ``2026-11-30``.

    Returns
    -------
    float
        Negative where the end lies before the start; NaN where one is no date.
    """
    one, other = _date(start), _date(end)
    if one is None or other is None:
        return math.nan
    if other < one:
        return -years_between(end, start)
    return float(other.year - one.year - ((other.month, other.day) < (one.month, one.day)))


def is_date(text: str) -> bool:
    """Tell whether a text is a date.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    bool
        Whether it is one of the calendar, written as ``2026-11-30``.
    """
    return _date(text) is not None


@lru_cache(4096)
def _date(text: str | None) -> date | None:
    if text is None or len(text) != _ISO or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
