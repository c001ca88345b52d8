from __future__ import annotations

import threading

import msgspec
import pytest

from morosidad.alerts import AlertBook
from morosidad.kpis import KPITracker
from morosidad.kpis.live import LiveMetrics
from morosidad.kpis.thresholds import Thresholds
from support import LONG

SAMPLE = [
    "timestamp",
    "predicciones_por_segundo",
    "tiempo_respuesta_promedio",
    "uso_memoria",
    "uso_cpu",
    "cache_hit_rate",
    "errores_por_minuto",
    "conexiones_activas",
]


@pytest.fixture
def tracker(clock) -> KPITracker:
    return KPITracker(clock=clock, wall=lambda: clock() + 1.7e9)


@pytest.fixture
def live(tracker) -> LiveMetrics:
    return LiveMetrics(tracker)


def levels(live: LiveMetrics) -> list[str]:
    return [alert.level for alert in live.alerts.active]


def test_the_messages_have_the_keys_of_the_metrics_documents(live):
    message = msgspec.to_builtins(live.tick())
    assert list(message) == [*SAMPLE, "alertas"]
    document = msgspec.to_builtins(live.document())
    assert list(document) == [
        "metricas_actuales",
        "historial_ultimo_minuto",
        "alertas_activas",
        "estado_sistema",
    ]
    assert list(document["metricas_actuales"]) == SAMPLE


def test_a_sample_holds_the_latest_figures(live, tracker, clock):
    for seconds, options in (
        (0.1, {"cached": True}),
        (0.2, {"cached": False}),
        (0.3, {"outcome": "error"}),
        (0.4, {"outcome": "timeout"}),
    ):
        tracker.record(seconds, **options)
    tracker.observe_resources(cpu=12.0, memory=34.0, connections=5)
    clock.advance(1)
    sample = live.tick()
    assert sample.timestamp == 1.7e9 + 1001
    assert sample.rate == 4.0
    assert sample.mean_seconds == pytest.approx(0.25)
    assert (sample.cpu, sample.memory, sample.connections) == (12.0, 34.0, 5)
    assert sample.cache_hit_rate == 0.5
    assert sample.errors_per_minute == 2
    clock.advance(1)
    assert live.tick().rate == 0.0
    clock.advance(60)
    sample = live.tick()
    assert (sample.mean_seconds, sample.cache_hit_rate, sample.errors_per_minute) == (None, None, 0)


def test_a_longer_interval_gives_the_rate_over_it(tracker, clock):
    live = LiveMetrics(tracker, interval=5.0)
    for _ in range(10):
        tracker.record(0.1)
        clock.advance(1)
    assert live.tick().rate == 1.0


def test_the_documents_are_json_before_a_first_interval_is_over(tracker, clock):
    live = LiveMetrics(tracker, interval=60.0)
    clock.advance(5)
    tracker.record(0.1, outcome="ok")
    live.tick()
    assert type(tracker.counts(60.0, whole=True).rate) is type(tracker.lifetime().rate) is float
    msgspec.json.encode(live.document())


def test_the_latest_samples_are_kept(tracker, clock):
    live = LiveMetrics(tracker, history=100)
    for _ in range(150):
        clock.advance(1)
        live.tick()
    assert len(live.history) == 100
    document = live.document()
    assert [sample.timestamp for sample in document.last_minute] == [1.7e9 + 1091 + n for n in range(60)]
    assert document.current == live.history[-1]


def test_alerts_open_persist_and_close(live, tracker, clock):
    tracker.observe_resources(memory=90)
    for _ in range(30):
        tracker.record(4.0, cached=False)
    for _ in range(5):
        clock.advance(1)
        live.tick()
    assert levels(live) == ["warning", "critical", "info"]
    assert [alert.message for alert in live.alerts.active] == [
        "Tiempo de respuesta alto: 4,00 s",
        "Uso de memoria crítico: 90 %",
        "Aciertos de la caché bajos: 0,0\u00a0%",
    ]
    assert len(live.alerts.history) == 3
    tracker.observe_resources(memory=80)
    assert [alert.code for alert in live.tick().alerts] == ["tiempo_respuesta", "memoria", "cache"]
    tracker.observe_resources(memory=70)
    assert [alert.code for alert in live.tick().alerts] == ["tiempo_respuesta", "cache"]
    clock.advance(60)
    live.tick()
    assert levels(live) == ["info"]  # of the cache, as long as the window that reports show holds its misses
    clock.advance(tracker.window)
    live.tick()
    assert levels(live) == []
    assert all(alert.closed is not None for alert in live.alerts.history)


def test_a_hit_rate_of_few_lookups_raises_no_alert(live, tracker):
    for _ in range(19):
        tracker.record(0.1, cached=False)
    live.tick()
    assert levels(live) == []
    tracker.record(0.1, cached=False)
    live.tick()
    assert levels(live) == ["info"]


def test_the_trackers_thresholds_decide(clock):
    tracker = KPITracker(thresholds=Thresholds(memory_percent=50), clock=clock)
    live = LiveMetrics(tracker)
    tracker.observe_resources(memory=60)
    live.tick()
    assert levels(live) == ["critical"]


def test_the_document_shows_the_latest_alerts_and_an_open_critical_one_is_the_state(live, tracker, clock):
    assert live.document().state == "SIN DATOS"
    tracker.record(0.1)
    assert live.document().state == "EXCELENTE"
    for number in range(12):
        live.alerts.set(f"otra {number}", True, "info", "…")
    tracker.observe_resources(memory=90)
    live.tick()
    document = live.document()
    assert [alert.code for alert in document.alerts] == [*(f"otra {n}" for n in range(3, 12)), "memoria"]
    assert document.state == "CRITICO"


def test_where_nobody_ticks_the_document_takes_a_sample(live, clock):
    taken = [live.document().current.timestamp]
    for seconds in (1.0, 1.0, 0.5):
        clock.advance(seconds)
        taken.append(live.document().current.timestamp)
    assert taken == [taken[0], taken[0], taken[0], taken[0] + 2.5]
    assert len(live.history) == 2


def test_other_parts_may_write_to_the_same_book(tracker):
    book = AlertBook()
    live = LiveMetrics(tracker, alerts=book)
    book.set("registro", True, "warning", "cola llena")
    assert [alert.code for alert in live.tick().alerts] == ["registro"]


def test_a_thread_takes_samples_until_closed(tracker):
    ticked = threading.Event()

    class Watched(LiveMetrics):
        def tick(self):
            message = super().tick()
            ticked.set()
            return message

    before = threading.active_count()
    with Watched(tracker, interval=0.001) as live:
        assert live.start() is live
        assert threading.active_count() == before + 1
        assert ticked.wait(LONG)
    assert threading.active_count() == before
    assert live.history
    live.close()
