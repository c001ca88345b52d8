"""The words of a field in each language, and its declared limits: in words, and as JSON Schema."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import NamedTuple

from morosidad.languages import LANGUAGES, Language, say, words
from morosidad.schema.values import is_text

INT64 = (-(2**63), 2**63 - 1)
LONGEST = 1000
"""Characters of a category, so that what keeps records stays small."""
_MAX = sys.float_info.max

Words = str | dict[str, str]
"""Words for people: for all languages, or for each."""


SHIPPED = "ahorro_valle"
"""The part that has the words of the shipped schema."""


class FieldWords(NamedTuple):
    """What people read about a field, in one language.

    Attributes
    ----------
    label, unit, help : str
        Empty where nothing was given.
    """

    label: str
    unit: str
    help: str


def pick(given: Words, language: Language, name: str = "") -> str:
    """Give words in a language.

    The shipped model holds its words in Spanish only: what stands under the name in the words of its
    schema, and is the same in Spanish, is taken from there.

    Parameters
    ----------
    given : str, or dict of str to str
        The words, or those of each language.
    language : {'es', 'en', 'pt'}
        The language.
    name : str
        Under which the words of the shipped schema have it.

    Returns
    -------
    str
        Where there are none in that language, those in Spanish; where there are none either, the first.
    """
    if isinstance(given, str):
        known = language != "es" and bool(given) and words("es", SHIPPED).get(name) == given
        return words(language, SHIPPED)[name] if known else given
    return given.get(language) or given.get("es") or next(iter(given.values()))


def words_problem(given: Sequence[object]) -> str | None:
    """Say what is wrong with words that were given for people.

    Parameters
    ----------
    given : sequence of object
        Each a text, or a mapping of languages to texts.

    Returns
    -------
    str or None
        None where nothing is.
    """
    for one in given:
        by_language = one if isinstance(one, Mapping) else {"es": one}
        if not by_language or not set(by_language) <= set(LANGUAGES):
            return f"words for people are a text, or texts by language ({', '.join(LANGUAGES)})"
        if not all(isinstance(text, str) for text in by_language.values()):
            return "label, unit, help and source are texts, or texts by language"
        if not all(map(is_text, by_language.values())):
            return "words are texts without lone surrogates"
    return None


def from_name(name: str) -> str:
    """Make a label of a field's name.

    Parameters
    ----------
    name : str
        As in ``monto_credito``.

    Returns
    -------
    str
        As in ``Monto credito``.
    """
    label = name.replace("_", " ").strip()
    label = label.lower() if label.isupper() else label
    return label[:1].upper() + label[1:]


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
    if not all(is_text(str(name)) for name in names):
        return "names are texts without lone surrogates"
    if any(mark in str(name) for name in names for mark in ('"', "\\", *map(chr, range(32)))):
        return "names hold no quotation marks, backslashes or control characters"
    factors = aliases.values()
    if not all(isinstance(factor, Real) and math.isfinite(factor) and factor for factor in factors):
        return "unit factors are finite numbers other than 0"
    if kind not in ("integer", "number") and any(factor != 1 for factor in factors):
        return "only numbers have unit factors"
    return None
