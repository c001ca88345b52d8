"""Rate limits: what a client asks for in a sliding minute; a batch is as much as it holds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from morosidad.asgi.problems import told, too_many
from morosidad.errors import MissingExtra, SettingsError
from morosidad.settings.setting_types import REDIS_ADDRESS

_logger = logging.getLogger("morosidad.asgi")

WEIGHTS = {"score": 1, "form": 10, "metrics": 2, "admin": 1}
"""How many times the limit a client may ask for each kind of thing; a form checks as one types."""

_PAUSE = 1.0
_TIMEOUT = 0.25
_AT_MOST = 1.0


class RateLimiter:
    """Counts the requests of each client in a sliding minute.

    When the storage fails, requests are let through and `failing` says so: a limiter that is down must
    not stop the service. It is asked again after a second, so that requests do not wait for it.

    Parameters
    ----------
    per_minute : int
        Requests a minute for decisions; other kinds have a multiple of it.
    storage : str, optional
        Address of a Redis that several processes share; this process's memory by default.
    clock : callable
        Seconds, for the pause after a failure.

    Attributes
    ----------
    per_minute : int
        Decisions that a client may ask for in a minute.
    failing : bool
        Whether the storage failed when it was last asked.

    Raises
    ------
    SettingsError
        If the storage is of no kind that is known.
    MissingExtra
        If what talks to the storage is not installed.
    """

    def __init__(
        self, per_minute: int, storage: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from limits import RateLimitItemPerMinute
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        self._storage = _storage(storage)
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)
        self._items = {kind: RateLimitItemPerMinute(per_minute * n) for kind, n in WEIGHTS.items()}
        self.per_minute: int = per_minute
        self._clock = clock
        self._again = 0.0
        self.failing: bool = False

    async def hit(self, kind: str, client: str, cost: int = 1, *, refusal: str = "too_many") -> None:
        """Count a request, or what it weighs beyond one.

        Parameters
        ----------
        kind : str
            One of `WEIGHTS`.
        client : str
            Who asks.
        cost : int
            As how many it counts; all of them, or none.
        refusal : str, default='too_many'
            The name of the text that refuses it: of the server's, and of what is ``left`` in this minute.

        Raises
        ------
        Problem
            E429 with the seconds to wait.
        """
        if self.failing and self._clock() < self._again:
            return
        item = self._items[kind]
        wait, left = 0.0, 0
        try:
            async with asyncio.timeout(_AT_MOST):  # whatever the storage's own limits on time let through
                if not await self._strategy.hit(item, kind, client, cost=cost):
                    stats = await self._strategy.get_window_stats(item, kind, client)
                    left = max(0, stats.remaining)
                    wait = max(1.0, math.ceil(stats.reset_time - time.time()))
        except Exception as error:
            if not self.failing:
                _logger.warning("the rate limit does not work: %s", type(error).__name__)
            self.failing = True
            self._again = self._clock() + _PAUSE
            return
        self.failing = False
        if wait:
            raise too_many(wait, told(refusal, left=left))

    async def close(self) -> None:
        """Let go of the connections to the storage."""
        bridge = getattr(self._storage, "bridge", None)
        if bridge is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AT_MOST):
                    await bridge.storage.aclose()


def _storage(address: str | None) -> Any:
    from limits.aio.storage import MemoryStorage
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string

    if address is None:
        return MemoryStorage()
    options: dict[str, float | str | bool] = {
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _TIMEOUT,
        "implementation": "redispy",
        "wrap_exceptions": True,
    }
    try:
        import redis  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtra("counting requests in Redis", "redis") from None
    try:
        return storage_from_string(f"async+{address}", **options)
    except (ConfigurationError, ValueError):
        raise SettingsError([f"rate_limit_storage: expected {REDIS_ADDRESS}"]) from None
