"""The settings of a running server, read again from their sources and applied as one step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from morosidad.alerts import SETTINGS_REFUSED, AlertBook
from morosidad.asgi.guards.access import Access, access_of
from morosidad.asgi.guards.connections import ConnectionLimits, connection_limits
from morosidad.asgi.guards.rates import RateLimiter
from morosidad.asgi.problems import Problem, bad_request, told
from morosidad.asgi.runtime.background import BackgroundThreads
from morosidad.asgi.runtime.server import refuse_unprotected
from morosidad.errors import FieldError, MissingExtra, SettingsError
from morosidad.processes.marks import SharedMark
from morosidad.settings import Settings
from morosidad.settings.settings import LIVE

_logger = logging.getLogger("morosidad.asgi")
_LOGGERS = ("morosidad", "uvicorn")
_AJUSTE = "ajuste"


class Adjustable(Protocol):
    """What a server has that its settings change."""

    settings: Settings
    access: Access
    limiter: RateLimiter | None
    connections: ConnectionLimits
    background: BackgroundThreads
    alerts: AlertBook


class Adjusted(msgspec.Struct, frozen=True):
    """What has changed.

    Attributes
    ----------
    cambiados : tuple of str
        Settings with another value now.
    requieren_reinicio : tuple of str
        Settings with another value in their sources, which a server takes only when it starts.
    anterior, huella : str
        Digests of the settings that may change, before and now.
    """

    cambiados: tuple[str, ...]
    requieren_reinicio: tuple[str, ...]
    anterior: str
    huella: str


class ShownSetting(msgspec.Struct, frozen=True):
    """A setting that may change: its value, without secrets, and where that comes from."""

    nombre: str
    valor: bool | int | float | str | tuple[str, ...] | None
    origen: str


class ShownSettings(msgspec.Struct, frozen=True):
    """The settings that may change, and their digest."""

    ajustes: tuple[ShownSetting, ...]
    huella: str


class Adjuster:
    """Reads the settings of a server again; processes that share a file of figures follow each other.

    Parameters
    ----------
    server : Adjustable
        What is adjusted.
    reread : callable or None
        Reads the settings from their sources; None where a program gave them.
    shared : str or None
        The file that the processes share; None when there is only this one.
    """

    def __init__(self, server: Adjustable, reread: Callable[[], Settings] | None, shared: str | None) -> None:
        self._server = server
        self._reread = reread
        self._mark = SharedMark(None if shared is None else f"{shared}.ajustes")
        self._one_at_a_time = asyncio.Lock()

    @property
    def rereads(self) -> bool:
        """Whether there are sources to be read again."""
        return self._reread is not None

    async def adjust(self) -> Adjusted:
        """Read the sources again, apply what may change, and let the other processes know.

        Raises
        ------
        Problem
            E001 where there are no sources, E500 with every wrong setting: then nothing has changed.
        """
        done = await self._adjust()
        await self._server.background.run(self._mark.leave, done.huella)
        return done

    async def follow(self) -> None:
        """Read the sources again when another process has."""
        if self.rereads and self._mark.is_news(digest_of(self._server.settings)):
            try:
                await self._adjust()
            except Problem:
                _logger.error("the settings of another process could not be followed")

    def shown(self) -> ShownSettings:
        """Give the settings that may change, without secrets.

        Returns
        -------
        ShownSettings
        """
        settings = self._server.settings
        sources = settings.sources()
        found = (ShownSetting(name, settings.shown(name), sources[name]) for name in LIVE)
        return ShownSettings(tuple(found), digest_of(settings))

    async def _adjust(self) -> Adjusted:
        if self._reread is None:
            raise bad_request(told("no_sources"))
        async with self._one_at_a_time:
            try:
                found = await self._server.background.run(self._reread)
                done = await self._apply(found)
            except (SettingsError, MissingExtra) as error:
                raise self._refused(error) from None
            except Exception as error:
                raise self._refused(error, type(error).__name__) from None
        self._server.alerts.report(SETTINGS_REFUSED, False)
        return done

    def _refused(self, error: Exception, name: str = "") -> Problem:
        """Say in the log, by an alert and to who asked why everything stays as it was."""
        problems = error.problems if isinstance(error, SettingsError) else (name or str(error),)
        _logger.error("the settings stay as they are: %s", "; ".join(problems))
        self._server.alerts.report(SETTINGS_REFUSED, True)
        wrong = [FieldError("", problem, _AJUSTE) for problem in problems]
        return Problem("E500", told("not_adjusted"), errors=wrong)

    async def _apply(self, found: Settings) -> Adjusted:
        """Make all that the new settings need, then put it in place without a step in between."""
        server = self._server
        old, new = server.settings, server.settings.taking(found)
        changed = tuple(name for name in LIVE if getattr(new, name) != getattr(old, name))
        refuse_unprotected(new)
        access, limits = access_of(new), connection_limits(new)
        before = limiter = server.limiter
        if not new.rate_limit_enabled:
            limiter = None
        elif limiter is None or limiter.per_minute != new.rate_limit_per_minute:
            limiter = RateLimiter(new.rate_limit_per_minute, new.rate_limit_storage)
        server.settings, server.access, server.limiter = new, access, limiter
        server.connections.most, server.connections.most_of_one = limits
        if new.log_level != old.log_level:
            for name in _LOGGERS:
                logging.getLogger(name).setLevel(new.log_level)
        if before is not None and before is not limiter:
            await before.close()
        late = _needing_a_restart(old, found)
        _logger.info("settings changed: %s; after a restart: %s", _listed(changed), _listed(late))
        return Adjusted(changed, late, digest_of(old), digest_of(new))


def digest_of(settings: Settings) -> str:
    """Give the digest of the settings that may change.

    Parameters
    ----------
    settings : Settings
        All of them.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    values: dict[str, Any] = {name: getattr(settings, name) for name in LIVE}
    return sha256(msgspec.json.encode(values)).hexdigest()[:16]


def _needing_a_restart(old: Settings, found: Settings) -> tuple[str, ...]:
    names = (name for name in found.sources() if name not in LIVE)
    return tuple(name for name in names if getattr(old, name) != getattr(found, name))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
