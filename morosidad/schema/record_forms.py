"""Records in any form (mapping, JSON, database row, object with attributes) as mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from morosidad.errors import FieldError, InvalidRecord
from morosidad.languages import Language, say

Record = Mapping[str, Any] | bytes | bytearray | memoryview | str | object
"""What `Schema.validate` takes: a mapping, JSON, or an object with attributes."""


def as_mapping(record: Any, names: Iterable[str], language: Language = "es") -> Mapping[Any, Any]:
    """Give a record of any form as a mapping.

    Parameters
    ----------
    record : mapping, JSON as bytes or text, or object with attributes
        As `Schema.validate` takes it.
    names : iterable of str
        The attributes to look for.
    language : {'es', 'en', 'pt'}
        Of what the error says.

    Returns
    -------
    mapping

    Raises
    ------
    InvalidRecord
        If it is no record.
    """
    try:
        if isinstance(record, (bytes, bytearray, memoryview, str)):
            record = msgspec.json.decode(record)
            if not isinstance(record, dict):
                raise _no_record(language, "not_an_object")
        if isinstance(record, Mapping):
            return dict(record.items())
        if hasattr(record, "columns") and hasattr(record, "shape"):
            raise _no_record(language, "a_table")
        if hasattr(record, "keys") and hasattr(record, "__getitem__"):
            return {key: record[key] for key in record.keys()}  # noqa: SIM118 - rows of databases have keys only
        found = {name: getattr(record, name) for name in names if hasattr(record, name)}
    except InvalidRecord:
        raise
    except (msgspec.MsgspecError, ValueError):
        raise _no_record(language, "not_json") from None
    except Exception:  # a foreign object's own error may hold personal data
        raise _no_record(language, "unreadable") from None
    if not found:
        raise _no_record(language, "no_record")
    return found


def _no_record(language: Language, text: str) -> InvalidRecord:
    return InvalidRecord([field_error(language, text, "registro")])


def field_error(language: Language, text: str, code: str, field: str = "", **values: object) -> FieldError:
    """Put an error into words.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.
    text : str
        The name of the text.
    code : str
        The kind of error.
    field : str
        The field's name; empty for the record as a whole.
    **values
        What the text's placeholders stand for.

    Returns
    -------
    FieldError
    """
    return FieldError(field, say(language, f"records.{text}", **values), code)


def plain_key(key: Any) -> Any:
    """Give a name of a record as plain text where it is of a subclass of `str`, as a member of an enum.

    Parameters
    ----------
    key : object
        A key of a mapping.

    Returns
    -------
    object
    """
    return str.__str__(key) if isinstance(key, str) and type(key) is not str else key
