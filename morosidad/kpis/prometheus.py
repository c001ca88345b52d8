"""Prometheus collector of a tracker: counters and histograms since the start, gauges of the window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING

from morosidad.errors import MissingExtra
from morosidad.kpis.counting.columns import (
    ABOVE,
    BELOW,
    HITS,
    MISSES,
    NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SCORE_BINS,
    STAGE_LABELS,
)
from morosidad.kpis.counts import Counts
from morosidad.languages import Language, say
from morosidad.sketch import QuantileSketch

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from morosidad.kpis.tracker import KPITracker


class KPICollector:
    """Collects a tracker's figures when Prometheus asks, and costs nothing before.

    Register it: ``registry.register(KPICollector(tracker))``.

    Histograms of seconds have a bucket for each octave from 2 µs on, that of probabilities one for each
    twentieth. With a shared file, the figures are those of all processes.

    Parameters
    ----------
    tracker : KPITracker
        Whose figures to show.
    language : {'es', 'en', 'pt'}, optional
        Of what says what each figure means; the tracker's when not given.

    Raises
    ------
    MissingExtra
        prometheus-client is not installed.
    """

    def __init__(self, tracker: KPITracker, language: Language | None = None) -> None:
        try:
            import prometheus_client  # noqa: F401
        except ImportError as error:
            raise MissingExtra("KPICollector", "server") from error
        self._tracker = tracker
        self._told = partial(_told, language or tracker.language)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families.

        Yields
        ------
        Metric
            As prometheus-client takes them.
        """
        from prometheus_client.metrics_core import HistogramMetricFamily

        counts = self._tracker.lifetime()
        yield from self._counters(counts)
        yield from self._gauges()
        latency = HistogramMetricFamily("morosidad_respuesta_seconds", self._told("help_respuesta_seconds"))
        latency.add_metric([], *_buckets(counts.latency))
        yield latency
        scores = HistogramMetricFamily("morosidad_probabilidad_ratio", self._told("help_probabilidad_ratio"))
        scores.add_metric([], *_scores(counts))
        yield scores
        stages = HistogramMetricFamily(
            "morosidad_etapa_seconds",
            self._told("help_etapa_seconds"),
            labels=["etapa"],
        )
        for stage, sketch in self._tracker.stages_lifetime().items():
            stages.add_metric([STAGE_LABELS[stage]], *_buckets(sketch))
        yield stages

    def _counters(self, counts: Counts) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily

        row = counts.row
        outcomes = {"ok": counts.ok, "error": counts.errors, "timeout": counts.timeouts}
        for name, text, label, values in (
            ("predicciones", self._told("help_predicciones"), "resultado", outcomes),
            (
                "cache_consultas",
                self._told("help_cache_consultas"),
                "resultado",
                {"acierto": row[HITS], "fallo": row[MISSES]},
            ),
            (
                "etiquetas",
                self._told("help_etiquetas"),
                "etiqueta",
                {"0": row[NEGATIVE], "1": row[POSITIVE]},
            ),
            ("decisiones", self._told("help_decisiones"), "decision", counts.decisions),
            ("reglas", self._told("help_reglas"), "regla", self._tracker.rules()),
            (
                "atipicos",
                self._told("help_atipicos"),
                "lado",
                {"bajo": row[BELOW], "alto": row[ABOVE]},
            ),
        ):
            family = CounterMetricFamily(f"morosidad_{name}", text, labels=[label])
            for value, number in values.items():
                family.add_metric([value], float(number))
            yield family

    def _gauges(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        tracker = self._tracker
        counts = tracker.counts()
        for name, text, value in (
            (
                "predicciones_dia",
                self._told("help_predicciones_dia"),
                tracker.predictions_today(),
            ),
            (
                "confianza_ratio",
                self._told("help_confianza_ratio"),
                counts.confidence,
            ),
            ("cpu_ratio", self._told("help_cpu_ratio"), _share(counts.cpu)),
            ("memoria_ratio", self._told("help_memoria_ratio"), _share(counts.memory)),
            ("conexiones", self._told("help_conexiones"), tracker.connections()),
            ("cola", self._told("help_cola"), counts.queue),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"morosidad_{name}", text, value=float(value))


def _told(language: Language, name: str) -> str:
    return say(language, f"service.{name}")


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _scores(counts: Counts) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets and the sum of the probabilities."""
    edges = [*(repr(edge / SCORE_BINS) for edge in range(1, SCORE_BINS)), "+Inf"]
    buckets = list(zip(edges, map(float, accumulate(counts.scores)), strict=True))
    return buckets, float(counts.row[PROBABILITY])


def _buckets(sketch: QuantileSketch) -> tuple[list[tuple[str, float]], float]:
    """Return a histogram's buckets and sum, as prometheus-client takes them."""
    edges = sketch.buckets.cumulative(sketch.counts)
    return [("+Inf" if edge == inf else repr(edge), count) for edge, count in edges], sketch.sum
