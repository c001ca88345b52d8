"""Error documents: status, code and message of what can go wrong with a request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from morosidad.errors import DeadlineExceeded, FieldError, InvalidRecord, TransientError
from morosidad.languages import Language, Message
from morosidad.languages.catalogue import DEFAULT, in_language

MOST_ERRORS = 300
"""So many wrong fields stand in one error document, and a number in place of more."""


class Problem(Exception):
    """A request that is answered with an error document.

    Parameters
    ----------
    code : str
        One of `CODES`; its status is the answer's.
    message : str
        What `told` gives: the answer has it in the language of the service. It holds no value of a record
        and nothing internal.
    errors : sequence of FieldError
        Every wrong field.
    retry_after : float, optional
        Seconds after which another try makes sense.
    headers : sequence of (bytes, bytes)
        Further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.status: int = CODES[code].status
        self.code = code
        self.message = message
        self.errors: tuple[FieldError, ...] = shortened(errors)
        self.headers: list[tuple[bytes, bytes]] = list(headers)
        if retry_after is not None:
            self.headers.append((b"retry-after", b"%d" % max(1, math.ceil(retry_after))))
        super().__init__(code)


class ErrorCode(NamedTuple):
    """One of the wire's codes: its status."""

    status: int


CODES = {
    "E001": ErrorCode(400),
    "E002": ErrorCode(400),
    "E401": ErrorCode(401),
    "E403": ErrorCode(403),
    "E404": ErrorCode(404),
    "E405": ErrorCode(405),
    "E413": ErrorCode(413),
    "E429": ErrorCode(429),
    "E500": ErrorCode(500),
    "E503": ErrorCode(503),
    "E504": ErrorCode(504),
}


class ErrorDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The error document of the wire; `errores` only where there are any."""

    error: str
    codigo: str
    errores: tuple[FieldError, ...] = ()
    tiempo_procesamiento: float
    request_id: str


def told(name: str, **values: object) -> Message:
    """Give a text of the server by its name, to be said in the language of the service.

    Returns
    -------
    Message
    """
    return Message(DEFAULT, f"server.{name}", **values)


def wrong(name: str, text: str, code: str, **values: object) -> FieldError:
    """Say what is wrong with a part of a request.

    Returns
    -------
    FieldError
        Its text is said again in the language of the service.
    """
    return FieldError(name, Message(DEFAULT, text, **values), code)


def said(problem: Problem, language: Language) -> tuple[str, tuple[FieldError, ...]]:
    """Give the message and the errors of a problem in a language.

    Returns
    -------
    tuple of (str, tuple of FieldError)
    """
    errors = tuple(FieldError(e.field, in_language(e.message, language), e.code) for e in problem.errors)
    return in_language(problem.message, language), errors


def bad_request(message: str, errors: Sequence[FieldError] = ()) -> Problem:
    """Say that the request is not one: E001."""
    return Problem("E001", message, errors=errors)


def too_large(limit: int) -> Problem:
    """Say that the body is over the limit: E413. What is left of it is not read."""
    message = told("too_large", limit=limit)
    return Problem("E413", message, headers=[(b"connection", b"close")])


def unauthenticated(message: str) -> Problem:
    """Say that a key is needed: E401."""
    return Problem("E401", message, headers=[(b"www-authenticate", b"Bearer")])


def forbidden(message: str) -> Problem:
    """Say that the key or the origin is the wrong one: E403."""
    return Problem("E403", message)


def too_many(retry_after: float, message: str = "") -> Problem:
    """Say that the client sends too much: E429."""
    return Problem("E429", message or told("too_many"), retry_after=retry_after)


def shortened(
    errors: Sequence[FieldError], most: int = MOST_ERRORS, language: Language = DEFAULT
) -> tuple[FieldError, ...]:
    """Give the first errors, and how many more there are."""
    if len(errors) <= most:
        return tuple(errors)
    more = in_language(told("more_errors", more=len(errors) - most), language)
    return (*errors[:most], FieldError("", more, "resto"))


def unavailable(message: str, retry_after: float = 1.0, *, close: bool = False) -> Problem:
    """Say that the server can't take the work now: E503."""
    headers = [(b"connection", b"close")] if close else []
    return Problem("E503", message, retry_after=retry_after, headers=headers)


def problem_of(error: Exception) -> Problem:
    """Translate an exception; what is not foreseen becomes E500 and tells nothing."""
    match error:
        case Problem():
            return error
        case InvalidRecord():
            return Problem("E002", told("invalid"), errors=error.errors)
        case DeadlineExceeded():
            return Problem("E504", told("late"), retry_after=error.retry_after)
        case TransientError():
            return unavailable(told("unavailable"), error.retry_after or 1.0)
    return Problem("E500", told("internal"))


def not_routed(status: int, headers: Mapping[str, str] | None) -> Problem:
    """Translate what the router says: no such method, or no such path."""
    if status != 405:
        return Problem("E404", told("no_path"))
    allowed = [(b"allow", value.encode()) for name, value in (headers or {}).items() if name == "Allow"]
    return Problem("E405", told("no_method"), headers=allowed)


def source_of(error: BaseException) -> str:
    """Name an exception and where it came from, for the log; its message may hold personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno})"
    return f"{type(error).__name__}{place}"
