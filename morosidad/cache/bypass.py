"""Adaptive cache bypass: a cache is left out while lookups and stores cost more than its hits save."""

from __future__ import annotations

import time
from collections.abc import Callable

_SAMPLE_EVERY = 64
_MEMORY = 0.1
_MARGIN = 0.8
_STRETCH = 1024
_TRIAL_EVERY = 8
_FIRST_SAMPLES = 8


class CacheBypass:
    """Compares what lookups and stores cost with the scoring that hits save, measured on one call in 64.

    A cache that is bypassed is tried again for one stretch of 1024 calls in eight, since without lookups
    there are no hits to see.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.

    Attributes
    ----------
    lookup, scoring, storing : float or None
        Seconds that each takes, as a moving mean.
    hits : float
        Share of the lookups that are answered, as a moving mean that begins at 1.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.lookup: float | None = None
        self.scoring: float | None = None
        self.storing: float | None = None
        self.hits: float = 1.0
        self._pays = True
        self._samples = 0
        self._calls = 0

    @property
    def cache_used(self) -> bool:
        """Whether the cache is asked."""
        return self._pays or (self._calls // _STRETCH) % _TRIAL_EVERY == _TRIAL_EVERY - 1

    def should_measure(self) -> bool:
        """Count a call, and tell whether it is one to measure.

        Returns
        -------
        bool
            True once in 64 calls.
        """
        self._calls += 1
        return self._calls % _SAMPLE_EVERY == 1

    def add_measurement(
        self, lookup: float, scoring: float, storing: float | None = None, hit: bool | None = None
    ) -> None:
        """Take one measurement of each, and choose whether to use the cache.

        Parameters
        ----------
        lookup, scoring, storing : float
            Seconds; None where it was not done.
        hit : bool, optional
            Whether the lookup was answered; None where nothing could have been stored before.
        """
        self.lookup = _mean(self.lookup, lookup)
        self.scoring = _mean(self.scoring, scoring)
        if storing is not None:
            self.storing = _mean(self.storing, storing)
        if hit is not None:
            self.hits = _mean(self.hits, float(hit))
            self._samples += 1
            if self._samples < _FIRST_SAMPLES:
                return  # the first stores are slow, and tell little
        cost = self.lookup + (1.0 - self.hits) * (self.storing or 0.0)
        saved = self.hits * self.scoring
        self._pays = cost < (saved if self._pays else saved * _MARGIN)

    def __str__(self) -> str:
        if self.lookup is None or self.scoring is None:
            return "in use, not measured yet"
        costs = {"a lookup": self.lookup, "scoring": self.scoring, "storing": self.storing}
        shown = [f"{name} takes {seconds * 1e6:.1f} µs" for name, seconds in costs.items() if seconds]
        return f"{'in use' if self._pays else 'bypassed'}: {', '.join(shown)}, {self.hits:.0%} are hits"


def _mean(before: float | None, now: float) -> float:
    return now if before is None else before + _MEMORY * (now - before)
