"""Request bodies: read within limits of size and time, decoded once, refused when ambiguous."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from morosidad.asgi.problems import Problem, bad_request, told, too_large, wrong
from morosidad.errors import FieldError

_NOT_JSON = told("not_json")
_NOT_DECLARED = told("not_declared")
_DOUBLED = told("doubled")
_NOT_AN_OBJECT = wrong("", "records.no_record", "registro")
_MAX_STRANGERS = 20
_decode = msgspec.json.Decoder().decode

BOUNDED_READ = "morosidad.bounded_read"
"""ASGI extension of a server that itself ends requests which do not arrive in time."""


class ClientGone(Exception):
    """The client left before its request had arrived."""


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """Read a request's body.

    Parameters
    ----------
    scope, receive
        The request, and the ASGI channel that its body comes by.
    limit : int
        Most bytes.
    seconds : float
        In which it must have arrived.

    Returns
    -------
    bytes

    Raises
    ------
    Problem
        E413 when it is too large, E001 when it does not arrive in time.
    ClientGone
        The connection ended before.
    """
    if BOUNDED_READ in scope.get("extensions", ()):
        return await _collect(receive, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, limit)
    except TimeoutError:
        message = told("body_late", seconds=seconds)
        raise Problem("E001", message, headers=[(b"connection", b"close")]) from None


async def _collect(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body = message.get("body", b"")
        size += len(body)
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return b"".join([*parts, body]) if parts else body
        parts.append(body)


def check_media_type(given: bytes) -> None:
    """Refuse a body that is declared to be something else than JSON in UTF-8.

    Raises
    ------
    Problem
        E001.
    """
    essence, *parameters = given.decode("latin-1").lower().split(";")
    kind, _, name = essence.strip().partition("/")
    right = kind == "application" and (name == "json" or name.endswith("+json"))
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        right &= name != "charset" or value.strip('"') in ("utf-8", "utf8")
    if not right:
        raise bad_request(_NOT_DECLARED)


def decode(body: bytes) -> Any:
    """Decode JSON, once, and refuse objects that give a name twice.

    Raises
    ------
    Problem
        E001.
    """
    if not body:
        raise bad_request(told("no_data"))
    try:
        found = _decode(body)
        doubled = _repeats_a_name(body, found)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise bad_request(_NOT_JSON) from None
    if doubled:
        raise bad_request(_DOUBLED)
    return found


def record_of(found: Any, also: Collection[str] = ()) -> dict[str, Any]:
    """Give the record of a decoded request: what stands under ``datos``.

    Parameters
    ----------
    found : object
        The request.
    also : collection of str
        Further names that it may hold; whoever takes them looks at what they hold.

    Returns
    -------
    dict of str to object

    Raises
    ------
    Problem
        E001 when the request lacks it or holds something else, E002 when it is no object.
    """
    if type(found) is not dict:
        raise bad_request(told("no_envelope"))
    record = found.get("datos")
    if len(found) > 1 or record is None:
        _check_envelope(found, also)
    if type(record) is not dict:
        raise Problem("E002", told("invalid"), errors=[_NOT_AN_OBJECT])
    return record


def _check_envelope(found: dict[str, Any], also: Collection[str]) -> None:
    errors: list[FieldError] = []
    if "datos" not in found:
        errors.append(wrong("datos", "records.missing", "falta"))
    for name, value in found.items():
        match name, value:
            case "datos", _:
                pass
            case "timestamp_cliente", bool():
                errors.append(wrong(name, "server.a_number", "tipo"))
            case ("timestamp_cliente", int() | float() | None) | ("session_id", str() | None):
                pass
            case "timestamp_cliente", _:
                errors.append(wrong(name, "server.a_number", "tipo"))
            case "session_id", _:
                errors.append(wrong(name, "server.a_text", "tipo"))
            case _ if name not in also and len(errors) < _MAX_STRANGERS:
                shown = name[:64].encode("utf-8", "replace").decode()
                errors.append(wrong(shown, "server.unknown_name", "desconocido"))
    if errors:
        raise bad_request(told("wrong_envelope"), errors)


def _repeats_a_name(body: bytes, found: Any) -> bool:
    """Tell whether an object in the body gives a name twice; decoding keeps the last one only.

    Every name is followed by a colon, so there are at least as many colons as names that were sent.
    Without escapes every quote delimits a string, so the quotes tell how many strings were sent.
    """
    if type(found) is dict:
        record = found.get("datos")
        names = len(found) + (len(record) if type(record) is dict else 0)
        if body.count(b":") == names:
            return False
    if b"\\" not in body:
        return body.count(b'"') != 2 * _strings(found)
    try:
        json.loads(body, object_pairs_hook=_refuse_repeated)
    except _RepeatedError:
        return True
    return False


def _strings(found: Any) -> int:
    """Count the strings in a decoded document, names included."""
    if type(found) is dict:
        number, values = len(found), list(found.values())
    elif type(found) is list:
        number, values = 0, found
    else:
        return int(type(found) is str)
    kinds = list(map(type, values))
    number += kinds.count(str)
    if dict in kinds or list in kinds:
        number += sum(_strings(value) for value in values if type(value) is dict or type(value) is list)
    return number


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedError
    return found


class _RepeatedError(Exception):
    """An object gives a name twice."""
