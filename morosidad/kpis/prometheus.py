"""Prometheus collector of a tracker: counters and histograms since the start, gauges of the window."""

from __future__ import annotations

from collections.abc import Iterator
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

    Raises
    ------
    MissingExtra
        prometheus-client is not installed.
    """

    def __init__(self, tracker: KPITracker) -> None:
        try:
            import prometheus_client  # noqa: F401
        except ImportError as error:
            raise MissingExtra("KPICollector", "server") from error
        self._tracker = tracker

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
        latency = HistogramMetricFamily(
            "morosidad_respuesta_seconds", "Segundos hasta responder una predicción; sin las que fallaron"
        )
        latency.add_metric([], *_buckets(counts.latency))
        yield latency
        scores = HistogramMetricFamily(
            "morosidad_probabilidad_ratio", "Probabilidad de mora que estimó el modelo, de 0 a 1"
        )
        scores.add_metric([], *_scores(counts))
        yield scores
        stages = HistogramMetricFamily(
            "morosidad_etapa_seconds",
            "Segundos de cada etapa de una predicción; se mide solo una parte de ellas",
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
            ("predicciones", "Predicciones pedidas, según cómo terminaron", "resultado", outcomes),
            (
                "cache_consultas",
                "Consultas a la caché: halló la respuesta o no",
                "resultado",
                {"acierto": row[HITS], "fallo": row[MISSES]},
            ),
            (
                "etiquetas",
                "Predicciones de no mora (0) y de mora (1)",
                "etiqueta",
                {"0": row[NEGATIVE], "1": row[POSITIVE]},
            ),
            ("decisiones", "Predicciones según la decisión que resultó", "decision", counts.decisions),
            (
                "atipicos",
                "Tiempos de respuesta demasiado cortos o largos para medirlos bien",
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
                "Predicciones de hoy, desde la medianoche local",
                tracker.predictions_today(),
            ),
            (
                "confianza_ratio",
                "Confianza media del modelo en los últimos minutos, de 0 a 1",
                counts.confidence,
            ),
            ("cpu_ratio", "Uso medio de CPU en los últimos minutos, de 0 a 1", _share(counts.cpu)),
            ("memoria_ratio", "Uso medio de memoria en los últimos minutos, de 0 a 1", _share(counts.memory)),
            ("conexiones", "Conexiones abiertas ahora", tracker.connections()),
            ("cola", "Solicitudes que esperan turno, en promedio, en los últimos minutos", counts.queue),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"morosidad_{name}", text, value=float(value))


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
