"""Memory and CPU in use, for the lines of the log."""

from __future__ import annotations

from collections.abc import Callable

Usage = tuple[float | None, float | None]


class MachineUsage:
    """Samples the machine's memory and CPU in use, in percent, at most once a second.

    Parameters
    ----------
    now : callable
        Gives the time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._sampled = float("-inf")
        self._usage: Usage = (None, None)

    def __call__(self) -> Usage:
        """Return the share of memory and of CPU in use; None for CPU until a second has passed."""
        now = self._now()
        if abs(now - self._sampled) >= 1:
            import psutil

            first = self._sampled == float("-inf")
            cpu = psutil.cpu_percent()  # since the last call; the first one has nothing to compare with
            self._usage = psutil.virtual_memory().percent, None if first else cpu
            self._sampled = now
        return self._usage
