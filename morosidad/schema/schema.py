"""The schema of a record: ordered fields, validation of mappings and JSON, JSON Schema.

A schema knows two kinds of limit. A *declared* one is a rule: a value outside it is refused.
An *observed* one is what the training data happened to hold: a value outside it is scored and
comes back with a warning. A record without any value is refused, unless every field may be missing:
nobody stands behind it. One msgspec conversion checks all this at once; only a record that fails it
pays for finding out why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import astuple

from morosidad.errors import FieldError, InvalidRecord, SchemaError
from morosidad.languages import Language, check_language
from morosidad.schema.field import EXACT, Field, Observed, Value
from morosidad.schema.inference import infer_fields
from morosidad.schema.record_forms import Record, as_mapping, field_error, struct_of
from morosidad.schema.spelling import may_help

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Field", "Observed", "Record", "Schema", "Value"]

# a hostile record may hold any number of names: near matches cost time, errors cost room
_MAX_HINTS = 10
_MAX_STRANGERS = 100


class Schema:
    """The fields of a record, in order.

    Parameters
    ----------
    fields : iterable of Field
        The fields; the order is that of the values everywhere else.
    target : str, optional
        Name of the column that training data holds the answer in. It is no field.
    name, version : str
        Go into the model file and into every line of the decision log.
    ignored : iterable of str
        Names that a record may hold and that are no fields, as columns that a pipeline drops.
    language : {'es', 'en', 'pt'}
        Of errors and warnings. It is no part of the schema's identity.

    Raises
    ------
    SchemaError
        If a field is something else, two fields or aliases share a name, or the target is a field.

    Examples
    --------
    >>> schema = Schema([Field("edad", "integer", ge=18, le=85, required=True)])
    >>> schema.validate({"edad": 40})
    {'edad': 40}
    """

    def __init__(
        self,
        fields: Iterable[Field],
        target: str | None = None,
        *,
        name: str = "esquema",
        version: str = "1",
        ignored: Iterable[str] = (),
        language: Language = "es",
    ) -> None:
        self.fields: tuple[Field, ...] = tuple(fields)
        if strangers := sorted(
            {type(f).__name__ for f in list[object](self.fields) if not isinstance(f, Field)}
        ):
            raise SchemaError(f"fields: each must be a Field, not {', '.join(strangers)}")
        self.target = target
        self.name = name
        self.version = version
        self.language: Language = check_language(language)
        self.names: tuple[str, ...] = tuple(field.name for field in self.fields)
        self._aliases: dict[str, tuple[str, float]] = {
            alias: (f.name, factor) for f in self.fields for alias, factor in f.aliases.items()
        }
        self.ignored: tuple[str, ...] = tuple(ignored)
        self._check()
        self._fast = struct_of(self.fields)
        self._decode = msgspec.json.Decoder(self._fast).decode

    def _check(self) -> None:
        if not self.fields:
            raise SchemaError("a schema needs at least one field")
        taken = [*self.names, *(alias for field in self.fields for alias in field.aliases)]
        if len(set(taken)) < len(taken):
            twice = next(name for name in taken if taken.count(name) > 1)
            raise SchemaError(f"the name {twice!r} stands for two fields or aliases", twice)
        if both := [name for name in self.ignored if name in taken]:
            raise SchemaError(f"{both[0]!r} can't be ignored and a field too", both[0])
        if self.target in taken:
            raise SchemaError(f"the target {self.target!r} can't be a field too", str(self.target))

    @property
    def wants_a_value(self) -> bool:
        """Whether a record without any value is refused: a usual one has some."""
        return any(field.always for field in self.fields)

    # -- a record ------------------------------------------------------------------------------

    def validate(self, record: Record) -> dict[str, Value]:
        """Check a record and give its values by name.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            Aliases are resolved. ``None`` and NaN mean that a value is missing.

        Returns
        -------
        dict
            One typed value per field, ``None`` where missing.

        Raises
        ------
        InvalidRecord
            With every wrong field at once; no message holds a value.
        """
        return self.named(self.read(record)[0])

    def named(self, values: Sequence[Value]) -> dict[str, Value]:
        """Give the values that `read` gave by name.

        Parameters
        ----------
        values : sequence
            In the order of the fields.

        Returns
        -------
        dict of str to int, float, str, bool or None
            Integers as `int`.
        """
        pairs = zip(self.fields, values, strict=True)
        return {f.name: int(v) if f.kind == "integer" and v is not None else v for f, v in pairs}

    def read(self, record: Record) -> tuple[tuple[Value, ...], tuple[str, ...]]:
        """Check a record and give its values in field order, and what is unusual about them.

        This is `validate` for the path of a record: one conversion when all is usual.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As in `validate`.

        Returns
        -------
        values : tuple
            One typed value per field, ``None`` where missing; integers are floats, as models see them.
        warnings : tuple of str
            One for each value outside what the training data held.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        """
        try:
            if type(record) is dict:
                return astuple(msgspec.convert(record, self._fast)), ()
            if isinstance(record, (bytes, bytearray, memoryview, str)):
                return astuple(self._decode(record)), ()
        except (msgspec.MsgspecError, ValueError, RecursionError, SystemError):
            pass  # SystemError: msgspec before 0.22 trips over integers that no float reaches
        given = as_mapping(record, [*self.names, *self._aliases], self.language)
        try:
            return astuple(msgspec.convert(self._tidy(given), self._fast)), ()
        except Exception:  # a foreign value's own error may hold personal data; examining names the field
            return self._examine(given)

    def _tidy(self, record: Mapping[Any, Any]) -> dict[Any, Any]:
        """Leave out NaN and bring plain aliases to their fields, so that one conversion can do the rest."""
        tidy: dict[Any, Any] = {}
        for key, value in record.items():
            if key in self.ignored:
                continue
            name, factor = self._aliases.get(key, (key, 1.0))
            if factor != 1 or (name != key and (name in record or name in tidy)):
                raise ValueError
            if value == value:
                tidy[name] = value
        return tidy

    def _examine(self, record: Mapping[Any, Any]) -> tuple[tuple[Value, ...], tuple[str, ...]]:
        given, errors = self._resolve(record)
        values: list[Value] = []
        warnings: list[str] = []
        for field in self.fields:
            if field.name in given:
                try:
                    value = field.read(*given[field.name], self.language)
                except ValueError as error:
                    errors.append(FieldError(field.name, *error.args))
                    continue
            else:
                value = None
            if value is None and field.required:
                errors.append(field_error(self.language, "missing", "falta", field.name))
            elif (unusual := field.unusual(value, self.language)) is not None:
                warnings.append(f"{field.name}: {unusual}")
            exact = isinstance(value, int) and field.kind == "integer" and abs(value) <= EXACT
            values.append(float(value) if exact and value is not None else value)
        if not errors and self.wants_a_value and all(value is None for value in values):
            errors.append(field_error(self.language, "empty", "registro"))
        if errors:
            order = {name: place for place, name in enumerate(self.names)}
            raise InvalidRecord(sorted(errors, key=lambda e: order.get(e.field, len(order))))
        return tuple(values), tuple(warnings)

    def _resolve(self, record: Mapping[Any, Any]) -> tuple[dict[str, tuple[Any, float]], list[FieldError]]:
        """Bring aliases to their fields: (value, unit factor) by field name."""
        given: dict[str, tuple[Any, float]] = {}
        errors: list[FieldError] = []
        known, strangers = set(self.names), 0
        for key, value in record.items():
            if not isinstance(key, str):
                errors.append(field_error(self.language, "names_not_text", "registro"))
            elif key in known or key in self._aliases:
                name, factor = self._aliases.get(key, (key, 1.0))
                if name in given:
                    errors.append(field_error(self.language, "twice", "duplicado", name))
                given[name] = (value, factor)
            elif key not in self.ignored:
                strangers += 1
                if strangers > _MAX_STRANGERS:
                    continue
                shown = key[:64].encode("utf-8", "replace").decode()
                near = self._nearest(shown) if strangers <= _MAX_HINTS and may_help() else None
                text = "unknown" if near is None else "unknown_near"
                errors.append(field_error(self.language, text, "desconocido", shown, near=near))
        if (more := strangers - _MAX_STRANGERS) > 0:
            errors.append(field_error(self.language, "more_unknown", "desconocido", more=more))
        return given, errors

    def _nearest(self, key: str) -> str | None:
        from difflib import get_close_matches

        return next(iter(get_close_matches(key, [*self.names, *self._aliases], n=1)), None)

    # -- as data -------------------------------------------------------------------------------

    @classmethod
    def infer(
        cls, frame: pd.DataFrame, target: str | None = None, *, name: str = "esquema", version: str = "1"
    ) -> Schema:
        """Make a schema from training data.

        Ranges and categories are observed, not declared: a value outside them is scored, with a
        warning on the decision, and so is a missing one where none was missing.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            Training data: numbers, booleans, text or pandas categories.
        target : str, optional
            The column that holds the answer; it becomes no field.
        name, version : str
            As in `Schema`.

        Returns
        -------
        Schema
            With one field for each other column.

        Raises
        ------
        InvalidFrame
            If it is no data frame, the target is missing, or a column is of a kind that no field has
            (dates, mixed).
        """
        return cls(infer_fields(frame, target), target, name=name, version=version)

    def to_dict(self) -> dict[str, Any]:
        """Give the schema as plain data.

        Returns
        -------
        dict
            Ready for JSON.
        """
        fields = msgspec.to_builtins(self.fields)
        data = {"name": self.name, "version": self.version, "target": self.target, "fields": fields}
        return {**data, "ignored": list(self.ignored)} if self.ignored else data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """Make the schema that `to_dict` gave.

        Parameters
        ----------
        data : mapping
            What `to_dict` gave.

        Returns
        -------
        Schema

        Raises
        ------
        SchemaError
            If the data is no schema.
        """
        try:
            fields = msgspec.convert(data["fields"], list[Field])
            target = msgspec.convert(data["target"], str | None)
            name, version = msgspec.convert((data["name"], data["version"]), tuple[str, str])
            ignored = msgspec.convert(data.get("ignored", ()), tuple[str, ...])
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise SchemaError(f"this is no schema: {error}") from None
        return cls(fields, target, name=name, version=version, ignored=ignored)

    @cached_property
    def digest(self) -> str:
        """BLAKE2b-128 of the schema's content, in hexadecimal."""
        content = msgspec.json.encode(self.to_dict(), order="sorted")
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def json_schema(self) -> dict[str, Any]:
        """Describe a record as JSON Schema (2020-12), for OpenAPI and for the web form.

        Returns
        -------
        dict
            Only declared limits appear. Aliases stand under ``x-alias``, units under ``x-unidad``.
        """
        return {
            "type": "object",
            "title": self.name,
            "properties": {field.name: field.json_schema(self.language) for field in self.fields},
            "required": [field.name for field in self.fields if field.required],
            "additionalProperties": False,
        }

    def replace(self, fields: Iterable[Field]) -> Schema:
        """Give the same schema with other fields.

        Parameters
        ----------
        fields : iterable of Field
            All of them.

        Returns
        -------
        Schema
            With the same target, name, version and ignored names.
        """
        identity: dict[str, Any] = {"name": self.name, "version": self.version, "ignored": self.ignored}
        return Schema(fields, self.target, **identity, language=self.language)

    def in_language(self, language: Language) -> Schema:
        """Give the same schema, speaking another language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            Of errors and warnings.

        Returns
        -------
        Schema
            With the same digest.
        """
        if language == self.language:
            return self
        other = copy(self)
        other.language = check_language(language)
        return other

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, name: str) -> Field:
        if name not in self.names:
            raise KeyError(name)
        return self.fields[self.names.index(name)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{field.name}: {field.expected_in(self.language)}" for field in self.fields)
        return f"Schema({self.name!r}, {len(self)} fields: {kinds})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Schema.from_dict, (self.to_dict(),), {"language": self.language}
