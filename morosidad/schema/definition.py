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
from morosidad.languages import Language, say
from morosidad.schema.observed import Observed
from morosidad.schema.values import Code, as_codes, is_text
from morosidad.schema.wording import FieldWords, Limits, Words, from_name, names_problem, pick, words_problem

FieldKind = Literal["integer", "number", "category", "boolean"]

Change = Literal["any", "increase", "decrease", "none"]

_KINDS = ("integer", "number", "category", "boolean")
_CHANGES = ("any", "increase", "decrease", "none")


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
    label: Words = ""
    unit: Words = ""
    help: Words = ""
    monotonic_cst: Literal[-1, 0, 1] = 0
    observed: Observed | None = None
    missing: tuple[Any, ...] = ()
    protected: bool = False
    monotonic: Literal[-1, 0, 1] | None = None
    source: Words = ""
    change: Change = "any"

    @property
    def is_mutable(self) -> bool:
        """Whether a change of it may be suggested to an applicant."""
        return not self.protected and self.change != "none"

    def __post_init__(self) -> None:
        if given_as := _SLOT.__get__(self):  # another name for the same; kept under the one that files hold
            force_setattr(self, "monotonic_cst", given_as)
            _SLOT.__set__(self, None)
        given: list[Any] = [self.aliases, self.categories]
        if any(isinstance(words, str) for words in given):
            raise SchemaError(f"field {self.name!r}: aliases and categories are sequences", self.name)
        if not isinstance(self.aliases, Mapping):
            force_setattr(self, "aliases", dict.fromkeys(self.aliases, 1.0))
        if self.categories is not None:
            force_setattr(self, "categories", tuple(self.categories))
        if not self.label and isinstance(self.label, str):
            force_setattr(self, "label", from_name(self.name))
        try:
            force_setattr(self, "missing", as_codes(self.missing))
        except ValueError as error:
            raise SchemaError(f"field {self.name!r}: {error}", self.name) from None
        words = (self.label, self.unit, self.help, self.source)
        problem = (
            self._problem()
            or names_problem(self.name, self.aliases, self.kind)
            or self._category_problem()
            or words_problem(words)
        )
        if problem:
            raise SchemaError(f"field {self.name!a}: {problem}", self.name)
        for end in ("ge", "gt", "le", "lt"):
            if getattr(self, end) is not None:
                force_setattr(self, end, float(getattr(self, end)))
        force_setattr(self, "aliases", {name: float(factor) for name, factor in self.aliases.items()})

    def _problem(self) -> str | None:
        limits = [x for x in (self.ge, self.gt, self.le, self.lt) if x is not None]
        numeric = self.kind in ("integer", "number")
        if self.kind not in _KINDS:
            return f"no such kind; one of {', '.join(_KINDS)} was expected"
        if limits and not numeric:
            return "only numbers have limits"
        if any(isinstance(x, bool) or not isinstance(x, Real) or not math.isfinite(x) for x in limits):
            return "limits are finite numbers"
        low, high = self.interval
        if low > high or (low == high and (self.gt == low or self.lt == high)):
            return "no value lies within its limits"
        if limits and self.categories is not None:
            return "it has either limits or categories"
        if not isinstance(self.protected, bool):
            return "whether it is protected is True or False"
        if self.change not in _CHANGES:
            return f"how it may change is one of {', '.join(_CHANGES)}"
        if self.change in ("increase", "decrease") and not numeric:
            return "only numbers change in one direction"
        return None if self.monotonic_cst in (-1, 0, 1) else "the direction of risk is -1, 0 or 1"

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
    def _limits(self) -> Limits:
        return Limits(self.ge, self.gt, self.le, self.lt)

    @property
    def interval(self) -> tuple[float, float]:
        """The declared limits, open or closed, as (low, high); infinite where there is none."""
        return self._limits.interval

    @property
    def holds_integers(self) -> bool:
        """Whether a category field's levels are all integers."""
        levels = self.categories or self.usual_levels or ("",)
        return all(isinstance(level, int) for level in levels)

    # -- words ---------------------------------------------------------------------------------

    def words_in(self, language: Language = "es") -> FieldWords:
        """Give the label, the unit and the help in a language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, default='es'
            Where there are none in it, those in Spanish are given.

        Returns
        -------
        FieldWords
        """
        given = {"": self.label, "_unit": self.unit, "_help": self.help}
        return FieldWords(*(pick(text, language, self.name + end) for end, text in given.items()))

    def source_in(self, language: Language = "es") -> str:
        """Give where the value comes from, in a language; empty where nothing was given.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, default='es'
            As in `words_in`.

        Returns
        -------
        str
        """
        return pick(self.source, language)

    @property
    def limits(self) -> str:
        """The declared limits in Spanish: «entre 18 y 85», «mayor que 0», or nothing."""
        return self._limits.said("es")

    @property
    def expected(self) -> str:
        """What a value must be, in Spanish."""
        return self.expected_in("es")

    def limits_in(self, language: Language) -> str:
        """Give the declared limits in words."""
        return self._limits.said(language)

    def expected_in(self, language: Language) -> str:
        """Say what a value must be."""
        if self.categories is not None:
            return say(language, "records.one_of", levels=", ".join(map(str, self.categories)))
        return f"{say(language, f'records.{self.kind}')} {self.limits_in(language)}".strip()

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


_SLOT: Any = FieldDefinition.__dict__["monotonic"]
"""Where `monotonic` is held until it is read: `Field` has a property of that name."""
