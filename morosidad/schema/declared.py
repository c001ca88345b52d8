"""What is declared of a field: its limits, in words and as JSON Schema, and checks of its names."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

from morosidad.languages import Language, say

INT64 = (-(2**63), 2**63 - 1)
LONGEST = 1000
"""Characters of a category, so that what keeps records stays small."""
_MAX = sys.float_info.max


class Limits(NamedTuple):
    """The declared limits of a field: ≥, >, ≤, <; None for each that there is not."""

    ge: float | None
    gt: float | None
    le: float | None
    lt: float | None

    @property
    def interval(self) -> tuple[float, float]:
        """The limits, open or closed, as (low, high); infinite where there is none."""
        lows = [x for x in (self.ge, self.gt) if x is not None]
        highs = [x for x in (self.le, self.lt) if x is not None]
        return max(lows, default=-math.inf), min(highs, default=math.inf)

    @property
    def closed(self) -> bool:
        """Whether there is a limit on each side, and both belong to what is allowed."""
        low, high = self.interval
        return self.gt is None and self.lt is None and low > -math.inf and high < math.inf

    def said(self, language: Language) -> str:
        """Give the limits in words.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        str
            «entre 18 y 85», «mayor que 0», or nothing.
        """
        if self.closed:
            low, high = self.interval
            return say(language, "records.between", low=low, high=high)
        given = ((name, getattr(self, name)) for name in ("ge", "gt", "le", "lt"))
        each = [say(language, f"records.{name}", limit=limit) for name, limit in given if limit is not None]
        return say(language, "records.and").join(each)


def json_limits(limits: Limits, kind: str) -> dict[str, int | float]:
    """Give the limits of a JSON type: those declared, and those of 64 bits.

    Parameters
    ----------
    limits : Limits
        Those declared.
    kind : {'integer', 'number', 'string', 'boolean'}
        The JSON type.

    Returns
    -------
    dict of str to int or float
        By their names in JSON Schema.
    """
    if kind == "string":
        return {"maxLength": LONGEST}
    if kind == "boolean":
        return {}
    whole = kind == "integer"
    least, most = INT64 if whole else (-_MAX, _MAX)
    low, high = limits.interval
    keys = {
        "minimum": least if low < least else limits.ge,
        "exclusiveMinimum": limits.gt,
        "maximum": most if high > most else limits.le,
        "exclusiveMaximum": limits.lt,
    }
    return {
        key: int(limit) if whole and limit == int(limit) else limit
        for key, limit in keys.items()
        if limit is not None
    }


def names_problem(name: object, aliases: Mapping[str, object], kind: str) -> str | None:
    """Say what is wrong with the names of a field.

    Parameters
    ----------
    name : object
        The field's name.
    aliases : mapping of str to object
        Other names, each with its unit factor.
    kind : str
        The kind of the field.

    Returns
    -------
    str or None
        None where nothing is.
    """
    names = [name, *aliases]
    if not all(type(name) is str and name for name in names):
        return "a field and its aliases need names"
    if any(mark in str(name) for name in names for mark in ('"', "\\", *map(chr, range(32)))):
        return "names hold no quotation marks, backslashes or control characters"
    factors = aliases.values()
    if not all(isinstance(factor, Real) and math.isfinite(factor) and factor for factor in factors):
        return "unit factors are finite numbers other than 0"
    if kind not in ("integer", "number") and any(factor != 1 for factor in factors):
        return "only numbers have unit factors"
    return None
