"""How late the event loop is: the one queue that no counter shows."""

from __future__ import annotations

import asyncio

_EVERY = 0.01
_LATE = 0.025


class Pulse:
    """A heartbeat on the event loop; a late beat means that work piles up before it.

    Attributes
    ----------
    overloaded : bool
        Whether new work should be refused: the last two beats were both late.
    """

    def __init__(self) -> None:
        self.overloaded: bool = False
        self._late_before = False
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._beat(asyncio.get_running_loop(), first=True)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.overloaded = False

    def _beat(self, loop: asyncio.AbstractEventLoop, *, first: bool = False) -> None:
        late = not first and loop.time() - self._due > _LATE
        self.overloaded = late and self._late_before
        self._late_before = late
        self._due = loop.time() + _EVERY
        self._timer = loop.call_at(self._due, self._beat, loop)
