"""Thresholds of the key figures, for the state of the service and for alerts."""

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
