"""What a row of a tracker's counts holds, and where it lies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from morosidad.kpis.rings import Ring
from morosidad.policy.decision import OUTCOMES, DecisionOutcome
from morosidad.sketch import Floats, LogBuckets, QuantileSketch

LATENCY = LogBuckets(relative_error=0.01, low=1e-6, high=60.0)
STAGE_LABELS = {"validate": "validar", "cache": "caché", "predict": "predecir", "decide": "decidir"}
STAGES = tuple(STAGE_LABELS)
SCORE_BINS = 20

(
    SECONDS,  # of the predictions that succeeded
    SECONDS_FAILED,
    ERRORS,
    TIMEOUTS,
    BELOW,
    ABOVE,
    HITS,
    MISSES,
    NEGATIVE,  # label 0
    POSITIVE,  # label 1, a defaulter
    CONFIDENCE,
    CPU,
    CPU_SAMPLES,
    MEMORY,
    MEMORY_SAMPLES,
    QUEUE,
    QUEUE_SAMPLES,
    PROBABILITY,
    DECIDED,  # one for each of OUTCOMES
) = range(19)
SCORES = DECIDED + len(OUTCOMES)  # probabilities by bin; the bin after the last holds those of exactly 1
BUCKETS = SCORES + SCORE_BINS + 1
COLUMNS = BUCKETS + LATENCY.size

STAGE_COLUMNS = 1 + LATENCY.size  # for each stage: seconds, then buckets

# The head of a lane.
USED, BEGAN, CONNECTIONS, CONNECTIONS_AT, DAYS = range(5)
KEPT_DAYS = 3  # yesterday and tomorrow too, for a wall clock that is set across midnight
HEAD = DAYS + 2 * KEPT_DAYS


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

    row: Floats
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
    """Return the seconds from the end of each part of a timeline to the end of the latest."""
    return [*accumulate((part.seconds for part in reversed(parts)), initial=0.0)][-2::-1]


def stage_sketches(row: Floats) -> dict[str, QuantileSketch]:
    """Return the seconds of each stage that a row of the stages' counts has something of."""
    stages = zip(STAGES, row.reshape(len(STAGES), STAGE_COLUMNS), strict=True)
    sketches = {name: QuantileSketch.of(LATENCY, counts[1:], float(counts[0])) for name, counts in stages}
    return {name: sketch for name, sketch in sketches.items() if sketch.count}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tracker cuts time: trackers with the same shape can be merged, or share a file.

    Attributes
    ----------
    window : float
        Seconds that a report covers.
    subwindows, stage_subwindows : int
        Sub-windows of the window, for whole predictions and for their stages.
    """

    window: float
    subwindows: int
    stage_subwindows: int

    @property
    def cells(self) -> int:
        """The memory of a lane, in float64 cells."""
        main = Ring.cells(self.subwindows, COLUMNS)
        return HEAD + main + Ring.cells(self.stage_subwindows, STAGE_COLUMNS * len(STAGES))


class Lane:
    """The counts of one process, in `shape.cells` cells of memory, zero at first.

    Attributes
    ----------
    memory, head : numpy.ndarray
        All cells, and the first few, which hold what is no count.
    main, stages : Ring
        Counts of whole predictions and of their stages.
    """

    __slots__ = ("_days", "head", "main", "memory", "stages")

    def __init__(self, memory: Floats, shape: Shape) -> None:
        rest = HEAD + Ring.cells(shape.subwindows, COLUMNS)
        self.memory: Floats = memory
        self.head: Floats = memory[:HEAD]
        self._days = memory[DAYS:HEAD].reshape(KEPT_DAYS, 2)
        self.main: Ring = Ring(memory[HEAD:rest], shape.subwindows, shape.window / shape.subwindows, COLUMNS)
        stage_width = shape.window / shape.stage_subwindows
        self.stages: Ring = Ring(
            memory[rest:], shape.stage_subwindows, stage_width, STAGE_COLUMNS * len(STAGES)
        )

    def begin(self, now: float) -> None:
        """Take the lane over, from nobody or from a process that died."""
        self.main.repair()
        self.stages.repair()
        self.head[CONNECTIONS_AT] = -inf
        if not self.head[USED]:
            self.head[BEGAN] = now
            self.head[USED] = 1

    def open_day(self, day: int) -> Floats:
        """Return the cell that counts the predictions of `day`, a proleptic ordinal."""
        entry = self._days[day % KEPT_DAYS]
        if entry[0] != day:
            entry[:] = day, 0
        cell: Floats = entry[1:]
        return cell

    def count_of(self, day: int) -> int:
        """Return the predictions of `day` so far."""
        stamp, predictions = self._days[day % KEPT_DAYS]
        return int(predictions) if stamp == day else 0

    def connections(self, since: float) -> int | None:
        """Return the connections of the latest sample, None when it is from before `since`."""
        return int(self.head[CONNECTIONS]) if self.head[CONNECTIONS_AT] >= since else None

    def merge(self, other: Lane, since: float) -> None:
        """Add what `other`, of the same shape and clock, has counted; samples count from `since`."""
        self.main.merge(other.main)
        self.stages.merge(other.stages)
        for day, predictions in other._days:
            if day >= self._days[int(day) % KEPT_DAYS][0]:
                self.open_day(int(day))[0] += predictions
        self.head[BEGAN] = min(self.head[BEGAN], other.head[BEGAN])
        self.head[CONNECTIONS] = (self.connections(since) or 0) + (other.connections(since) or 0)
        self.head[CONNECTIONS_AT] = max(self.head[CONNECTIONS_AT], other.head[CONNECTIONS_AT])
