"""The field of a schema: kind, limits, aliases, and validation of one value."""

from __future__ import annotations

import math
import unicodedata
from decimal import Decimal
from numbers import Integral, Real
from typing import Annotated, Any, Literal

import msgspec

from morosidad.languages import Language, say
from morosidad.schema.definition import FieldDefinition
from morosidad.schema.definition import FieldKind as FieldKind
from morosidad.schema.observed import Observed as Observed
from morosidad.schema.values import EXACT as EXACT
from morosidad.schema.values import Codes, RefusedError, as_codes, is_text, plain
from morosidad.schema.wording import INT64, LONGEST, json_limits

Value = int | float | str | bool | None
"""A value of a record after validation; ``None`` means missing."""
Row = tuple[Value, ...]
"""A record's values, in the order of the schema's fields."""

_JSON_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


class Field(FieldDefinition, frozen=True, omit_defaults=True, dict=True):
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
    monotonic : {-1, 0, 1}, default=0
        The direction in which the risk is expected to move as the value grows; `check_monotone` proves it
        of a model.
    monotonic_cst : {-1, 0, 1}, default=0
        The same, under scikit-learn's name, which files hold.
    observed : Observed, optional
        What the training data held.
    missing : sequence of (str, int or float), or mapping of those to str, optional
        Values that mean that there is none, before any unit factor: ``(-7, -8, -9)``. A mapping gives
        them names, which reasons show: ``{-7: "sin consulta"}``. Kept as pairs of code and name.
    protected : bool, default=False
        Whether the law forbids to decide by it (sex, age, marital status, …): it is never given as a
        reason, and the plan says how much it carries.
    source : str, or mapping of str to str, optional
        Where the value comes from, for notices to applicants: ``"central de riesgo"``.
    change : {'any', 'increase', 'decrease', 'none'}, default='any'
        How an applicant can change it, for what would change a decision: age does not fall, the past does
        not change at all. Only numbers have a direction.

    Raises
    ------
    SchemaError
        If the limits contradict each other or do not fit the kind.
    """

    @property  # type: ignore[misc]
    def monotonic(self) -> Literal[-1, 0, 1]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The direction in which the risk is expected to move as the value grows."""
        return self.monotonic_cst

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
        language : {'es', 'en', 'pt'}, default='es'
            Of the error.

        Returns
        -------
        int, float, str, bool or None
            None where the value is missing.

        Raises
        ------
        ValueError
            With two arguments: what was expected, in words, and the kind of error.
        """
        found = self._safely(value, factor, language)
        return int(found) if self.kind == "integer" and found is not None else found

    def read_for_model(self, value: Any, factor: float = 1.0, language: Language = "es") -> Value:
        """Read one value as models see it: integers are floats, but for those of lists.

        Parameters
        ----------
        value
            As in `read`.
        factor, language : optional
            As in `read`.

        Returns
        -------
        int, float, str, bool or None

        Raises
        ------
        ValueError
            As `read`.
        """
        found = self._safely(value, factor, language)
        if self.kind != "integer" or found is None:
            return found
        return float(found) if self.usual_levels is None else int(found)

    def code_name(self, value: Any) -> str:
        """Give the name of a value that means missing.

        Parameters
        ----------
        value : object
            What was given.

        Returns
        -------
        str
            Empty where it has none, or means something.
        """
        try:
            value = plain(value)
            return "" if type(value) is bool else self.codes.get(value, "")
        except Exception:  # no such value means missing
            return ""

    def with_codes(self, codes: Codes) -> Field:
        """Give the same field with further values that mean missing.

        Parameters
        ----------
        codes : tuple of (code, str)
            Where the field has a name for one of them already, that stays.

        Returns
        -------
        Field
        """
        if not codes:
            return self
        return msgspec.structs.replace(self, missing=as_codes({**dict(codes), **dict(self.missing)}))

    def _safely(self, value: Any, factor: float, language: Language) -> Value:
        try:
            return self._read(value, factor)
        except RefusedError as error:
            raise self._refusal(language, *error.args) from None
        except Exception:  # a foreign object's own error may hold personal data
            raise self._refusal(language, "expected", "tipo") from None

    def _refusal(self, language: Language, text: str, code: str) -> RefusedError:
        """Put an error into words."""
        limits, expected = self.limits_in(language), self.expected_in(language)
        values = {"limits": limits, "expected": expected, "longest": LONGEST}
        return RefusedError(say(language, f"records.{text}", **values), code)

    def _read(self, value: Any, factor: float) -> Value:
        value = plain(value)
        if value is None or (self.missing and type(value) is not bool and value in self.codes):
            return None
        if self.kind == "boolean":
            self._demand(isinstance(value, bool))
            return bool(value)
        if self.kind == "category":
            return self._read_category(value)
        return self._read_number(value, factor)

    def _demand(self, right: bool) -> None:
        if not right:
            raise RefusedError("expected", "tipo")

    def _read_category(self, value: Any) -> Value:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        self._demand(isinstance(value, (str, int)) and not isinstance(value, bool))
        given: Any = value
        level: str | int = self.known_level(given)
        if isinstance(level, int) and not INT64[0] <= level <= INT64[1]:
            raise RefusedError("out_of_reach", "rango")
        if isinstance(level, str) and not is_text(level):
            raise RefusedError("half_characters", "tipo")
        if isinstance(level, str) and len(level) > LONGEST and level not in (self.usual_levels or ()):
            raise RefusedError("too_long", "rango")
        if self.categories is not None and level not in self._allowed:
            raise RefusedError("must_be", "categoria")
        if not isinstance(level, type((self.usual_levels or ("",))[0])):
            raise RefusedError(f"category_as_{'integer' if isinstance(level, str) else 'text'}", "tipo")
        return level

    def known_level(self, level: str | int) -> str | int:
        """Give the known category that a text is in another Unicode normal form, or the text itself.

        Parameters
        ----------
        level : str or int
            A category.

        Returns
        -------
        str or int
        """
        if isinstance(level, int) or level in self._allowed or level in self._seen:
            return level
        return self._by_normal_form.get(unicodedata.normalize("NFC", level), level)

    def _read_number(self, value: Any, factor: float) -> Value:
        number: int | float
        self._demand(isinstance(value, (Real, Decimal)) and not isinstance(value, bool))
        try:
            number = int(value) if self.kind == "integer" and isinstance(value, Integral) else float(value)
            number = number if factor == 1 else number * factor
        except (ValueError, OverflowError):
            raise RefusedError("out_of_reach", "rango") from None
        if self.kind == "integer" and isinstance(number, float) and math.isfinite(number):
            self._demand(number.is_integer() or factor != 1)
            number = round(number) or math.copysign(0.0, number)  # zero keeps its sign, as in a column
        if not (INT64[0] <= number <= INT64[1] if isinstance(number, int) else math.isfinite(number)):
            raise RefusedError("out_of_reach", "rango")
        return self._within(number)

    def _within(self, number: int | float) -> int | float:
        if self.categories is not None and number not in self._allowed:
            raise RefusedError("must_be", "categoria")
        low, high = self.interval
        if not low <= number <= high or number in (self.gt, self.lt):
            raise RefusedError("must_lie_between" if self._limits.closed else "must_lie", "rango")
        return number if self.kind == "integer" else float(number)

    def unusual(self, value: Value, language: Language = "es") -> str | None:
        """Describe in what way a valid value is outside what the training data held.

        Parameters
        ----------
        value : int, float, str, bool or None
            As `read` gives it.
        language : {'es', 'en', 'pt'}, default='es'
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

    @property
    def exact_type(self) -> Any:
        """The same type with integers as `int`, as `read` gives them."""
        if self.kind != "integer" or self.usual_levels is not None:
            return self.usual_type
        limits = self._tightest()
        low = math.ceil(limits.ge or 0) if limits.gt is None else math.floor(limits.gt) + 1
        high = math.floor(limits.le or 0) if limits.lt is None else math.ceil(limits.lt) - 1
        base: Any = Annotated[int, msgspec.Meta(ge=low, le=high)]
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
        language : {'es', 'en', 'pt'}, default='es'
            Of its title, its description and its unit.

        Returns
        -------
        dict
            Only declared limits appear.
        """
        codes = list(self.codes)
        if self.categories is not None:
            out: dict[str, Any] = {"enum": [*self.categories, *([] if self.required else [*codes, None])]}
        else:
            levels = self.usual_levels or ("",)
            of_integers = self.kind == "category" and isinstance(levels[0], int)
            kind = "integer" if of_integers else _JSON_TYPES.get(self.kind, "string")
            out = {"type": kind if self.required else [kind, "null"]} | json_limits(self._limits, kind)
            if codes:
                out = out | {"not": {"enum": codes}} if self.required else {"anyOf": [out, {"enum": codes}]}
        shown = self.words_in(language)
        words = {
            "title": shown.label,
            "description": shown.help,
            "x-unidad": shown.unit,
            "x-alias": self.aliases,
            "x-faltante": {str(code): name for code, name in self.missing},
        }
        return out | {key: word for key, word in words.items() if word}
