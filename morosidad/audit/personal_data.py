"""Protection of personal data in the log: keyed hashes of values, and fields that identify a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from morosidad.audit.chain.hashing import digest_of

# Words that mark a field as a person's name or the number of a document.
_IDENTITY = {
    "nombre", "nombres", "apellido", "apellidos", "cedula", "documento", "dni", "nie", "nif", "nit",
    "pasaporte", "rfc", "curp", "rut", "cpf", "name", "names", "firstname", "lastname", "surname",
    "passport", "ssn",
}  # fmt: skip


def hash_values(values: Mapping[str, Any], key: bytes) -> str:
    """Hash an applicant's values as the log does with ``values="hash"``.

    With the key, whoever has a record can show that a line is about it; without the key, a hash
    tells nothing.

    Parameters
    ----------
    values : mapping
        The validated values by field.
    key : bytes
        The log's key.

    Returns
    -------
    str
        HMAC-SHA256 of the values as JSON, fields sorted, missing values left out and integers written
        as floats, in hex.
    """
    present = {
        field: float(value) if type(value) is int else value  # a scorer logs integers as models see them
        for field, value in values.items()
        if value is not None
    }
    return hash_text(msgspec.json.encode(present, enc_hook=encode_numpy, order="sorted"), key)


def hash_text(values: bytes, key: bytes) -> str:
    """Hash an applicant's values as JSON, written as `hash_values` says.

    Parameters
    ----------
    values : bytes
        The JSON object.
    key : bytes
        The log's key.

    Returns
    -------
    str
    """
    return digest_of(b"valores:" + values, key)


def names_a_person(field: str) -> bool:
    """Return whether a field, by its name, holds a person's name or the number of a document.

    Parameters
    ----------
    field : str
        The field's name.

    Returns
    -------
    bool
    """
    plain = unicodedata.normalize("NFKD", field.lower())
    words = set(re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c))))
    return bool(words & _IDENTITY) and "tipo" not in words


def encode_numpy(value: Any) -> Any:
    """Turn numpy's scalars and arrays into plain values.

    Parameters
    ----------
    value : numpy.generic or numpy.ndarray
        What msgspec can't encode.

    Returns
    -------
    object
        Plain Python values.
    """
    return value.tolist()
