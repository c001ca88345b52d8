"""Values of training data that look like codes for a missing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST = 20
"""A field has at most so many codes."""
LEAST_ROWS = 5
LEAST_SHARE = 0.005
_SIGNS = ("", "?", "-", "--", ".", "na", "n/a", "n.a.", "n.d.", "nd", "s/d", "nan", "nat", "null", "none")
_PHRASES = ("sin dato", "sin datos", "sin informacion", "sin información", "no aplica", "no disponible")
_WORDS = frozenset((*_SIGNS, *_PHRASES, "nil", "#n/a", "#na", "<na>", "missing", "unknown", "desconocido"))


def suspected_codes(present: pd.Series[Any]) -> list[Any]:
    """Find the values of a column that look like codes.

    Numbers do that are frequent and either negative, where all others are not and do not adjoin, or far
    above the others, by twice their range; and so do texts such as «NA».

    Parameters
    ----------
    present : Series of shape (n_rows,)
        The values that are there: numbers or texts.

    Returns
    -------
    list
        At most `MOST`, in order.
    """
    import pandas.api.types as kinds

    if kinds.is_bool_dtype(present.dtype):
        return []
    if not kinds.is_numeric_dtype(present.dtype):
        texts = [level for level in present.unique() if isinstance(level, str)]
        return sorted(text for text in texts if text.strip().casefold() in _WORDS)[:MOST]
    if kinds.is_complex_dtype(present.dtype):
        return []
    values, counts = np.unique(present.to_numpy(np.float64), return_counts=True)
    frequent = counts >= max(LEAST_ROWS, LEAST_SHARE * len(present))
    found = [*_below(values, frequent), *_above(values, counts >= LEAST_ROWS)]
    return [_plain(value) for value in found]


def _below(values: Any, frequent: Any) -> list[float]:
    """Give the negative values, if each is frequent and whole, they are few, and others are not negative.

    Those that continue small whole numbers from 0 downwards are no codes: -2, -1, 0, 1, 2, ….
    """
    first = end = int(np.searchsorted(values, 0.0))
    rest = values[first:]
    if len(rest) > 1 and rest[1] - rest[0] <= 2 and (rest == np.rint(rest)).all():
        while end and values[end] - values[end - 1] == 1:
            end -= 1
    few = 0 < end <= min(MOST, len(values) - first)
    whole = values[:end] == np.rint(values[:end])
    found: list[float] = values[:end].tolist()
    return found if few and whole.all() and frequent[:end].all() else []


def _above(values: Any, frequent: Any) -> list[float]:
    """Give the greatest values, if each is frequent and whole and a wide gap is below them."""
    rest = values[values >= 0]
    kept = frequent[values >= 0]
    for first in range(max(len(rest) - MOST, 3), len(rest)):
        gap, spread = rest[first] - rest[first - 1], rest[first - 1] - rest[0]
        top = rest[first:]
        if (
            gap > 2 * spread
            and kept[first:].all()
            and (top == np.rint(top)).all()
            and top[-1] - top[0] <= gap
        ):
            found: list[float] = top.tolist()
            return found
    return []


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value
