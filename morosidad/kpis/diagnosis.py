"""Diagnosis of the service: its state by thresholds with hysteresis, and recommendations in Spanish."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from math import inf
from typing import Literal

import msgspec

from morosidad.alerts import Limit
from morosidad.kpis.counting.columns import STAGE_LABELS
from morosidad.kpis.counts import Counts
from morosidad.kpis.thresholds import Thresholds

ServiceState = Literal["EXCELENTE", "BUENO", "REGULAR", "CRITICO", "SIN DATOS"]

_SERVICE_STATES: tuple[ServiceState, ...] = ("EXCELENTE", "BUENO", "REGULAR", "CRITICO")
_QUEUED = 1.0  # waiting on average: the load exceeds the capacity
_BUSY = 0.5  # under way on average: so does one who waits half of the time

_STAGE_ADVICE = {
    "validate": "simplifique el esquema o valide el formulario antes de enviarlo",
    "cache": "revise el almacén remoto de la caché o use solo la caché en memoria",
    "predict": "use un modelo compilado (scorer.plan dice qué parte no lo está) o uno más ligero",
    "decide": "pida menos motivos por decisión (max_reasons)",
}


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
        self._lock = threading.Lock()

    def assess(
        self, counts: Counts, p95: float, stages: Mapping[str, StageTimes]
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

        Returns
        -------
        tuple of (str, tuple of str)
            The state, and the recommendations in Spanish.
        """
        with self._lock:
            asked = counts.total > 0
            slow = self._latency.check((p95 if counts.ok else inf) if asked else None)
            failing = self._failures.check(counts.failures / counts.total if asked else None)
            starved = self._throughput.check(counts.rate if asked and _waiting(counts) else None)
            advice = []
            if slow:
                advice.append(self._on_latency(counts, p95, stages))
            if failing:
                advice.append(_on_failures(counts))
            if starved:
                advice.append(_on_throughput(counts))
            advice += self._on_resources(counts)
        return (_SERVICE_STATES[slow + failing + starved] if asked else "SIN DATOS"), tuple(advice)

    def _on_latency(self, counts: Counts, p95: float, stages: Mapping[str, StageTimes]) -> str:
        if not counts.ok:
            return (
                "Ninguna predicción terminó bien: restaure el modelo o la dependencia que falla "
                "antes de admitir más solicitudes."
            )
        cause = f"El tiempo de respuesta p95 es de {p95:.2f} s (límite {self._thresholds.p95_seconds:g} s)"
        if (counts.queue or 0) >= _QUEUED:
            return (
                f"{cause} y la cola media es de {counts.queue:.1f}: aumente MAX_WORKERS o reparta la carga."
            )
        if stages:
            stage, times = max(stages.items(), key=lambda stage: stage[1].p95)
            slowest = f"la etapa más lenta es {STAGE_LABELS[stage]} ({times.p95:.2f} s)"
            return f"{cause} y {slowest}: {_STAGE_ADVICE[stage]}."
        return f"{cause}: mida las etapas (record_stages) para saber cuál tarda."

    def _on_resources(self, counts: Counts) -> list[str]:
        advice = []
        hit_rate = counts.hit_rate if counts.lookups >= self._thresholds.min_lookups else None
        if self._cache.check(hit_rate):
            advice.append(
                f"La caché acierta solo el {hit_rate:.1%} de las veces: aumente CACHE_SIZE_L1, CACHE_SIZE_L2 "
                "o CACHE_TTL_SECONDS, o desactívela si los solicitantes no se repiten."
            )
        if self._memory.check(counts.memory):
            advice.append(
                f"La memoria está al {counts.memory:.0f} %: reduzca las cachés o los procesos, "
                "o asigne más memoria."
            )
        if self._cpu.check(counts.cpu):
            advice.append(f"La CPU está al {counts.cpu:.0f} %: reparta la carga o asigne más CPU.")
        return advice


def _waiting(counts: Counts) -> bool:
    return (counts.queue or 0) >= _QUEUED or counts.busy >= _BUSY


def _on_failures(counts: Counts) -> str:
    share = f"Falla el {counts.failures / counts.total:.1%} de las predicciones"
    if 2 * counts.timeouts >= counts.failures:
        return (
            f"{share}, sobre todo por tiempo agotado ({counts.timeouts} de {counts.failures}): "
            "aumente MAX_WORKERS o TIMEOUT_PREDICCION, o use un modelo más ligero."
        )
    return (
        f"{share}, sobre todo por errores ({counts.errors} de {counts.failures}): "
        "busque el error más frecuente en el registro y corrija su causa."
    )


def _on_throughput(counts: Counts) -> str:
    return (
        f"Se responden {counts.rate:.2f} predicciones por segundo y hay trabajo en espera: "
        "aumente MAX_WORKERS o asigne más CPU."
    )
