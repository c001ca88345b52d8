"""Reporting on the predictions of the last minutes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.kpis.counts import BEGAN, USED, Counts, Lane, stage_sketches
from morosidad.kpis.diagnosis import Diagnosis, StageTimes
from morosidad.kpis.recorder import Recorder
from morosidad.kpis.report import KPIMetrics, KPIReport
from morosidad.kpis.thresholds import Thresholds
from morosidad.sketch import QuantileSketch

if TYPE_CHECKING:
    from morosidad.kpis.prometheus import KPICollector

_QUANTILES = (0.5, 0.95, 0.99)


class KPITracker(Recorder):
    """Key figures of the predictions of the last minutes, in constant memory.

    Time is cut into sub-windows. A report covers the one under way and those before it that make up the
    window: nothing older than `window`, and at most one sub-window less. Percentiles are within 1 % of
    `numpy.quantile` of the same latencies.

    Parameters
    ----------
    window : float
        Seconds that a report covers.
    subwindows : int
        Into how many parts the window is cut.
    zone : tzinfo or str, optional
        Time zone whose midnight begins a day, such as ``"America/Guayaquil"``; the machine's by default.
    thresholds : Thresholds, optional
        From which figures on the state worsens.
    shared : path-like, optional
        A file through which the processes of this machine show their counts to each other. Each gives the
        same path, and any of them reports on all.
    processes : int
        Most processes that may share the file at a time.
    stage_every : int
        `time_stages()` is true for one prediction in so many.
    clock : callable
        Seconds that only move forward; for all processes the same clock.
    wall : callable
        Seconds since 1970.

    Attributes
    ----------
    window, zone, thresholds, wall
        As given.
    time_stages : callable
        Says whether this prediction is one whose stages should be timed for `record_stages`.

    Raises
    ------
    ValueError
        A window or number that is not positive.
    ConfigurationError
        The shared file is none, is used with other parameters, or has no room.

    Examples
    --------
    >>> tracker = KPITracker()
    >>> tracker.record(0.004, probability=0.91, cached=False)
    >>> tracker.report().metrics.confidence
    0.91
    """

    def __init__(
        self,
        window: float = 300.0,
        *,
        subwindows: int = 300,
        zone: tzinfo | str | None = None,
        thresholds: Thresholds | None = None,
        shared: str | os.PathLike[str] | None = None,
        processes: int = 16,
        stage_every: int = 31,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            window,
            subwindows=subwindows,
            zone=zone,
            shared=shared,
            processes=processes,
            stage_every=stage_every,
            clock=clock,
            wall=wall,
        )
        self.thresholds: Thresholds = thresholds or Thresholds()
        self._diagnosis = Diagnosis(self.thresholds)

    def __repr__(self) -> str:
        return f"KPITracker(window={self.window:g}, predictions={self.counts().total})"

    def report(self) -> KPIReport:
        """Report on the window: figures, state and what to do."""
        counts = self.counts()
        total = counts.total
        p50, p95, p99 = (0.0 if isnan(q) else q for q in counts.latency.quantiles(_QUANTILES))
        metrics = KPIMetrics(
            p50=p50,
            p95=p95,
            p99=p99,
            throughput=float(counts.rate),
            success_rate=counts.ok / total if total else 0.0,
            error_rate=counts.failures / total if total else 0.0,
            timeout_rate=counts.timeouts / total if total else 0.0,
            cache_hit_rate=counts.hit_rate,
            cpu=counts.cpu,
            memory=counts.memory,
            connections=self.connections(),
            queue_size=counts.queue,
            predictions_today=self.predictions_today(),
            default_ratio=counts.default_ratio,
            confidence=counts.confidence,
        )
        state, recommendations = self._diagnosis.judge(counts, p95, self.stages())
        return KPIReport(
            timestamp=self.wall(),
            period_minutes=self.window / 60,
            predictions=total,
            metrics=metrics,
            state=state,
            recommendations=recommendations,
        )

    def counts(self, last: float | None = None, *, whole: bool = False) -> Counts:
        """Return what was counted in the window, or in the `last` seconds of it.

        Parameters
        ----------
        last : float, optional
            Seconds to look back, rounded to sub-windows; the window by default.
        whole : bool
            Leave out the sub-window under way, so that every one counted is over. It holds the place of
            the oldest, so at most one sub-window less than the window is looked at.
        """
        now = self._clock()
        main = self._lane.main
        most = max(1, main.slots - whole)
        number = most if last is None else min(most, max(1, round(last / main.width)))
        final = main.slot(now) - whole
        first = final - number + 1
        lanes = self._used_lanes()
        began = max(first * main.width, min(float(lane.head[BEGAN]) for lane in lanes))
        ended = (final + 1) * main.width if whole else now
        row = np.sum([lane.main.sum(first, final) for lane in lanes], axis=0)
        return Counts(row, max(main.width, ended - began))

    def lifetime(self) -> Counts:
        """Return what was ever counted. Its figures only grow."""
        lanes = self._used_lanes()
        seconds = self._clock() - min(float(lane.head[BEGAN]) for lane in lanes)
        return Counts(np.sum([lane.main.lifetime() for lane in lanes], axis=0), seconds)

    def stages(self) -> dict[str, StageTimes]:
        """Return the times of each stage that was timed in the window, in the order of the stages."""
        ring = self._lane.stages
        final = ring.slot(self._clock())
        lanes = self._used_lanes()
        row = np.sum([lane.stages.sum(final - ring.slots + 1, final) for lane in lanes], axis=0)
        return {
            stage: StageTimes(sketch.count, sketch.mean, *sketch.quantiles(_QUANTILES))
            for stage, sketch in stage_sketches(row).items()
        }

    def stages_lifetime(self) -> dict[str, QuantileSketch]:
        """Return the seconds of every stage that was ever timed."""
        return stage_sketches(np.sum([lane.stages.lifetime() for lane in self._used_lanes()], axis=0))

    def timeline(self, points: int = 60) -> list[Counts]:
        """Cut the window into about `points` parts, oldest first, and return the counts of each.

        Parts from before the tracker began, and the sub-window under way, are left out.
        """
        main = self._lane.main
        lanes = self._used_lanes()
        final = main.slot(self._clock()) - 1
        first = max(final - main.slots + 2, main.slot(min(lane.head[BEGAN] for lane in lanes)))
        if final < first:
            return []
        rows = np.sum([lane.main.by_slot(first, final) for lane in lanes], axis=0)
        parts = np.array_split(rows, min(points, len(rows)))
        return [Counts(part.sum(axis=0), len(part) * main.width) for part in parts]

    def connections(self) -> int | None:
        """Return the connections open now, in all processes; None when nobody told of late."""
        since = self._clock() - self.window
        known = [lane.connections(since) for lane in self._used_lanes()]
        return sum(n for n in known if n is not None) if any(n is not None for n in known) else None

    def predictions_today(self) -> int:
        """Return the predictions of the local day so far."""
        today = datetime.fromtimestamp(self.wall(), self.zone).date().toordinal()
        return sum(lane.count_of(today) for lane in self._used_lanes())

    def to_prometheus(self) -> KPICollector:
        """Return a collector for prometheus-client: ``registry.register(tracker.to_prometheus())``.

        Raises
        ------
        MissingExtra
            prometheus-client is not installed.
        """
        from morosidad.kpis.prometheus import KPICollector

        return KPICollector(self)

    def plot(self) -> Any:
        """Draw throughput, failures and response times over the window, as a plotly figure.

        Raises
        ------
        MissingExtra
            plotly is not installed.
        """
        from morosidad.kpis.plot import plot

        return plot(self)

    def _repr_html_(self) -> str:
        """Show the latest report in a notebook."""
        return self.report()._repr_html_()

    def _used_lanes(self) -> list[Lane]:
        return [lane for lane in self._lanes if lane.head[USED]]
