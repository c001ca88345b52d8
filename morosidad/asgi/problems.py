"""What can go wrong with a request, as the wire tells it: a status, a code, and words in Spanish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from morosidad.errors import DeadlineExceeded, FieldError, InvalidRecord, TransientError


class Problem(Exception):
    """A request that is answered with an error document.

    Parameters
    ----------
    status : int
        The HTTP status.
    code : str
        One of the wire's codes, such as ``E002``.
    message : str
        In Spanish; it holds no value of a record and nothing internal.
    errors : sequence of FieldError
        Every wrong field.
    retry_after : float, optional
        Seconds after which another try makes sense.
    headers : sequence of (bytes, bytes)
        Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.errors: tuple[FieldError, ...] = tuple(errors)
        self.headers: list[tuple[bytes, bytes]] = list(headers)
        if retry_after is not None:
            self.headers.append((b"retry-after", b"%d" % max(1, round(retry_after))))
        super().__init__(code)


class ErrorDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The error document of the wire; in a batch, what stands in the place of a bad record."""

    error: str
    codigo: str
    errores: tuple[FieldError, ...] = ()
    tiempo_procesamiento: float | None = None
    request_id: str | None = None
    indice: int | None = None


def unreadable(message: str, errors: Sequence[FieldError] = ()) -> Problem:
    """Say that the request is not one: E001."""
    return Problem(400, "E001", message, errors=errors)


def too_large(limit: int) -> Problem:
    """Say that the body is over the limit: E413. What is left of it is not read."""
    message = f"El cuerpo supera los {limit} bytes permitidos"
    return Problem(413, "E413", message, headers=[(b"connection", b"close")])


def not_known(message: str) -> Problem:
    """Say that a key is needed: E401."""
    return Problem(401, "E401", message, headers=[(b"www-authenticate", b"Bearer")])


def forbidden(message: str) -> Problem:
    """Say that the key or the origin is the wrong one: E403."""
    return Problem(403, "E403", message)


def too_many(retry_after: float) -> Problem:
    """Say that the client sends too much: E429."""
    return Problem(429, "E429", "Demasiadas solicitudes", retry_after=retry_after)


def unavailable(message: str, retry_after: float = 1.0, *, close: bool = False) -> Problem:
    """Say that the server can't take the work now: E503."""
    headers = [(b"connection", b"close")] if close else []
    return Problem(503, "E503", message, retry_after=retry_after, headers=headers)


def problem_of(error: Exception) -> Problem:
    """Translate an exception; what is not foreseen becomes E500 and tells nothing."""
    match error:
        case Problem():
            return error
        case InvalidRecord():
            return Problem(400, "E002", "Datos inválidos", errors=error.errors)
        case DeadlineExceeded():
            return Problem(504, "E504", "No hubo respuesta a tiempo", retry_after=error.retry_after)
        case TransientError():
            return unavailable("El servicio no puede atender ahora", error.retry_after or 1.0)
    return Problem(500, "E500", "Error interno del servidor")


_BY_STATUS: dict[int, tuple[str, str]] = {
    404: ("E404", "No existe esa dirección"),
    405: ("E405", "Método no permitido"),
}


def problem_of_status(status: int, headers: Any = None) -> Problem:
    """Translate what the router says: no such path, no such method."""
    code, message = _BY_STATUS.get(status, ("E500", "Error interno del servidor"))
    allowed = [
        (b"allow", value.encode()) for name, value in (headers or {}).items() if name.lower() == "allow"
    ]
    return Problem(status if status in _BY_STATUS else 500, code, message, headers=allowed)
