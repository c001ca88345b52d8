"""A record as a whole: the names of its values, and the one conversion that checks a usual record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

import msgspec
from msgspec.structs import astuple

from morosidad.errors import FieldError
from morosidad.languages import Language
from morosidad.schema.field import Field, Row
from morosidad.schema.record_forms import field_error, plain_key
from morosidad.schema.values import is_text

# a hostile record may hold any number of names: near matches cost time, errors cost room
_MAX_HINTS = 10
_MAX_STRANGERS = 100

_help_left: ContextVar[list[int] | None] = ContextVar("help_left", default=None)


@contextmanager
def limited_help(times: int) -> Iterator[None]:
    """Give help a number of times at most, however many records are read.

    Parameters
    ----------
    times : int
        How many names that are no fields get one that is near.
    """
    token = _help_left.set([times])
    try:
        yield
    finally:
        _help_left.reset(token)


def _may_help() -> bool:
    """Tell whether there is help left, and take some of it."""
    left = _help_left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0


class FastConversion:
    """Converts records whose values all lie within every limit, declared and observed.

    Whatever it takes it reads as `Field.read` does; whatever else there is it leaves to that.

    Parameters
    ----------
    fields : sequence of Field
        The fields of a record.
    exact : bool, default=False
        Whether integers are `int`, as people see them; else they are floats, as models do.
    """

    def __init__(self, fields: Sequence[Field], *, exact: bool = False) -> None:
        self._fields = fields
        self._struct = _struct_of(fields, exact)
        self._decode = msgspec.json.Decoder(self._struct).decode
        self._watched = tuple(_watched(fields))

    @cached_property
    def exact(self) -> FastConversion:
        """The same conversion, with integers as `int`."""
        return FastConversion(self._fields, exact=True)

    def of_mapping(self, record: Mapping[Any, Any]) -> Row:
        """Convert a mapping.

        Parameters
        ----------
        record : mapping
            Values by name.

        Returns
        -------
        tuple

        Raises
        ------
        ValueError, RecursionError, SystemError
            Where a value is none of the usual ones; SystemError: msgspec before 0.22 trips over
            integers that no float reaches.
        """
        values = astuple(msgspec.convert(record, self._struct))
        return self._checked(values) if self._watched else values

    def of(self, record: object) -> Row | None:
        """Convert a dict or JSON in which all is usual.

        Parameters
        ----------
        record : object
            As `Schema.validate` takes it.

        Returns
        -------
        tuple or None
            None for any other record.
        """
        try:
            if type(record) is dict:
                values = astuple(msgspec.convert(record, self._struct))
            elif isinstance(record, (bytes, bytearray, memoryview, str)):
                values = astuple(self._decode(record))
            else:
                return None
            return self._checked(values) if self._watched else values
        except (msgspec.MsgspecError, ValueError, RecursionError, SystemError):
            return None

    def _checked(self, values: Row) -> Row:
        for place, codes, free in self._watched:
            value = values[place]
            if value is not None and (value in codes or (free and not _is_plain_text(value))):
                raise ValueError
        return values


def _is_plain_text(value: object) -> bool:
    return type(value) is str and is_text(value)


def _watched(fields: Sequence[Field]) -> list[tuple[int, frozenset[Any], bool]]:
    """Give the fields whose type can't exclude all that is unusual: place, codes, whether any text fits."""
    found = []
    for place, field in enumerate(fields):
        ranged = field.usual_levels is None and field.kind != "boolean"
        free = ranged and field.kind == "category"
        if ranged and (free or field.missing):
            found.append((place, frozenset(field.codes), free))
    return found


def _struct_of(fields: Sequence[Field], exact: bool) -> type[msgspec.Struct]:
    """Make the type that one conversion checks every limit with, declared and observed."""
    kinds = [field.exact_type if exact else field.usual_type for field in fields]
    ordered = [
        (f"f{i}", kind) if field.always else (f"f{i}", kind, None)
        for i, (field, kind) in enumerate(zip(fields, kinds, strict=True))
    ]
    return msgspec.defstruct(
        "Values",
        ordered,
        rename={f"f{i}": field.name for i, field in enumerate(fields)},
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        gc=False,
    )


class GivenNames:
    """Brings the names of a record to those of the fields.

    Parameters
    ----------
    fields : sequence of Field
        The fields.
    ignored : sequence of str
        Names that may stand in a record and are no fields.
    """

    def __init__(self, fields: Sequence[Field], ignored: Sequence[str]) -> None:
        self._aliases: dict[str, tuple[str, float]] = {
            alias: (f.name, factor) for f in fields for alias, factor in f.aliases.items()
        }
        self._names = {field.name for field in fields}
        self._ignored = ignored
        self.known: list[str] = [*(field.name for field in fields), *self._aliases]

    def tidy(self, record: Mapping[Any, Any]) -> dict[Any, Any]:
        """Leave out NaN and bring plain aliases to their fields, so that one conversion can do the rest.

        Parameters
        ----------
        record : mapping
            Values by any name.

        Returns
        -------
        dict

        Raises
        ------
        ValueError
            If a unit factor is to be applied, or two names stand for one field.
        """
        tidy: dict[Any, Any] = {}
        for raw, value in record.items():
            key = plain_key(raw)
            if key in self._ignored:
                continue
            name, factor = self._aliases.get(key, (key, 1.0))
            if factor != 1 or (name != key and (name in record or name in tidy)):
                raise ValueError
            if type(value) is not float or value == value:
                tidy[name] = value
        return tidy

    def resolve(
        self, record: Mapping[Any, Any], language: Language = "es"
    ) -> tuple[dict[str, tuple[Any, float]], list[FieldError]]:
        """Bring aliases to their fields.

        Parameters
        ----------
        record : mapping
            Values by any name.
        language : {'es', 'en', 'pt'}
            Of the errors.

        Returns
        -------
        given : dict
            (value, unit factor) by field name.
        errors : list of FieldError
            What is wrong with the names.
        """
        given: dict[str, tuple[Any, float]] = {}
        errors: list[FieldError] = []
        known, strangers = self._names, 0
        for raw, value in record.items():
            key = plain_key(raw)
            if not isinstance(key, str):
                errors.append(field_error(language, "names_not_text", "registro"))
            elif key in known or key in self._aliases:
                name, factor = self._aliases.get(key, (key, 1.0))
                if name in given:
                    errors.append(field_error(language, "twice", "duplicado", name))
                given[name] = (value, factor)
            elif key not in self._ignored:
                strangers += 1
                if strangers > _MAX_STRANGERS:
                    continue
                shown = key[:64].encode("utf-8", "replace").decode()
                near = self._nearest(shown) if strangers <= _MAX_HINTS and _may_help() else None
                text = "unknown" if near is None else "unknown_near"
                errors.append(field_error(language, text, "desconocido", shown, near=near))
        if (more := strangers - _MAX_STRANGERS) > 0:
            errors.append(field_error(language, "more_unknown", "desconocido", more=more))
        return given, errors

    def _nearest(self, key: str) -> str | None:
        from difflib import get_close_matches

        return next(iter(get_close_matches(key, self.known, n=1)), None)
