"""Limits on open connections: of the process, of one address, and below what the system allows."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from morosidad.errors import SettingsError
from morosidad.settings import Settings

_logger = logging.getLogger("morosidad.asgi")

FEWEST_HANDLES = 256
"""With fewer a server has no room for connections beside its own files."""

ROUTE = "conexión"
"""Under which refused connections are counted beside the routes."""

Refused = Literal["E503", "E429"]
_LOGGED_EVERY = 10.0


class ConnectionLimits:
    """Counts the open connections of a process, and says which are too many.

    Parameters
    ----------
    most : int
        Connections of the process.
    most_of_one : int
        Connections of one address; a proxy that is trusted stands for many clients and has no such limit.
    refused : Counter
        Where refusals are counted, by route and code.
    clock : callable
        Seconds, for the pause between two lines of the log.
    """

    def __init__(
        self,
        most: int,
        most_of_one: int,
        refused: Counter[tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self._refused = refused
        self._clock = clock
        self._open = 0
        self._by_address: Counter[str] = Counter()
        self._unlogged = 0
        self._logged = -_LOGGED_EVERY

    def __len__(self) -> int:
        return self._open

    def opened(self, address: str, *, trusted: bool = False) -> Refused | None:
        """Count a connection; it is to be given back with `closed` also where it is refused.

        Parameters
        ----------
        address : str
            Who connects.
        trusted : bool
            Whether it is a proxy that stands for others.

        Returns
        -------
        {"E503", "E429"} or None
            Why it is refused: there are too many, or too many of this address.
        """
        self.took_over(address)
        code: Refused | None = None
        if self._open > self.most:
            code = "E503"
        elif not trusted and self._by_address[address] > self.most_of_one:
            code = "E429"
        if code is not None:
            self._refused[ROUTE, code] += 1
            self._log()
        return code

    def took_over(self, address: str) -> None:
        """Count a connection that was let in already, under another protocol."""
        self._open += 1
        self._by_address[address] += 1

    def closed(self, address: str) -> None:
        """Give a connection back."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _log(self) -> None:
        """Say how many were refused, once in a while: a line for each would be a flood of its own."""
        self._unlogged += 1
        now = self._clock()
        if now - self._logged >= _LOGGED_EVERY:
            _logger.warning(
                "connections refused: %d (open: %d, limit: %d, of one address: %d)",
                self._unlogged, self._open, self.most, self.most_of_one,
            )  # fmt: skip
            self._logged, self._unlogged = now, 0


def connection_limits(settings: Settings) -> tuple[int, int]:
    """Give the limits on connections, of a process and of one address.

    What the settings don't say stays below three quarters of the file handles that the process may have,
    and one address gets at most three quarters of all.

    Raises
    ------
    SettingsError
        Where the system allows too few handles, or fewer than the settings ask for.
    """
    handles = _handles(settings.server_connections)
    if handles < FEWEST_HANDLES:
        raise SettingsError([f"ulimit -n: at least {FEWEST_HANDLES} file handles are needed, not {handles}"])
    room = handles * 3 // 4
    most = settings.server_connections
    if most > room:
        if settings.sources()["server_connections"] != "default":
            raise SettingsError(
                [f"server_connections: at most {room} with {handles} file handles (ulimit -n), not {most}"]
            )
        most = room
    return most, max(1, min(settings.server_connections_per_client, most * 3 // 4))


def _handles(connections: int) -> int:
    """Ask for as many handles as the connections need, where the system lets this process have them."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, which has no such limit
        return connections * 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = connections * 4 // 3 + FEWEST_HANDLES
    if soft != infinite and soft < wanted and (hard == infinite or soft < hard):
        soft = wanted if hard == infinite else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == infinite else soft
