"""Counts by sub-window, of this process alone or of several that share a file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, MutableSequence
from datetime import datetime, timedelta, tzinfo
from datetime import time as time_of_day
from itertools import cycle
from math import inf
from typing import Self, cast
from zoneinfo import ZoneInfo

import numpy as np

from morosidad.kpis.counting.process_counts import USED, ProcessCounts, WindowShape
from morosidad.kpis.counting.shared_counts import SharedCounts
from morosidad.processes.forking import renew_after_fork
from morosidad.sketch import CountArray


class WindowedCounts:
    """The rows that predictions are counted in: of this sub-window, of its stages and of the day.

    `KPITracker` describes the parameters.
    """

    time_stages: Callable[[], bool]

    def __init__(
        self,
        window: float = 300.0,
        *,
        subwindows: int = 300,
        zone: tzinfo | str | None = None,
        shared: str | os.PathLike[str] | None = None,
        processes: int = 16,
        stage_every: int = 31,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < window < inf or subwindows < 1 or stage_every < 1:
            raise ValueError("window, subwindows and stage_every must be positive")
        self.window: float = float(window)
        self.wall = wall
        self.zone: tzinfo | None = ZoneInfo(zone) if isinstance(zone, str) else zone
        self.time_stages = cycle([True, *[False] * (stage_every - 1)]).__next__
        self._clock = clock
        self._lock = threading.Lock()
        self._shape = WindowShape(self.window, subwindows, max(1, subwindows // 10))
        self._cpu = self._memory = (-inf, 0.0)  # when, and how much
        self._shared: SharedCounts | None = None
        if shared is None:
            self._count_privately()
        else:
            self._shared = SharedCounts(shared, self._shape, processes)
            self._count_in(self._shared.segments, self._shared.index)
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Start a forked child from nothing, with a lock and a segment of its own."""
        self._lock = threading.Lock()
        self._count_privately()
        if self._shared is not None:
            self._shared.take_segment()
            self._count_in(self._shared.segments, self._shared.index)

    @property
    def shape(self) -> WindowShape:
        """How time is cut."""
        return self._shape

    @property
    def own(self) -> ProcessCounts:
        """The counts of this process alone."""
        return self._own

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds that only move forward."""
        return self._clock

    def merge(self, other: WindowedCounts) -> None:
        """Add everything that `other` has counted, as if it had been recorded here.

        Both must read the same clock. `other` stays as it is: merge it once.

        Parameters
        ----------
        other : KPITracker
            With the same window, sub-windows and clock.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            `other` is this tracker, or cuts time in another way.
        """
        if other is self or other._shape != self._shape:
            raise ValueError("merge another tracker, with the same window and sub-windows")
        with other._lock:
            theirs = [
                ProcessCounts(segment.memory.copy(), other._shape)
                for segment in other._segments
                if segment.head[USED]
            ]
        now = self._clock()
        with self._lock:
            for segment in theirs:
                self._own.merge(segment, now - self.window)

    def close(self) -> None:
        """Leave the shared file. What was counted stays there until it leaves the window.

        What is recorded afterwards is counted for this process alone.
        """
        with self._lock:
            if self._shared is not None:
                self._shared.release()
                self._shared = None
                self._count_privately()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count_privately(self) -> None:
        self._count_in(np.full((1, self._shape.cells), 0.0), 0)  # all its memory now, not bit by bit

    def _count_in(self, segments: CountArray, index: int) -> None:
        """Count in segment `index` from now on."""
        self._segments = [ProcessCounts(memory, self._shape) for memory in segments]
        self._own = self._segments[index]
        now = self._clock()
        self._own.begin(now)
        self._open_subwindow(now)
        self._open_stage_subwindow(now)

    def _open_subwindow(self, now: float) -> None:
        """Open the row and the day that `now` belongs to, and find out until when they hold."""
        subwindow = self._own.main.subwindow(now)
        self._row = _cells(self._own.main.open(subwindow))
        wall = self.wall()
        day = datetime.fromtimestamp(wall, self.zone).date()
        self._today = _cells(self._own.open_day(day.toordinal()))
        midnight = datetime.combine(day + timedelta(days=1), time_of_day(), self.zone).timestamp()
        self._until = min((subwindow + 1) * self._own.main.width, now + midnight - wall)

    def _open_stage_subwindow(self, now: float) -> None:
        ring = self._own.stages
        subwindow = ring.subwindow(now)
        self._stages_row = _cells(ring.open(subwindow))
        self._stages_until = (subwindow + 1) * ring.width


def _cells(row: CountArray) -> MutableSequence[float]:
    """Return the same cells as something that Python adds to faster than to an array."""
    return cast(MutableSequence[float], row.data)
