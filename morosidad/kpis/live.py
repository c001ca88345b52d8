"""Live metrics: a sample of the key figures each second, with history and alerts."""

from __future__ import annotations

import threading
from collections import deque
from typing import Self

import msgspec

from morosidad.alerts import CACHE_MISSES, MEMORY_HIGH, SLOW_ANSWERS, Alert, AlertBook, Limit
from morosidad.kpis.counts import Counts
from morosidad.kpis.diagnosis import ServiceState
from morosidad.kpis.tracker import KPITracker
from morosidad.processes.forking import renew_after_fork

_MINUTE = 60.0
_SHOWN_ALERTS = 10


class LiveSample(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a moment. None stands for what was not measured.

    Attributes
    ----------
    timestamp : float
        Seconds since 1970.
    rate : float
        Predictions per second in the latest interval that is over.
    mean_seconds : float or None
        Mean seconds to an answer in the last minute, failures included.
    memory, cpu : float or None
        Latest use, in per cent.
    cache_hit_rate : float or None
        Share of the cache lookups of the last minute that were answered.
    errors_per_minute : int
        Failures of the last minute, time-outs included.
    connections : int
        Connections open now.
    """

    timestamp: float
    rate: float = msgspec.field(name="predicciones_por_segundo")
    mean_seconds: float | None = msgspec.field(name="tiempo_respuesta_promedio")
    memory: float | None = msgspec.field(name="uso_memoria")
    cpu: float | None = msgspec.field(name="uso_cpu")
    cache_hit_rate: float | None
    errors_per_minute: int = msgspec.field(name="errores_por_minuto")
    connections: int = msgspec.field(name="conexiones_activas")


class LiveMessage(LiveSample, frozen=True, kw_only=True):
    """A sample with the alerts that are open: what the metrics WebSocket sends.

    Attributes
    ----------
    alerts : tuple of Alert
        Oldest first.
    """

    alerts: tuple[Alert, ...] = msgspec.field(name="alertas")


class LiveDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics document that is answered over HTTP.

    Attributes
    ----------
    current : LiveSample
        The latest sample.
    last_minute : tuple of LiveSample
        The latest sixty, oldest first.
    alerts : tuple of Alert
        The ten alerts that opened last, of those that persist.
    state : str
        ServiceState of the service; CRITICO whenever a critical alert is open.
    """

    current: LiveSample = msgspec.field(name="metricas_actuales")
    last_minute: tuple[LiveSample, ...] = msgspec.field(name="historial_ultimo_minuto")
    alerts: tuple[Alert, ...] = msgspec.field(name="alertas_activas")
    state: ServiceState = msgspec.field(name="estado_sistema")


class LiveMetrics:
    """Takes a sample of a tracker each interval, keeps the latest, and opens and closes alerts.

    Call `tick` once an interval, or let `start` do so in a thread.

    Parameters
    ----------
    tracker : KPITracker
        What to look at. Its thresholds decide about alerts.
    interval : float, default=1.0
        Seconds between samples.
    history : int, default=1000
        Samples that are kept.
    alerts : AlertBook, optional
        Where alerts go; other parts may write to it too. A book of 50 by default.
    """

    def __init__(
        self,
        tracker: KPITracker,
        *,
        interval: float = 1.0,
        history: int = 1000,
        alerts: AlertBook | None = None,
    ) -> None:
        limits = tracker.thresholds
        self.tracker = tracker
        self.interval = interval
        self.alerts: AlertBook = AlertBook(wall=tracker.wall) if alerts is None else alerts
        self._history: deque[LiveSample] = deque(maxlen=history)
        self._slow = Limit(limits.mean_seconds, limits.margin)
        self._full = Limit(limits.memory_percent, limits.margin)
        self._missing = Limit(limits.cache_hit_rate, limits.margin, above=False)
        self._thread: threading.Thread | None = None
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Go on in a thread of this process, where one was running."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        if self._thread is not None:
            self._thread = None
            self.start()

    def tick(self) -> LiveMessage:
        """Take a sample, look after the alerts, and return both."""
        tracker = self.tracker
        with self._lock:
            minute = tracker.counts(_MINUTE)
            cpu, memory = tracker.resources()
            sample = LiveSample(
                timestamp=tracker.wall(),
                rate=tracker.counts(self.interval, whole=True).rate,
                mean_seconds=minute.mean_seconds,
                memory=memory,
                cpu=cpu,
                cache_hit_rate=minute.hit_rate,
                errors_per_minute=minute.failures,
                connections=tracker.connections() or 0,
            )
            self._history.append(sample)
            self._update_alerts(sample, tracker.counts())
        return LiveMessage(**msgspec.structs.asdict(sample), alerts=self.alerts.active)

    @property
    def history(self) -> tuple[LiveSample, ...]:
        """The samples kept, oldest first."""
        with self._lock:
            return tuple(self._history)

    def document(self) -> LiveDocument:
        """Return the metrics document: the latest sample, the last sixty, alerts and state.

        Takes a sample where the latest is over two intervals old.
        """
        history = self.history
        if not history or self.tracker.wall() - history[-1].timestamp > 2 * self.interval:
            self.tick()
            history = self.history
        active = self.alerts.active
        critical = any(alert.level == "critical" for alert in active)
        return LiveDocument(
            current=history[-1],
            last_minute=history[-60:],
            alerts=active[-_SHOWN_ALERTS:],
            state="CRITICO" if critical else self.tracker.report().state,
        )

    def start(self) -> Self:
        """Take a sample each interval in a daemon thread, until `close`."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="morosidad-live", daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """Stop the thread, if there is one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            self.tick()

    def _update_alerts(self, sample: LiveSample, window: Counts) -> None:
        """Open and close alerts by the latest sample, and for the cache by the window, which reports show."""
        seconds, memory, hits = sample.mean_seconds, sample.memory, window.hit_rate
        slow, full = self._slow.check(seconds), self._full.check(memory)
        enough = window.lookups >= self.tracker.thresholds.min_lookups
        idle = self._missing.check(hits if enough else None)
        book = self.alerts
        book.report(SLOW_ANSWERS, slow, seconds=seconds or 0)
        book.report(MEMORY_HIGH, full, percent=memory or 0)
        book.report(CACHE_MISSES, idle, rate=hits or 0)
