"""Wrong keys: who sends many of them is slowed down, and an alert tells of it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable

from morosidad.asgi.problems import Problem, told, too_many

MOST = 30
_MINUTE = 60.0
_ADDRESSES = 10_000
_KEY_CODES = ("E401", "E403")


class FailedKeys:
    """Counts the refused keys of each address, minute by minute.

    A right key is let in whatever was sent before: else whoever shares an address with another
    client could lock it out.

    Parameters
    ----------
    clock : callable
        Seconds.

    Attributes
    ----------
    throttled : int
        Requests with a wrong key that were told to wait.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = -math.inf
        self._failed: Counter[str] = Counter()
        self.throttled: int = 0

    def judged(self, address: str, problem: Problem) -> Problem:
        """Count a refusal, and give what is answered.

        Parameters
        ----------
        address : str
            Who was refused.
        problem : Problem
            Why.

        Returns
        -------
        Problem
            The same, or E429 where it was refused too often in this minute.
        """
        if problem.code not in _KEY_CODES:
            return problem
        now = self._clock()
        if now >= self._until or len(self._failed) >= _ADDRESSES:
            self._failed.clear()
            self._until = now + _MINUTE
        self._failed[address] += 1
        if self._failed[address] <= MOST:
            return problem
        self.throttled += 1
        return too_many(self._until - now, told("too_many_keys"))
