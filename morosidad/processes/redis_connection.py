"""Connections to a Redis that processes share: a short time-out, no retries, and what may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morosidad.errors import MissingExtra

if TYPE_CHECKING:
    import redis


def connect(url: str, timeout: float, what: str) -> redis.Redis:
    """Connect without retries.

    Parameters
    ----------
    url : str
        Where Redis is: ``redis://host:port/db``; ``rediss://`` and ``unix://`` too.
    timeout : float
        Seconds for each call.
    what : str
        What needs it, for the error.

    Returns
    -------
    redis.Redis

    Raises
    ------
    MissingExtra
        If the ``redis`` package is not installed.
    ValueError
        If the address is none.
    """
    package = _package(what)
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client: redis.Redis = package.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )
    return client


def connection_errors(what: str = "Redis") -> tuple[type[Exception], ...]:
    """Name the errors of a call that did not get through.

    Parameters
    ----------
    what : str, default='Redis'
        What needs the package, for the error.

    Returns
    -------
    tuple of type

    Raises
    ------
    MissingExtra
        If the ``redis`` package is not installed.
    """
    return (_package(what).RedisError, OSError)


def _package(what: str) -> Any:
    try:
        import redis
    except ModuleNotFoundError as error:
        raise MissingExtra(what, "redis") from error
    return redis
