"""How long the event loop has been at work without a look at what else has arrived."""

from __future__ import annotations

import asyncio
import time

_LIMIT = 0.015


class Pulse:
    """Tells when one turn of the event loop holds more work than can be answered soon.

    A turn takes all requests that have arrived. Those for which there was no time in it are refused,
    which takes little, so that the next turn begins early and finds few. What counts is the processor
    time of the loop itself: who only waited for a processor has not been busy.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._spent = 0.0

    @property
    def overloaded(self) -> bool:
        """Whether new work should be refused in this turn; to be asked on the loop, before each request."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._spent = now, time.thread_time()
            asyncio.get_running_loop().call_soon(self._end)
            return False
        return now - self._began > _LIMIT and time.thread_time() - self._spent > _LIMIT

    def _end(self) -> None:
        self._began = None
