"""Counts of a span of time, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from morosidad.kpis.counting.columns import (
    ABOVE,
    BELOW,
    BUCKETS,
    CONFIDENCE,
    CPU,
    CPU_SAMPLES,
    DECIDED,
    ERRORS,
    HITS,
    LATENCY,
    MEMORY,
    MEMORY_SAMPLES,
    MISSES,
    NEGATIVE,
    POSITIVE,
    PROBABILITY,
    QUEUE,
    QUEUE_SAMPLES,
    SCORES,
    SECONDS,
    SECONDS_FAILED,
    STAGE_COLUMNS,
    STAGES,
    TIMEOUTS,
)
from morosidad.policy.decision import OUTCOMES, DecisionOutcome
from morosidad.sketch import CountArray, QuantileSketch


def _mean(total: float, samples: float) -> float | None:
    return total / samples if samples else None


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in a span of time, from one tracker or several.

    Attributes
    ----------
    row : numpy.ndarray
        The counts, one for each column of this module.
    seconds : float
        The time that was really observed.
    """

    row: CountArray
    seconds: float

    @property
    def ok(self) -> int:
        """Predictions that succeeded."""
        return int(self.row[BUCKETS:].sum())

    @property
    def errors(self) -> int:
        """Predictions that failed, time-outs apart."""
        return int(self.row[ERRORS])

    @property
    def timeouts(self) -> int:
        """Predictions that ran out of time."""
        return int(self.row[TIMEOUTS])

    @property
    def failures(self) -> int:
        """Errors and time-outs together."""
        return self.errors + self.timeouts

    @property
    def total(self) -> int:
        """Predictions, whatever became of them."""
        return self.ok + self.failures

    @property
    def latency(self) -> QuantileSketch:
        """Seconds of the predictions that succeeded, as a sketch."""
        return QuantileSketch.of(
            LATENCY, self.row[BUCKETS:], float(self.row[SECONDS]), int(self.row[BELOW]), int(self.row[ABOVE])
        )

    @property
    def busy(self) -> float:
        """Predictions under way at a time, on average (Little's law)."""
        return float(self.row[SECONDS] + self.row[SECONDS_FAILED]) / self.seconds if self.seconds else 0.0

    @property
    def rate(self) -> float:
        """Predictions per second of the time observed."""
        return self.total / self.seconds if self.seconds else 0.0

    @property
    def mean_seconds(self) -> float | None:
        """Mean seconds to an answer, failures included."""
        return _mean(float(self.row[SECONDS] + self.row[SECONDS_FAILED]), self.total)

    @property
    def lookups(self) -> int:
        """Predictions for which a cache was asked."""
        return int(self.row[HITS] + self.row[MISSES])

    @property
    def hit_rate(self) -> float | None:
        """Share of the lookups that the cache answered."""
        return _mean(float(self.row[HITS]), self.lookups)

    @property
    def confidence(self) -> float | None:
        """Mean confidence of the predictions that have a probability."""
        return _mean(float(self.row[CONFIDENCE]), self.scored)

    @property
    def scored(self) -> int:
        """Predictions that have a probability."""
        return int(self.row[NEGATIVE] + self.row[POSITIVE])

    @property
    def mean_probability(self) -> float | None:
        """Mean probability of default."""
        return _mean(float(self.row[PROBABILITY]), self.scored)

    @property
    def scores(self) -> tuple[int, ...]:
        """Predictions by probability of default, in 20 bins from 0 to 1; a bin begins with its lower edge."""
        bins = self.row[SCORES:BUCKETS].astype(int).tolist()
        return (*bins[:-2], bins[-2] + bins[-1])

    @property
    def decisions(self) -> dict[DecisionOutcome, int]:
        """Predictions by what was decided."""
        return dict(zip(OUTCOMES, self.row[DECIDED:SCORES].astype(int).tolist(), strict=True))

    @property
    def default_ratio(self) -> float | None:
        """Predicted defaulters for each predicted non-defaulter."""
        return _mean(float(self.row[POSITIVE]), float(self.row[NEGATIVE]))

    @property
    def cpu(self) -> float | None:
        """Mean CPU use, in per cent."""
        return _mean(float(self.row[CPU]), float(self.row[CPU_SAMPLES]))

    @property
    def memory(self) -> float | None:
        """Mean memory use, in per cent."""
        return _mean(float(self.row[MEMORY]), float(self.row[MEMORY_SAMPLES]))

    @property
    def queue(self) -> float | None:
        """Mean length of a process's queue."""
        return _mean(float(self.row[QUEUE]), float(self.row[QUEUE_SAMPLES]))


def ages(parts: Sequence[Counts]) -> list[float]:
    """Return the seconds from the end of each part of a timeline to the end of the latest.

    Parameters
    ----------
    parts : sequence of Counts
        Oldest first.

    Returns
    -------
    list of float
        One for each part.
    """
    return [*accumulate((part.seconds for part in reversed(parts)), initial=0.0)][-2::-1]


def stage_sketches(row: CountArray) -> dict[str, QuantileSketch]:
    """Return the seconds of each stage that a row of the stages' counts has something of.

    Parameters
    ----------
    row : numpy.ndarray of float64, shape (stages * STAGE_COLUMNS,)
        The counts of the stages.

    Returns
    -------
    dict of str to QuantileSketch
    """
    stages = zip(STAGES, row.reshape(len(STAGES), STAGE_COLUMNS), strict=True)
    sketches = {name: QuantileSketch.of(LATENCY, counts[1:], float(counts[0])) for name, counts in stages}
    return {name: sketch for name, sketch in sketches.items() if sketch.count}
