"""Values as plain Python objects, whatever the application holds, and codes that stand for a missing one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

EXACT = 2.0**53 - 1  # beyond it a float skips integers
_MISSING_TYPES = ("NAType", "NaTType", "MaskedConstant")


class RefusedError(ValueError):
    """A value that a field refuses: what was expected, and the kind of error."""


def plain(value: Any) -> Any:
    """Give a value as the plain object that it stands for.

    Enum members become their values, numpy scalars and arrays of no dimension what they hold, and
    members of subclasses of `str`, `int` and `float` plain ones, by their content.

    Parameters
    ----------
    value : object
        What a record or a column holds.

    Returns
    -------
    object
        None where the value is missing.

    Raises
    ------
    TypeError
        If it is a date or a duration of numpy.
    """
    if type(value) in _PLAIN:
        return None if value != value else value
    if isinstance(value, Enum) and not isinstance(value, (str, int)):
        value = value.value
    if type(value).__name__ in _MISSING_TYPES:
        return None
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = _scalar(value)
    if isinstance(value, str):
        return str.__str__(value)  # a subclass may write itself otherwise
    if isinstance(value, int):
        return value if type(value) is bool else int.__int__(value)
    if isinstance(value, float):
        held = float.__float__(value)
        return None if held != held else held
    return None if isinstance(value, Decimal) and value.is_nan() else value


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _scalar(value: Any) -> Any:
    """Give what a numpy scalar, or an array of no dimension, holds."""
    kind = getattr(value.dtype, "kind", "")
    if kind == "O":
        return plain(value.item()) if not hasattr(value.item(), "dtype") else value.item()
    if bool(getattr(value, "mask", False)):
        return None
    if kind in ("m", "M"):
        if value != value:
            return None
        raise TypeError  # some of them would turn into integers
    return float(value) if kind == "f" else value.item()


def is_text(value: str) -> bool:
    """Tell whether a text can be written as UTF-8, which lone surrogates can't.

    Parameters
    ----------
    value : str
        Any text.

    Returns
    -------
    bool
    """
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# -- codes ---

Code = str | int | float
"""A value that means that there is none."""
Codes = tuple[tuple[Code, str], ...]
"""Codes with their names; without one, an empty text."""
MissingGiven = Mapping[Any, str] | Iterable[Any]
"""How codes are given: by themselves, or as a mapping to their names."""


def as_codes(given: MissingGiven) -> Codes:
    """Give codes with their names.

    Parameters
    ----------
    given : iterable of (str, int or float), or mapping of those to str
        The codes; pairs of a code and its name are taken too, as a schema's data holds them.

    Returns
    -------
    tuple of (code, str)
        Each code once.

    Raises
    ------
    ValueError
        Saying what is wrong.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError("missing is a sequence of codes, or a mapping of codes to names")
    pairs = given.items() if isinstance(given, Mapping) else (_pair(one) for one in given)
    codes: dict[Code, str] = {}
    for raw, name in pairs:
        try:
            code = plain(raw)
        except TypeError:
            code = None
        if isinstance(code, bool) or not isinstance(code, (str, int, float)):
            raise ValueError("codes that mean missing are texts or numbers")
        if isinstance(code, float) and not math.isfinite(code):
            raise ValueError("codes that mean missing are finite numbers")
        texts = [text for text in (code, name) if isinstance(text, str)]
        if not isinstance(name, str) or not all(map(is_text, texts)):
            raise ValueError("names of codes are texts")
        code = int(code) if isinstance(code, float) and code.is_integer() else code
        codes[code] = codes.get(code) or name
    return tuple(codes.items())


def _pair(one: Any) -> tuple[Any, str]:
    return (one[0], one[1]) if isinstance(one, (list, tuple)) and len(one) == 2 else (one, "")
