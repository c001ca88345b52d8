"""The definition of a field: kind, limits, categories, aliases, and whether they go together."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from numbers import Real
from typing import Any, Literal

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import SchemaError
from morosidad.schema.observed import Observed
from morosidad.schema.values import Code, as_codes, is_text

FieldKind = Literal["integer", "number", "category", "boolean"]

_NOUNS = {
    "integer": "un número entero",
    "number": "un número",
    "category": "una categoría",
    "boolean": "verdadero o falso",
}


class FieldDefinition(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """What is said about a field; `Field` reads values by it, and describes each attribute."""

    name: str
    kind: FieldKind
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    categories: tuple[str | int, ...] | None = None
    required: bool = False
    aliases: dict[str, float] = {}
    label: str = ""
    unit: str = ""
    help: str = ""
    monotonic_cst: Literal[-1, 0, 1] = 0
    observed: Observed | None = None
    missing: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        given: list[Any] = [self.aliases, self.categories]
        if any(isinstance(words, str) for words in given):
            raise SchemaError(f"field {self.name!r}: aliases and categories are sequences", self.name)
        if not isinstance(self.aliases, Mapping):
            force_setattr(self, "aliases", dict.fromkeys(self.aliases, 1.0))
        if self.categories is not None:
            force_setattr(self, "categories", tuple(self.categories))
        if not self.label:
            words = self.name.replace("_", " ").strip()
            words = words.lower() if words.isupper() else words
            force_setattr(self, "label", words[:1].upper() + words[1:])
        try:
            force_setattr(self, "missing", as_codes(self.missing))
        except ValueError as error:
            raise SchemaError(f"field {self.name!r}: {error}", self.name) from None
        problem = self._problem() or self._name_problem() or self._category_problem()
        if problem:
            raise SchemaError(f"field {self.name!a}: {problem}", self.name)
        for end in ("ge", "gt", "le", "lt"):
            if getattr(self, end) is not None:
                force_setattr(self, end, float(getattr(self, end)))
        force_setattr(self, "aliases", {name: float(factor) for name, factor in self.aliases.items()})

    def _problem(self) -> str | None:
        limits = [x for x in (self.ge, self.gt, self.le, self.lt) if x is not None]
        numeric = self.kind in ("integer", "number")
        if self.kind not in _NOUNS:
            return f"no such kind; one of {', '.join(_NOUNS)} was expected"
        if limits and not numeric:
            return "only numbers have limits"
        if any(isinstance(x, bool) or not isinstance(x, Real) or not math.isfinite(x) for x in limits):
            return "limits are finite numbers"
        low, high = self.interval
        if low > high or (low == high and (self.gt == low or self.lt == high)):
            return "no value lies within its limits"
        if limits and self.categories is not None:
            return "it has either limits or categories"
        return None if self.monotonic_cst in (-1, 0, 1) else "the direction of risk is -1, 0 or 1"

    def _name_problem(self) -> str | None:
        names = [self.name, *self.aliases]
        if not all(type(name) is str and name for name in names):
            return "a field and its aliases need names"
        if not all(map(is_text, [*names, self.label, self.unit, self.help])):
            return "names and words are texts without lone surrogates"
        if any(mark in name for name in names for mark in ('"', "\\", *map(chr, range(32)))):
            return "names hold no quotation marks, backslashes or control characters"
        factors = self.aliases.values()
        if not all(isinstance(factor, Real) and math.isfinite(factor) and factor for factor in factors):
            return "unit factors are finite numbers other than 0"
        if self.kind not in ("integer", "number") and any(factor != 1 for factor in factors):
            return "only numbers have unit factors"
        return None

    def _category_problem(self) -> str | None:
        if self.categories is None:
            return None
        levels = self.categories
        allowed: tuple[type, ...] = {"category": (str, int), "integer": (int,)}.get(self.kind, ())
        if not allowed:
            return "only categories and integers list what is allowed"
        if not levels or len(set(levels)) < len(levels):
            return "categories are one or more, each once"
        if any(isinstance(level, bool) or not isinstance(level, allowed) for level in levels):
            return "categories are texts or integers"
        if len({type(level) for level in levels}) > 1:
            return "categories are all texts or all integers"
        if not all(is_text(level) for level in levels if isinstance(level, str)):
            return "categories are texts without lone surrogates"
        return "a category can't mean missing too" if self.codes.keys() & set(levels) else None

    @property
    def interval(self) -> tuple[float, float]:
        """The declared limits, open or closed, as (low, high); infinite where there is none."""
        lows = [x for x in (self.ge, self.gt) if x is not None]
        highs = [x for x in (self.le, self.lt) if x is not None]
        return max(lows, default=-math.inf), min(highs, default=math.inf)

    @property
    def holds_integers(self) -> bool:
        """Whether a category field's levels are all integers."""
        levels = self.categories or self.usual_levels or ("",)
        return all(isinstance(level, int) for level in levels)

    # -- words ---------------------------------------------------------------------------------

    @property
    def limits(self) -> str:
        """The declared limits in Spanish: «entre 18 y 85», «mayor que 0», or nothing."""
        low, high = self.interval
        if self.gt is None and self.lt is None and low > -math.inf and high < math.inf:
            return f"entre {low:.10g} y {high:.10g}"
        words = {
            "mayor o igual que": self.ge,
            "mayor que": self.gt,
            "menor o igual que": self.le,
            "menor que": self.lt,
        }
        return " y ".join(f"{word} {limit:.10g}" for word, limit in words.items() if limit is not None)

    @property
    def expected(self) -> str:
        """What a value must be, in Spanish."""
        if self.categories is not None:
            return "uno de: " + ", ".join(map(str, self.categories))
        return f"{_NOUNS[self.kind]} {self.limits}".strip()

    @property
    def always(self) -> bool:
        """Whether a usual record has a value here."""
        return self.required or (self.observed is not None and not self.observed.missing)

    @cached_property
    def _allowed(self) -> frozenset[str | int]:
        return frozenset(self.categories or ())

    @cached_property
    def _seen(self) -> frozenset[str | int]:
        return frozenset(self._seen_in_order)

    @property
    def _seen_in_order(self) -> tuple[str | int, ...]:
        return (self.observed and self.observed.categories) or ()

    @cached_property
    def _by_normal_form(self) -> dict[str, str]:
        """Give known texts by their composed form, where just one has it."""
        found: dict[str, list[str]] = {}
        for level in self._allowed or self._seen:
            if isinstance(level, str):
                found.setdefault(unicodedata.normalize("NFC", level), []).append(level)
        return {form: levels[0] for form, levels in found.items() if len(levels) == 1}

    @cached_property
    def codes(self) -> dict[Code, str]:
        """The values that mean missing, each with its name or an empty text.

        For a field of categories, a number means missing as a text too: CSV files hold nothing else.
        """
        codes: dict[Code, str] = dict(self.missing)
        if self.kind == "category":
            codes |= {str(code): name for code, name in self.missing if not isinstance(code, str)}
        return codes

    @cached_property
    def usual_levels(self) -> tuple[str | int, ...] | None:
        """The categories that are both allowed and seen."""
        seen = tuple(level for level in self._seen_in_order if level not in self.codes) or None
        if self.categories is None or seen is None:
            return self.categories if seen is None else seen
        return tuple(level for level in self.categories if level in self._seen) or self.categories
