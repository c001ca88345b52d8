"""Event-loop load: the length of the loop's turns, and the share of requests that is refused for it."""

from __future__ import annotations

import asyncio
import time

_AIM, _LIMIT, _PAUSE = 0.010, 0.015, 0.050


class LoopLoad:
    """Tells when the turns of the event loop hold more work than can be answered soon.

    A turn takes all requests that have arrived. Where two in a row took more than 10 ms, a share of the
    requests is refused, such that the next takes about so long, and all that come when it has taken 15 ms.
    The share is the same for all, wherever in a turn they come: the last are those whose connection is new.

    What counts is the processor time of the loop itself: who only waited for a processor has not been
    busy, and one long turn alone may be a collection of garbage. After a pause of 50 ms all is forgotten.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._spent = 0.0
        self._ended = 0.0
        self._long_before = False
        self._share = 1.0
        self._credit = 0.0

    @property
    def overloaded(self) -> bool:
        """Whether new work should be refused in this turn; to be asked on the loop, before each request."""
        now = time.monotonic()
        if self._began is None:
            self._begin(now)
            return False
        if self._long_before and now - self._began > _LIMIT and self._taken() > _LIMIT:
            return True
        if self._share == 1.0:
            return False
        self._credit += self._share
        if self._credit < 1.0:
            return True
        self._credit -= 1.0
        return False

    def _begin(self, now: float) -> None:
        if now - self._ended > _PAUSE:
            self._long_before, self._share = False, 1.0
        self._began, self._spent = now, time.thread_time()
        asyncio.get_running_loop().call_soon(self._end)

    def _taken(self) -> float:
        return time.thread_time() - self._spent

    def _end(self) -> None:
        taken = self._taken()
        first_of_its_kind, self._long_before = not self._long_before, taken > _AIM
        if not (self._long_before and first_of_its_kind):
            self._share = min(1.0, self._share * min(2.0, max(0.5, _AIM / max(taken, 1e-9))))
        self._began, self._ended = None, time.monotonic()
