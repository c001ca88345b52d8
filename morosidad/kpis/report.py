"""The KPI report and its JSON document."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import ClassVar

import msgspec

from morosidad.kpis.diagnosis import ServiceState
from morosidad.languages import Language, say, write_number


class KPIMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a window. None stands for what was not measured.

    Attributes
    ----------
    p50, p95, p99 : float
        Percentiles of the seconds that successful predictions took; 0 with none.
    throughput : float
        Predictions per second of the time observed.
    success_rate, error_rate, timeout_rate : float
        Shares of all predictions; 0 with none. Time-outs are among the errors.
    cache_hit_rate : float or None
        Share of the cache lookups that were answered.
    cpu, memory : float or None
        Mean use in per cent.
    connections : int or None
        Connections open now.
    queue_size : float or None
        Mean length of a process's queue.
    predictions_today : int
        Predictions of the local day.
    default_ratio : float or None
        Predicted defaulters for each non-defaulter; None without non-defaulters.
    confidence : float or None
        Mean confidence, 0.5 to 1.
    """

    p50: float = msgspec.field(name="tiempo_respuesta_p50")
    p95: float = msgspec.field(name="tiempo_respuesta_p95")
    p99: float = msgspec.field(name="tiempo_respuesta_p99")
    throughput: float = msgspec.field(name="throughput_predicciones_por_segundo")
    success_rate: float = msgspec.field(name="tasa_exito")
    error_rate: float = msgspec.field(name="tasa_error")
    timeout_rate: float = msgspec.field(name="tasa_timeout")
    cache_hit_rate: float | None
    cpu: float | None = msgspec.field(name="uso_cpu_promedio")
    memory: float | None = msgspec.field(name="uso_memoria_promedio")
    connections: int | None = msgspec.field(name="conexiones_concurrentes")
    queue_size: float | None = msgspec.field(name="queue_size_promedio")
    predictions_today: int = msgspec.field(name="predicciones_totales_dia")
    default_ratio: float | None = msgspec.field(name="ratio_morosos_no_morosos")
    confidence: float | None = msgspec.field(name="confianza_promedio_predicciones")


class KPIReport(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How the service did in the window; its JSON is the KPI document.

    Attributes
    ----------
    timestamp : float
        Seconds since 1970.
    period_minutes : float
        The window, in minutes.
    predictions : int
        Predictions in the window, whatever became of them.
    metrics : KPIMetrics
        The figures.
    state : str
        EXCELENTE, BUENO, REGULAR, CRITICO, or SIN DATOS without predictions.
    recommendations : tuple of str
        What to do, each with its cause.
    language : {'es', 'en', 'pt'}
        Of the recommendations, and of what a notebook shows; no part of the document.
    """

    language: ClassVar[Language] = "es"

    timestamp: float
    period_minutes: float = msgspec.field(name="periodo_analisis_minutos")
    predictions: int = msgspec.field(name="total_predicciones_analizadas")
    metrics: KPIMetrics = msgspec.field(name="metricas")
    state: ServiceState = msgspec.field(name="estado_performance")
    recommendations: tuple[str, ...] = msgspec.field(name="recomendaciones")

    def _repr_html_(self) -> str:
        """Show the report as a table in a notebook."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(label)}</th><td>{escape(text)}</td></tr>"
            for label, text in self._lines()
        )
        advice = "".join(f"<li>{escape(line)}</li>" for line in self.recommendations)
        state = f"<b>{escape(self._state)}</b>"
        title = say(self.language, "figures.kpis_title", minutes=self.period_minutes, state=state)
        return f"<table><caption>{title}</caption><tbody>{rows}</tbody></table>" + (
            f"<ul>{advice}</ul>" if advice else ""
        )

    @property
    def _state(self) -> str:
        """The state in words; in Spanish its code says it already."""
        return self.state if self.language == "es" else say(self.language, f"pages.{self.state}")

    def _lines(self) -> list[tuple[str, str]]:
        m, told = self.metrics, partial(_told, self.language)
        given, seconds = partial(_given, self.language), partial(_seconds, self.language)
        predictions = told(
            "predictions_of", number=self.predictions, rate=m.throughput, today=m.predictions_today
        )
        used = {"cpu": given(m.cpu, ".0f", " %"), "memory": given(m.memory, ".0f", " %")}
        return [
            (told("predictions"), predictions),
            (told("response_time"), " · ".join(map(seconds, (m.p50, m.p95, m.p99))) + " (p50, p95, p99)"),
            (told("success"), given(m.success_rate, ".1%")),
            (told("errors"), told("errors_of", rate=m.error_rate, timeouts=m.timeout_rate)),
            (told("cache_hits"), given(m.cache_hit_rate, ".1%")),
            (told("cpu_and_memory"), told("cpu_and_memory_of", **used)),
            (told("connections"), given(m.connections, "")),
            (told("mean_queue"), given(m.queue_size, ".1f")),
            (told("default_ratio"), given(m.default_ratio, ".3f")),
            (told("mean_confidence"), given(m.confidence, ".1%")),
        ]


def _told(language: Language, name: str, **values: object) -> str:
    return say(language, f"figures.{name}", **values)


def _given(language: Language, figure: float | None, template: str, unit: str = "") -> str:
    return "—" if figure is None else write_number(language, figure, template) + unit


def _seconds(language: Language, seconds: float) -> str:
    """Write seconds with the unit that fits."""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if seconds >= s), ("µs", 1e-6))
    return f"{write_number(language, seconds / size, '.3g')} {unit}"
