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

from morosidad.errors import FieldError, InvalidRecord, SchemaError
from morosidad.languages import Language, check_language
from morosidad.schema.conversion import FastConversion, GivenNames
from morosidad.schema.field import EXACT, Field, Observed, Value
from morosidad.schema.record_forms import Record, as_mapping, field_error
from morosidad.schema.values import Codes, MissingGiven, as_codes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Field", "Observed", "Record", "Schema", "Value"]


class Schema:
    """The fields of a record, in order.

    Parameters
    ----------
    fields : iterable of Field
        The fields; the order is that of the values everywhere else.
    target : str, optional
        Name of the column that training data holds the answer in. It is no field.
    name, version : str, optional
        Go into the model file and into every line of the decision log.
    ignored : iterable of str, optional
        Names that a record may hold and that are no fields, as columns that a pipeline drops.
    language : {'es', 'en', 'pt'}, default='es'
        Of errors and warnings. It is no part of the schema's identity.
    missing : sequence of (str, int or float), or mapping of those to str, optional
        Values that mean missing in every field, as `Field` takes them for one: ``("NA",)``.

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
        missing: MissingGiven = (),
    ) -> None:
        self.fields: tuple[Field, ...] = tuple(fields)
        if strangers := sorted(
            {type(f).__name__ for f in list[object](self.fields) if not isinstance(f, Field)}
        ):
            raise SchemaError(f"fields: each must be a Field, not {', '.join(strangers)}")
        try:
            self.missing: Codes = as_codes(missing)
        except ValueError as error:
            raise SchemaError(f"schema: {error}") from None
        self.fields = tuple(field.with_codes(self.missing) for field in self.fields)
        self.target = target
        self.name = name
        self.version = version
        self.language: Language = check_language(language)
        self.names: tuple[str, ...] = tuple(field.name for field in self.fields)
        self.ignored: tuple[str, ...] = tuple(ignored)
        self._given = GivenNames(self.fields, self.ignored)
        self._check()
        self._fast = FastConversion(self.fields)

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
        if (usual := self._fast.exact.of(record)) is not None:
            return dict(zip(self.names, usual, strict=False))  # as many
        values = self.read(record)[0]
        pairs = zip(self.fields, values, strict=True)
        if any(type(v) is float and f.kind == "integer" and abs(v) > EXACT for f, v in pairs):
            values = self._examine(as_mapping(record, self._given.known), exact=True)[0]
        return self.named(values)

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
        if (usual := self._fast.of(record)) is not None:
            return usual, ()
        given = as_mapping(record, self._given.known, self.language)
        try:
            return self._fast.of_mapping(self._given.tidy(given)), ()
        except Exception:  # a foreign value's own error may hold personal data; examining names the field
            return self._examine(given)

    def _examine(
        self, record: Mapping[Any, Any], *, exact: bool = False
    ) -> tuple[tuple[Value, ...], tuple[str, ...]]:
        """Read field by field; with `exact`, integers that no float holds stay what they are."""
        given, errors = self._given.resolve(record, self.language)
        values: list[Value] = []
        warnings: list[str] = []
        for field in self.fields:
            value: Value = None
            if field.name in given:
                read = field.read if exact else field.read_for_model
                try:
                    value = read(*given[field.name], self.language)
                except ValueError as error:
                    errors.append(FieldError(field.name, *error.args))
                    continue
            if value is None and field.required:
                errors.append(field_error(self.language, "missing", "falta", field.name))
            elif (unusual := field.unusual(value, self.language)) is not None:
                warnings.append(f"{field.name}: {unusual}")
            values.append(value)
        if not errors and self.wants_a_value and all(value is None for value in values):
            errors.append(field_error(self.language, "empty", "registro"))
        if errors:
            order = {name: place for place, name in enumerate(self.names)}
            raise InvalidRecord(sorted(errors, key=lambda e: order.get(e.field, len(order))))
        return tuple(values), tuple(warnings)

    @cached_property
    def names_codes(self) -> bool:
        """Whether a value that means missing has a name in some field."""
        return any(name for field in self.fields for name in field.codes.values())

    def missing_names(self, record: Record) -> dict[str, str]:
        """Give the names of the values of a valid record that mean missing.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As in `validate`.

        Returns
        -------
        dict of str to str
            By field; those without a name are left out.
        """
        if not self.names_codes:
            return {}
        given, _ = self._given.resolve(as_mapping(record, self._given.known))
        found = {f.name: f.code_name(given[f.name][0]) for f in self.fields if f.name in given}
        return {name: words for name, words in found.items() if words}

    # -- as data -------------------------------------------------------------------------------

    @classmethod
    def infer(
        cls,
        frame: pd.DataFrame,
        target: str | None = None,
        *,
        name: str = "esquema",
        version: str = "1",
        missing: MissingGiven = (),
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
        name, version, missing : optional
            As in `Schema`. Values that look like codes for a missing one and are not given here are
            pointed at by a `SuspectedCodesWarning`.

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
        from morosidad.schema.inference import infer_fields  # loaded where one is inferred

        fields = infer_fields(frame, target, missing)
        return cls(fields, target, name=name, version=version, missing=missing)

    def to_dict(self) -> dict[str, Any]:
        """Give the schema as plain data.

        Returns
        -------
        dict
            Ready for JSON.
        """
        fields = msgspec.to_builtins(self.fields)
        data = {"name": self.name, "version": self.version, "target": self.target, "fields": fields}
        data |= {"ignored": list(self.ignored)} if self.ignored else {}
        return data | ({"missing": [list(pair) for pair in self.missing]} if self.missing else {})

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
            missing = msgspec.convert(data.get("missing", ()), tuple[Any, ...])
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise SchemaError(f"this is no schema: {error}") from None
        return cls(fields, target, name=name, version=version, ignored=ignored, missing=missing)

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
            With the same target, name, version, ignored names and codes that mean missing.
        """
        identity: dict[str, Any] = {"name": self.name, "version": self.version, "ignored": self.ignored}
        return Schema(fields, self.target, **identity, missing=self.missing, language=self.language)

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
