"""Diagnosis of the service: its state by thresholds with hysteresis, and recommendations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from math import inf
from typing import Literal

import msgspec

from morosidad.alerts import Limit
from morosidad.kpis.counts import Counts
from morosidad.kpis.thresholds import Thresholds
from morosidad.languages import Language, say
from morosidad.processes.forking import renew_after_fork

ServiceState = Literal["EXCELENTE", "BUENO", "REGULAR", "CRITICO", "SIN DATOS"]

_Teller = Callable[..., str]

_SERVICE_STATES: tuple[ServiceState, ...] = ("EXCELENTE", "BUENO", "REGULAR", "CRITICO")
_QUEUED = 1.0  # waiting on average: the load exceeds the capacity
_BUSY = 0.5  # under way on average: so does one who waits half of the time


class StageTimes(msgspec.Struct, frozen=True):
    """Latency statistics of one stage, in seconds.

    Attributes
    ----------
    samples : int
        Predictions that were timed by stage.
    mean, p50, p95, p99 : float
        Mean and percentiles of the seconds.
    """

    samples: int = msgspec.field(name="muestras")
    mean: float = msgspec.field(name="promedio")
    p50: float
    p95: float
    p99: float


class Diagnosis:
    """Compares the counts of a window with the thresholds, with hysteresis.

    Parameters
    ----------
    thresholds : Thresholds
        The limits of good service.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        t = thresholds
        self._thresholds = t
        self._latency = Limit(t.p95_seconds, t.margin)
        self._failures = Limit(t.error_rate, t.margin)
        self._throughput = Limit(t.throughput, t.margin, above=False)
        self._cache = Limit(t.cache_hit_rate, t.margin, above=False)
        self._memory = Limit(t.memory_percent, t.margin)
        self._cpu = Limit(t.cpu_percent, t.margin)
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def assess(
        self, counts: Counts, p95: float, stages: Mapping[str, StageTimes], language: Language = "es"
    ) -> tuple[ServiceState, tuple[str, ...]]:
        """Return the state and, for each cause of trouble, what to do.

        The state counts how many of three things are wrong: the 95th percentile of the response time, the
        share of failures, and the throughput. Low throughput is wrong only if work is waiting.

        Parameters
        ----------
        counts : Counts
            The counts of the window.
        p95 : float
            95th percentile of the response time, in seconds.
        stages : mapping of str to StageTimes
            Latency statistics of the stages.
        language : {'es', 'en', 'pt'}
            Of the recommendations.

        Returns
        -------
        tuple of (str, tuple of str)
            The state, and the recommendations.
        """
        with self._lock:
            asked = counts.total > 0
            slow = self._latency.check((p95 if counts.ok else inf) if asked else None)
            failing = self._failures.check(counts.failures / counts.total if asked else None)
            starved = self._throughput.check(counts.rate if asked and _waiting(counts) else None)
            told, advice = _teller(language), []
            if slow:
                advice.append(self._on_latency(counts, p95, stages, told))
            if failing:
                advice.append(_on_failures(counts, told))
            if starved:
                advice.append(told("starved", rate=counts.rate))
            advice += self._on_resources(counts, told)
        return (_SERVICE_STATES[slow + failing + starved] if asked else "SIN DATOS"), tuple(advice)

    def _on_latency(self, counts: Counts, p95: float, stages: Mapping[str, StageTimes], told: _Teller) -> str:
        if not counts.ok:
            return told("none_succeeded")
        cause = told("slow", p95=p95, limit=self._thresholds.p95_seconds)
        if (counts.queue or 0) >= _QUEUED:
            return told("slow_queue", cause=cause, queue=counts.queue)
        if stages:
            stage, times = max(stages.items(), key=lambda stage: stage[1].p95)
            advice = told(f"{stage}_advice")
            return told("slow_stage", cause=cause, stage=told(stage), seconds=times.p95, advice=advice)
        return told("slow_unknown", cause=cause)

    def _on_resources(self, counts: Counts, told: _Teller) -> list[str]:
        advice = []
        hit_rate = counts.hit_rate if counts.lookups >= self._thresholds.min_lookups else None
        if self._cache.check(hit_rate):
            advice.append(told("few_hits", rate=hit_rate))
        if self._memory.check(counts.memory):
            advice.append(told("much_memory", percent=counts.memory))
        if self._cpu.check(counts.cpu):
            advice.append(told("much_cpu", percent=counts.cpu))
        return advice


def _waiting(counts: Counts) -> bool:
    return (counts.queue or 0) >= _QUEUED or counts.busy >= _BUSY


def _on_failures(counts: Counts, told: _Teller) -> str:
    by_timeouts = 2 * counts.timeouts >= counts.failures
    text = "failing_by_timeouts" if by_timeouts else "failing_by_errors"
    number = counts.timeouts if by_timeouts else counts.errors
    return told(text, share=counts.failures / counts.total, number=number, failures=counts.failures)


def _teller(language: Language) -> _Teller:
    """Give what finds a text by its name."""
    return lambda name, **values: say(language, f"service.{name}", **values)
