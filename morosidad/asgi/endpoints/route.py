"""A route of the HTTP interface: its path, its handler, how it is admitted, and its OpenAPI operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from morosidad.asgi.adjusting.adjuster import digest_of
from morosidad.asgi.endpoints.call import Call, Reply
from morosidad.asgi.guards.keys import KeyScope

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

Handler = Callable[[Call], Awaitable[Reply]]


class Samples(NamedTuple):
    """Made-up requests and their answers, for the examples of an OpenAPI document.

    Attributes
    ----------
    applicants : list of dict
        Records that the schema accepts.
    decisions : list of dict
        What the model in use decides on them.
    batch_size : int
        Most records in one batch.
    mutable : list of str
        The fields that may be changed.
    fields : int
        How many the schema has.
    """

    applicants: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    batch_size: int
    mutable: list[str]
    fields: int


Content = Callable[[Samples], dict[str, Any]]
"""Makes a content object of OpenAPI, by media type."""


class Operation(NamedTuple):
    """How OpenAPI describes a route.

    Attributes
    ----------
    name : str
        Its ``operationId``; under this name the languages have its summary.
    answer : callable
        Makes the content of the answer 200.
    body : callable, optional
        Makes the content of the request's body.
    codes : tuple of str
        Error codes besides those that each route has for its scope and its body.
    unready : callable, optional
        Makes the content of an answer 503 that is no error document.
    """

    name: str
    answer: Content
    body: Content | None = None
    codes: tuple[str, ...] = ()
    unready: Content | None = None


def model_digest(service: Service) -> str:
    """Give the digest of the model that is served."""
    return service.scorer.digest


def settings_digest(service: Service) -> str:
    """Give the digest of the settings that may change."""
    return digest_of(service.settings)


class Route(NamedTuple):
    """One path of the HTTP interface.

    Attributes
    ----------
    method : {"GET", "POST"}
        Its method.
    path : str
        Its exact path.
    handler : coroutine function
        Takes the `Call`.
    operation : Operation
        Its description.
    scope : str, optional
        The scope that a key must have; None for what anybody may see.
    rate : str, optional
        Which of the rate limits counts it; None for none.
    work : bool
        Whether it is refused while the server starts, stops or is overloaded.
    digest : callable
        Of an admin action: gives the digest of what it may change, for the log.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    operation: Operation
    scope: KeyScope | None = None
    rate: str | None = None
    work: bool = False
    digest: Callable[[Service], str] = model_digest
