"""The field of a schema: kind, limits, aliases, and validation of one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from numbers import Integral, Real
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import SchemaError
from morosidad.languages import Language, say
from morosidad.schema.observed import Observed as Observed
from morosidad.schema.wording import (
    INT64,
    LONGEST,
    FieldWords,
    Limits,
    Words,
    from_name,
    json_limits,
    names_problem,
    pick,
    words_problem,
)

Value = int | float | str | bool | None
"""A value of a record after validation; ``None`` means missing."""
Row = tuple[Value, ...]
"""A record's values, in the order of the schema's fields."""

FieldKind = Literal["integer", "number", "category", "boolean"]

EXACT = 2.0**53 - 1  # beyond it a float skips integers
_KINDS = ("integer", "number", "category", "boolean")
_JSON_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


class _RefusedError(ValueError):
    """A value that a field refuses: the name of the text that says so, and the kind of error."""


class Field(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """One field of a record.

    Parameters
    ----------
    name : str
        Its name in records, on the wire and in data frames.
    kind : {'integer', 'number', 'category', 'boolean'}
        What its values are.
    ge, gt, le, lt : float, optional
        Declared limits, as in msgspec and annotated-types: ≥, >, ≤, <.
    categories : sequence of (str or int), optional
        Declared categories; for an integer field, the integers allowed.
    required : bool, default=False
        Whether a record without it is refused.
    aliases : sequence of str, or mapping of str to float, optional
        Other names, each with the factor that brings its unit to the field's: ``{"antiguedad": 12}``
        reads years into a field of months.
    label, unit, help : str, or mapping of str to str, optional
        Words for people: one text for all languages, or one for each: ``{"es": "Edad", "en": "Age"}``.
    monotonic_cst : {-1, 0, 1}, default=0
        The direction in which the risk is expected to move as the value grows, as in scikit-learn.
    observed : Observed, optional
        What the training data held.

    Raises
    ------
    SchemaError
        If the limits contradict each other or do not fit the kind.
    """

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

    def __post_init__(self) -> None:
        given: list[Any] = [self.aliases, self.categories]
        if any(isinstance(words, str) for words in given):
            raise SchemaError(f"field {self.name!r}: aliases and categories are sequences", self.name)
        if not isinstance(self.aliases, Mapping):
            force_setattr(self, "aliases", dict.fromkeys(self.aliases, 1.0))
        if self.categories is not None:
            force_setattr(self, "categories", tuple(self.categories))
        if not self.label and isinstance(self.label, str):
            force_setattr(self, "label", from_name(self.name))
        words = (self.label, self.unit, self.help)
        problem = (
            self._problem()
            or names_problem(self.name, self.aliases, self.kind)
            or self._category_problem()
            or words_problem(words)
        )
        if problem:
            raise SchemaError(f"field {self.name!r}: {problem}", self.name)
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
        return None

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
        language : {'es', 'en', 'pt'}
            Where there are none in it, those in Spanish are given.

        Returns
        -------
        FieldWords
        """
        given = {"": self.label, "_unit": self.unit, "_help": self.help}
        return FieldWords(*(pick(text, language, self.name + end) for end, text in given.items()))

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

    # -- one value -----------------------------------------------------------------------------

    def read(self, value: Any, factor: float = 1.0, language: Language = "es") -> Value:
        """Read one value, carefully: what the fast conversion refuses or does not know.

        Numpy scalars, `decimal.Decimal`, pandas' missing values and integral floats for integers
        are understood.

        Parameters
        ----------
        value : object
            What was given.
        factor : float, default=1.0
            Unit factor of the alias that it was given under.
        language : {'es', 'en', 'pt'}
            Of what the error says.

        Returns
        -------
        int, float, str, bool or None
            None where the value is missing.

        Raises
        ------
        ValueError
            With two arguments: what was expected, in words, and the kind of error.
        """
        try:
            return self._read(value, factor)
        except _RefusedError as error:
            raise self._refusal(language, *error.args) from None
        except Exception:  # a foreign object's own error may hold personal data
            raise self._refusal(language, "expected", "tipo") from None

    def _refusal(self, language: Language, text: str, code: str) -> _RefusedError:
        """Put an error into words."""
        limits, expected = self.limits_in(language), self.expected_in(language)
        values = {"limits": limits, "expected": expected, "longest": LONGEST}
        return _RefusedError(say(language, f"records.{text}", **values), code)

    def _read(self, value: Any, factor: float) -> Value:
        if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
            return None
        if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
            value = value.item()
        if value is None or (isinstance(value, float) and value != value):
            return None
        if isinstance(value, Decimal) and value.is_nan():
            return None
        if self.kind == "boolean":
            self._demand(isinstance(value, bool))
            return bool(value)
        if self.kind == "category":
            return self._read_category(value)
        return self._read_number(value, factor)

    def _demand(self, right: bool) -> None:
        if not right:
            raise _RefusedError("expected", "tipo")

    def _read_category(self, value: Any) -> Value:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        self._demand(isinstance(value, (str, int)) and not isinstance(value, bool))
        level: str | int = str(value) if isinstance(value, str) else int(value)
        if isinstance(level, int) and not INT64[0] <= level <= INT64[1]:
            raise _RefusedError("out_of_reach", "rango")
        if isinstance(level, str) and len(level) > LONGEST and level not in (self.usual_levels or ()):
            raise _RefusedError("too_long", "rango")
        if self.categories is not None and level not in self._allowed:
            raise _RefusedError("must_be", "categoria")
        if not isinstance(level, type((self.usual_levels or ("",))[0])):
            raise _RefusedError(f"category_as_{'integer' if isinstance(level, str) else 'text'}", "tipo")
        return level

    def _read_number(self, value: Any, factor: float) -> Value:
        number: int | float
        self._demand(isinstance(value, (Real, Decimal)) and not isinstance(value, bool))
        try:
            number = int(value) if self.kind == "integer" and isinstance(value, Integral) else float(value)
            number = number if factor == 1 else number * factor
        except (ValueError, OverflowError):
            raise _RefusedError("out_of_reach", "rango") from None
        if self.kind == "integer" and isinstance(number, float) and math.isfinite(number):
            self._demand(number.is_integer() or factor != 1)
            number = round(number)
        if not (INT64[0] <= number <= INT64[1] if isinstance(number, int) else math.isfinite(number)):
            raise _RefusedError("out_of_reach", "rango")
        return self._within(number)

    def _within(self, number: int | float) -> int | float:
        if self.categories is not None and number not in self._allowed:
            raise _RefusedError("must_be", "categoria")
        low, high = self.interval
        if not low <= number <= high or number in (self.gt, self.lt):
            raise _RefusedError("must_lie_between" if self._limits.closed else "must_lie", "rango")
        return number if self.kind == "integer" else float(number)

    def unusual(self, value: Value, language: Language = "es") -> str | None:
        """Describe in what way a valid value is outside what the training data held.

        Parameters
        ----------
        value : int, float, str, bool or None
            As `read` gives it.
        language : {'es', 'en', 'pt'}
            Of the description.

        Returns
        -------
        str or None
            None where it is not outside.
        """
        seen = self.observed
        if seen is None:
            return None
        if value is None:
            return None if seen.missing else say(language, "records.never_missing")
        if seen.categories is not None:
            return None if value in self._seen else say(language, "records.never_seen")
        if seen.low is None or seen.high is None or isinstance(value, str) or seen.low <= value <= seen.high:
            return None
        return say(language, "records.out_of_range", low=seen.low, high=seen.high)

    # -- types ---------------------------------------------------------------------------------

    @property
    def always(self) -> bool:
        """Whether a usual record has a value here."""
        return self.required or (self.observed is not None and not self.observed.missing)

    @cached_property
    def _allowed(self) -> frozenset[str | int]:
        return frozenset(self.categories or ())

    @cached_property
    def _seen(self) -> frozenset[str | int]:
        return frozenset((self.observed and self.observed.categories) or ())

    @cached_property
    def usual_levels(self) -> tuple[str | int, ...] | None:
        """The categories that are both allowed and seen."""
        seen = (self.observed and self.observed.categories) or None
        if self.categories is None or seen is None:
            return self.categories if seen is None else seen
        return tuple(level for level in self.categories if level in self._seen) or self.categories

    @property
    def usual_type(self) -> Any:
        """The type of a value within every limit, declared and observed, for msgspec."""
        base: Any
        if self.kind == "boolean":
            base = bool
        elif self.usual_levels is not None:
            base = Literal[self.usual_levels]
        elif self.kind == "category":
            base = Annotated[str, msgspec.Meta(max_length=LONGEST)]
        else:
            base = Annotated[float, self._tightest()]
        return base if self.always else base | None

    def _tightest(self) -> msgspec.Meta:
        """Give the tightest limits of all as msgspec wants them: at most one on each side."""
        seen = self.observed or Observed()
        bound = EXACT if self.kind == "integer" else 2.0**63
        low = max(x for x in (self.ge, seen.low, -bound) if x is not None)
        high = min(x for x in (self.le, seen.high, bound) if x is not None)
        limits: dict[str, Any] = {"gt": self.gt} if self.gt is not None and self.gt >= low else {"ge": low}
        limits |= {"lt": self.lt} if self.lt is not None and self.lt <= high else {"le": high}
        return msgspec.Meta(**limits, multiple_of=1 if self.kind == "integer" else None)

    def json_schema(self, language: Language = "es") -> dict[str, Any]:
        """Describe one value as JSON Schema.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            Of its title, its description and its unit.

        Returns
        -------
        dict
            Only declared limits appear.
        """
        if self.categories is not None:
            out: dict[str, Any] = {"enum": [*self.categories, *([] if self.required else [None])]}
        else:
            levels = self.usual_levels or ("",)
            of_integers = self.kind == "category" and isinstance(levels[0], int)
            kind = "integer" if of_integers else _JSON_TYPES.get(self.kind, "string")
            out = {"type": kind if self.required else [kind, "null"]} | json_limits(self._limits, kind)
        shown = self.words_in(language)
        words = {
            "title": shown.label,
            "description": shown.help,
            "x-unidad": shown.unit,
            "x-alias": self.aliases,
        }
        return out | {key: word for key, word in words.items() if word}
