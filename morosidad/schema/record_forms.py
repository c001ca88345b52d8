"""Records in any form (mapping, JSON, database row, object with attributes) as mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from morosidad.errors import FieldError, InvalidRecord

Record = Mapping[str, Any] | bytes | bytearray | memoryview | str | object
"""What `Schema.validate` takes: a mapping, JSON, or an object with attributes."""


def as_mapping(record: Any, names: Iterable[str]) -> Mapping[Any, Any]:
    """Give a record of any form as a mapping.

    Parameters
    ----------
    record : mapping, JSON as bytes or text, or object with attributes
        As `Schema.validate` takes it.
    names : iterable of str
        The attributes to look for.

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
                raise InvalidRecord([FieldError("", "se esperaba un objeto JSON", "registro")])
        if isinstance(record, Mapping):
            return dict(record.items())
        if hasattr(record, "columns") and hasattr(record, "shape"):
            raise InvalidRecord([FieldError("", "se esperaba un solo registro, no una tabla", "registro")])
        if hasattr(record, "keys") and hasattr(record, "__getitem__"):
            return {key: record[key] for key in record.keys()}  # noqa: SIM118 - rows of databases have keys only
        found = {name: getattr(record, name) for name in names if hasattr(record, name)}
    except InvalidRecord:
        raise
    except (msgspec.MsgspecError, ValueError):
        raise InvalidRecord([FieldError("", "no es JSON válido", "registro")]) from None
    except Exception:  # a foreign object's own error may hold personal data
        raise InvalidRecord([FieldError("", "no se puede leer el registro", "registro")]) from None
    if not found:
        raise InvalidRecord([FieldError("", "se esperaba un objeto con los campos del esquema", "registro")])
    return found


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
