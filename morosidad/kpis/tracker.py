"""KPITracker: the reading side, reports over a sliding window."""

from __future__ import annotations

import copy
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from math import isnan

import numpy as np

from morosidad.kpis.counting.process_counts import BEGAN, USED, ProcessCounts
from morosidad.kpis.counts import Counts, stage_sketches
from morosidad.kpis.diagnosis import Diagnosis, StageTimes
from morosidad.kpis.recorder import KPIRecorder
from morosidad.kpis.report import KPIMetrics, KPIReport
from morosidad.kpis.thresholds import Thresholds
from morosidad.languages import Language, check_language
from morosidad.sketch import QuantileSketch

_QUANTILES = (0.5, 0.95, 0.99)


class KPITracker(KPIRecorder):
    """Key figures of the predictions of the last minutes, in constant memory.

    Time is cut into sub-windows. A report covers the one under way and those before it that make up the
    window: nothing older than `window`, and at most one sub-window less. Percentiles are within 1 % of
    `numpy.quantile` of the same latencies.

    Parameters
    ----------
    window : float, default=300.0
        Seconds that a report covers.
    subwindows : int, default=300
        Into how many parts the window is cut.
    zone : tzinfo or str, optional
        Time zone whose midnight begins a day, such as ``"America/Guayaquil"``; the machine's by default.
    thresholds : Thresholds, optional
        From which figures on the state worsens.
    shared : path-like, optional
        A file through which the processes of this machine show their counts to each other. Each gives the
        same path, and any of them reports on all.
    processes : int, default=16
        Most processes that may share the file at a time.
    language : {'es', 'en', 'pt'}, default='es'
        Of the recommendations.
    stage_every : int, default=31
        `time_stages()` is true for one prediction in so many.
    clock : callable, optional
        Seconds that only move forward; for all processes the same clock.
    wall : callable, optional
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
        language: Language = "es",
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
        self._elsewhere: tuple[ProcessCounts, ...] = ()
        self.thresholds: Thresholds = thresholds or Thresholds()
        self.language: Language = check_language(language)
        self._diagnosis = Diagnosis(self.thresholds)

    def __repr__(self) -> str:
        return f"KPITracker(window={self.window:g}, predictions={self.counts().total})"

    def report(self, language: Language | None = None) -> KPIReport:
        """Report on the window: figures, state and what to do.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            Of the recommendations; the tracker's when not given.

        Returns
        -------
        KPIReport
        """
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
        language = language or self.language
        state, recommendations = self._diagnosis.assess(counts, p95, self.stages(), language)
        report = KPIReport(
            timestamp=self.wall(),
            period_minutes=self.window / 60,
            predictions=total,
            metrics=metrics,
            state=state,
            recommendations=recommendations,
        )
        vars(report)["language"] = language
        return report

    def counts(self, last: float | None = None, *, whole: bool = False) -> Counts:
        """Return what was counted in the window, or in the `last` seconds of it.

        Parameters
        ----------
        last : float, optional
            Seconds to look back, rounded to sub-windows; the window by default.
        whole : bool, default=False
            Leave out the sub-window under way, so that every one counted is over. It holds the place of
            the oldest, so at most one sub-window less than the window is looked at.

        Returns
        -------
        Counts
        """
        now = self._clock()
        main = self._own.main
        most = max(1, main.subwindows - whole)
        number = most if last is None else min(most, max(1, round(last / main.width)))
        final = main.subwindow(now) - whole
        first = final - number + 1
        segments = self._used_segments()
        began = max(first * main.width, min(float(segment.head[BEGAN]) for segment in segments))
        ended = (final + 1) * main.width if whole else now
        row = np.sum([segment.main.sum(first, final) for segment in segments], axis=0)
        return Counts(row, max(main.width, ended - began))

    def lifetime(self) -> Counts:
        """Return what was ever counted. Its figures only grow.

        Returns
        -------
        Counts
        """
        segments = self._used_segments()
        seconds = self._clock() - min(float(segment.head[BEGAN]) for segment in segments)
        return Counts(np.sum([segment.main.lifetime() for segment in segments], axis=0), seconds)

    def rules(self) -> dict[str, int]:
        """Return how often each rule of the policy ever fired, by its code; the figures only grow.

        Returns
        -------
        dict of str to int
        """
        every: Counter[str] = Counter()
        for segment in self._used_segments():
            every.update(segment.rules())
        return dict(sorted(every.items()))

    def stages(self) -> dict[str, StageTimes]:
        """Return the times of each stage that was timed in the window, in the order of the stages.

        Returns
        -------
        dict of str to StageTimes
        """
        ring = self._own.stages
        final = ring.subwindow(self._clock())
        segments = self._used_segments()
        row = np.sum([segment.stages.sum(final - ring.subwindows + 1, final) for segment in segments], axis=0)
        return {
            stage: StageTimes(sketch.count, sketch.mean, *sketch.quantiles(_QUANTILES))
            for stage, sketch in stage_sketches(row).items()
        }

    def stages_lifetime(self) -> dict[str, QuantileSketch]:
        """Return the seconds of every stage that was ever timed.

        Returns
        -------
        dict of str to QuantileSketch
        """
        return stage_sketches(
            np.sum([segment.stages.lifetime() for segment in self._used_segments()], axis=0)
        )

    def timeline(self, points: int = 60) -> list[Counts]:
        """Cut the window into about `points` parts, oldest first, and return the counts of each.

        Parts from before the tracker began, and the sub-window under way, are left out.

        Parameters
        ----------
        points : int, default=60
            Parts, at most.

        Returns
        -------
        list of Counts
            Oldest first.
        """
        main = self._own.main
        segments = self._used_segments()
        final = main.subwindow(self._clock()) - 1
        first = max(
            final - main.subwindows + 2,
            main.subwindow(min(segment.head[BEGAN] for segment in segments)),
        )
        if final < first:
            return []
        rows = np.sum([segment.main.by_subwindow(first, final) for segment in segments], axis=0)
        parts = np.array_split(rows, min(points, len(rows)))
        return [Counts(part.sum(axis=0), len(part) * main.width) for part in parts]

    def connections(self) -> int | None:
        """Return the connections open now, in all processes; None without a recent sample.

        Returns
        -------
        int or None
        """
        since = self._clock() - self.window
        known = [segment.connections(since) for segment in self._used_segments()]
        return sum(n for n in known if n is not None) if any(n is not None for n in known) else None

    def predictions_today(self) -> int:
        """Return the predictions of the local day so far.

        Returns
        -------
        int
        """
        today = datetime.fromtimestamp(self.wall(), self.zone).date().toordinal()
        return sum(segment.count_of(today) for segment in self._used_segments())

    def _repr_html_(self) -> str:
        """Show the latest report in a notebook."""
        return self.report()._repr_html_()

    def hear(self, elsewhere: Iterable[ProcessCounts]) -> None:
        """Report on the counts of other servers too, from now on.

        Parameters
        ----------
        elsewhere : iterable of ProcessCounts
            All of them, numbered by the clock of this tracker.

        Returns
        -------
        None
        """
        self._elsewhere = tuple(elsewhere)

    def here(self) -> KPITracker:
        """Return what reads the same counts, without those of other servers.

        Returns
        -------
        KPITracker
            For reading only.
        """
        return self.only(self._segments)

    def only(self, segments: Iterable[ProcessCounts]) -> KPITracker:
        """Return what reads the counts of some processes, as this tracker reads its own.

        Parameters
        ----------
        segments : iterable of ProcessCounts
            Those to read.

        Returns
        -------
        KPITracker
            For reading only.
        """
        tracker = copy.copy(self)
        tracker._segments, tracker._elsewhere = list(segments), ()
        return tracker

    def _used_segments(self) -> list[ProcessCounts]:
        return [segment for segment in (*self._segments, *self._elsewhere) if segment.head[USED]]
