"""The recorder of predictions: constant time for each, however many came before."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, log2
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

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
    SCORE_BINS,
    SCORES,
    SECONDS,
    SECONDS_FAILED,
    STAGE_COLUMNS,
    STAGES,
    TIMEOUTS,
)
from morosidad.kpis.counting.process_counts import CONNECTIONS, CONNECTIONS_AT
from morosidad.kpis.counting.windowed_counts import WindowedCounts
from morosidad.policy.decision import OUTCOMES, DecisionOutcome

CallOutcome = Literal["ok", "error", "timeout"]

_LOW, _HIGH, _SCALE = LATENCY.low, LATENCY.high, LATENCY.scale
_SHIFT = LATENCY.shift + BUCKETS
_STAGE_STARTS = range(0, STAGE_COLUMNS * len(STAGES), STAGE_COLUMNS)
_FAILURES = {"error": ERRORS, "timeout": TIMEOUTS}
_OUTCOME_COLUMNS: dict[str, int] = {decision: DECIDED + place for place, decision in enumerate(OUTCOMES)}
_BINS = float(SCORE_BINS)


class KPIRecorder(WindowedCounts):
    """The writing side of `KPITracker`: counts predictions, stages and samples of resources."""

    def record(
        self,
        seconds: float,
        *,
        outcome: CallOutcome = "ok",
        probability: float | None = None,
        label: int | None = None,
        decision: DecisionOutcome | None = None,
        cached: bool | None = None,
    ) -> None:
        """Count one prediction.

        Parameters
        ----------
        seconds : float
            What the answer took. Outside 1 µs to 67 s it is clamped, and counted as clamped.
        outcome : {"ok", "error", "timeout"}, default='ok'
            What became of it.
        probability : float, optional
            Probability of default; from it come the label, the confidence and the distribution of scores.
            What is no probability is left out.
        label : int, optional
            1 for a defaulter, when another cut than 0.5 decides.
        decision : {"aprobar", "revisar", "rechazar"}, optional
            What was decided about the applicant.
        cached : bool, optional
            Whether the cache answered; None when no cache was asked.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            An outcome or a decision that is none of the three. Nothing is counted then.
        """
        decided = 0 if decision is None else _column_of(decision)
        now = self._clock()
        with self._lock:
            if now >= self._until:
                self._open_subwindow(now)
            row = self._row
            if outcome == "ok" and _LOW <= seconds <= _HIGH:
                row[int(log2(seconds) * _SCALE + _SHIFT)] += 1.0
                row[SECONDS] += seconds
            else:
                self._record_exceptional(seconds, outcome)
            if probability is not None:
                confidence = probability if probability > 0.5 else 1.0 - probability
                if confidence <= 1.0:
                    row[CONFIDENCE] += confidence
                    row[PROBABILITY] += probability
                    row[int(probability * _BINS) + SCORES] += 1.0
                    row[POSITIVE if (probability > 0.5 if label is None else label) else NEGATIVE] += 1.0
            if decided:
                row[decided] += 1.0
            if cached is not None:
                row[HITS if cached else MISSES] += 1.0
            self._today[0] += 1.0

    def record_many(
        self,
        seconds: float,
        probabilities: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        decisions: Mapping[DecisionOutcome, int] | None = None,
        cached: bool | None = None,
    ) -> None:
        """Count a batch of successful predictions at once.

        Parameters
        ----------
        seconds : float
            What the whole batch took; each prediction is counted with an equal share.
        probabilities : array-like of float
            Probability of default of each.
        labels : array-like of int, optional
            Label of each, when another cut than 0.5 decides.
        decisions : mapping of {"aprobar", "revisar", "rechazar"} to int, optional
            How many of each were decided.
        cached : bool, optional
            Whether the cache answered; None when no cache was asked.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            A decision that is none of the three. Nothing is counted then.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        if not p.size:
            return
        positive = p > 0.5 if labels is None else np.asarray(labels, dtype=bool)
        confidence = np.maximum(p, 1 - p)
        sound = confidence <= 1
        bins = np.bincount((p[sound] * _BINS).astype(np.intp), minlength=SCORE_BINS + 1)
        decided = [(_column_of(decision), number) for decision, number in (decisions or {}).items()]
        share = min(_HIGH, max(_LOW, seconds / p.size))
        now = self._clock()
        with self._lock:
            if now >= self._until:
                self._open_subwindow(now)
            row = self._row
            for column, number in [*decided, *enumerate(bins.tolist(), SCORES)]:
                row[column] += number
            row[BUCKETS + LATENCY.index(share)] += p.size
            row[SECONDS] += share * p.size
            if share != seconds / p.size:
                row[ABOVE if seconds / p.size > _HIGH else BELOW] += p.size
            row[CONFIDENCE] += confidence[sound].sum()
            row[PROBABILITY] += p[sound].sum()
            row[POSITIVE] += float(np.count_nonzero(positive & sound))
            row[NEGATIVE] += float(np.count_nonzero(~positive & sound))
            if cached is not None:
                row[HITS if cached else MISSES] += p.size
            self._today[0] += p.size

    def record_rules(self, fired: Mapping[str, int]) -> None:
        """Count the rules of a policy that fired.

        Parameters
        ----------
        fired : mapping of str to int
            How often each did, by its code. A process counts 63 codes by themselves, and others together.

        Returns
        -------
        None
        """
        with self._lock:
            for code, number in fired.items():
                self._own.count_rule(code, number)

    def record_stages(
        self,
        *,
        validate: float | None = None,
        cache: float | None = None,
        predict: float | None = None,
        decide: float | None = None,
    ) -> None:
        """Count how many seconds each stage of one prediction took; None for a stage it did not pass.

        Timing the stages of every prediction would cost more than the rest of `record`: time one when
        `time_stages()` says so.

        Parameters
        ----------
        validate, cache, predict, decide : float, optional
            Seconds of each stage.

        Returns
        -------
        None
        """
        now = self._clock()
        with self._lock:
            if now >= self._stages_until:
                self._open_stage_subwindow(now)
            row = self._stages_row
            for column, seconds in zip(_STAGE_STARTS, (validate, cache, predict, decide), strict=True):
                if seconds is not None:
                    clamped = min(_HIGH, max(_LOW, seconds))
                    row[column] += clamped
                    row[column + 1 + LATENCY.index(clamped)] += 1.0

    def observe_resources(
        self,
        *,
        cpu: float | None = None,
        memory: float | None = None,
        connections: int | None = None,
        queue: int | None = None,
    ) -> None:
        """Take a sample of what the service uses; give what is known.

        Parameters
        ----------
        cpu, memory : float, optional
            Use of the machine, or of what the container may use, in per cent.
        connections : int, optional
            Connections open now in this process.
        queue : int, optional
            Requests waiting now in this process.

        Returns
        -------
        None
        """
        now = self._clock()
        with self._lock:
            if now >= self._until:
                self._open_subwindow(now)
            if cpu is not None and isfinite(cpu):
                self._cpu = (now, cpu)
                self._sample(CPU, CPU_SAMPLES, cpu)
            if memory is not None and isfinite(memory):
                self._memory = (now, memory)
                self._sample(MEMORY, MEMORY_SAMPLES, memory)
            if queue is not None:
                self._sample(QUEUE, QUEUE_SAMPLES, queue)
            if connections is not None:
                self._own.head[CONNECTIONS] = connections
                self._own.head[CONNECTIONS_AT] = now

    def resources(self) -> tuple[float | None, float | None]:
        """Return the latest samples of CPU and memory, in per cent; None for one older than the window."""
        since = self._clock() - self.window
        with self._lock:
            latest = (self._cpu, self._memory)
        cpu, memory = (percent if when >= since else None for when, percent in latest)
        return cpu, memory

    def _sample(self, column: int, samples: int, value: float) -> None:
        self._row[column] += value
        self._row[samples] += 1.0

    def _record_exceptional(self, seconds: float, outcome: str) -> None:
        """Count a failure, or a success outside the range."""
        row = self._row
        clamped = min(_HIGH, max(_LOW, seconds))
        if outcome == "ok":
            row[ABOVE if seconds > _HIGH else BELOW] += 1.0
            row[BUCKETS + LATENCY.index(clamped)] += 1.0
            row[SECONDS] += clamped
        elif outcome in _FAILURES:
            row[_FAILURES[outcome]] += 1.0
            row[SECONDS_FAILED] += clamped
        else:
            raise ValueError("outcome must be 'ok', 'error' or 'timeout'")


def _column_of(decision: str) -> int:
    try:
        return _OUTCOME_COLUMNS[decision]
    except KeyError:
        raise ValueError("decision must be 'aprobar', 'revisar' or 'rechazar'") from None
