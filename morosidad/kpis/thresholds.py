"""From which figure on something is wrong, and when it is right again."""

from __future__ import annotations

import msgspec


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The figures beyond which the state worsens or an alert opens.

    Attributes
    ----------
    p95_seconds : float
        95th percentile of the response time, in seconds.
    error_rate : float
        Share of the predictions that fail.
    throughput : float
        Predictions per second below which the service is slow, if work is waiting.
    mean_seconds : float
        Mean response time of the last minute, in seconds.
    memory_percent, cpu_percent : float
        Use of memory and of CPU, in per cent.
    cache_hit_rate : float
        Share of the lookups that the cache answers, below which it is of little use.
    min_lookups : int
        Lookups below which the hit rate says nothing yet.
    margin : float
        How far back beyond its threshold a figure must go to be right again, as a share of the threshold.
    """

    p95_seconds: float = 3.0
    error_rate: float = 0.05
    throughput: float = 1.0
    mean_seconds: float = 3.0
    memory_percent: float = 85.0
    cpu_percent: float = 80.0
    cache_hit_rate: float = 0.3
    min_lookups: int = 20
    margin: float = 0.1


class Limit:
    """A threshold with hysteresis: a figure that wavers about it does not switch to and fro.

    Parameters
    ----------
    threshold : float
        Beyond it the limit is passed.
    margin : float
        Share of the threshold by which the figure must come back.
    above : bool
        Whether what lies above is wrong, or what lies below.

    Attributes
    ----------
    passed : bool
        Whether the limit was passed when last looked at.
    """

    __slots__ = ("_above", "_back", "_threshold", "passed")

    def __init__(self, threshold: float, margin: float = 0.1, *, above: bool = True) -> None:
        self._threshold = threshold
        self._back = threshold * (1 - margin if above else 1 + margin)
        self._above = above
        self.passed: bool = False

    def check(self, figure: float | None) -> bool:
        """Look at the latest figure, None when there is none, and say whether the limit is passed."""
        if figure is None:
            self.passed = False
        else:
            line = self._back if self.passed else self._threshold
            self.passed = figure > line if self._above else figure < line
        return self.passed
