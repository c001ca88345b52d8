"""How often a client may ask."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from morosidad.asgi.problems import too_many

_logger = logging.getLogger("morosidad.asgi")

WEIGHTS = {"score": 1, "form": 10, "metrics": 2, "admin": 1}
"""How many times the limit a client may ask for each kind of thing; a form checks as one types."""


class RateLimiter:
    """Counts the requests of each client in a sliding minute.

    When the storage fails, requests are let through and `failing` says so: a limiter that is down must
    not stop the service.

    Parameters
    ----------
    per_minute : int
        Requests a minute for decisions; other kinds have a multiple of it.
    storage : str, optional
        Address of a Redis that several processes share; this process's memory by default.
    """

    def __init__(self, per_minute: int, storage: str | None = None) -> None:
        from limits import RateLimitItemPerMinute
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        self._strategy = SlidingWindowCounterRateLimiter(_storage(storage))
        self._items = {kind: RateLimitItemPerMinute(per_minute * n) for kind, n in WEIGHTS.items()}
        self.failing: bool = False

    async def hit(self, kind: str, client: str) -> None:
        """Count a request.

        Raises
        ------
        Problem
            E429 with the seconds to wait.
        """
        item = self._items[kind]
        try:
            if await self._strategy.hit(item, kind, client):
                self.failing = False
                return
            stats = await self._strategy.get_window_stats(item, kind, client)
        except Exception as error:
            if not self.failing:
                _logger.warning("el límite de solicitudes no funciona: %s", type(error).__name__)
            self.failing = True
            return
        raise too_many(max(1.0, math.ceil(stats.reset_time - time.time())))


def _storage(address: str | None) -> Any:
    from limits.aio.storage import MemoryStorage
    from limits.storage import storage_from_string

    if address is None:
        return MemoryStorage()
    options: dict[str, float | str | bool] = {
        "socket_timeout": 0.25,
        "socket_connect_timeout": 0.25,
        "implementation": "redispy",
        "wrap_exceptions": True,
    }
    return storage_from_string(f"async+{address}", **options)
