"""How long the event loop has been at work without a look at what else has arrived."""

from __future__ import annotations

import asyncio
import time

_LIMIT = 0.010


class Pulse:
    """Tells when the turns of the event loop hold more work than can be answered soon.

    A turn takes all requests that have arrived. When there was too much in one, those for which there
    is no time in the next are refused; that takes little, so that the turn after it begins early and
    finds few. What counts is the processor time of the loop itself: who only waited for a processor has
    not been busy, and one long turn alone may be a collection of garbage.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._spent = 0.0
        self._long_before = False

    @property
    def overloaded(self) -> bool:
        """Whether new work should be refused in this turn; to be asked on the loop, before each request."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._spent = now, time.thread_time()
            asyncio.get_running_loop().call_soon(self._end)
            return False
        return self._long_before and now - self._began > _LIMIT and self._is_long()

    def _is_long(self) -> bool:
        return time.thread_time() - self._spent > _LIMIT

    def _end(self) -> None:
        self._long_before = self._is_long()
        self._began = None
