from __future__ import annotations

import pytest

from morosidad.kpis import KPITracker
from morosidad.kpis.thresholds import Thresholds


@pytest.fixture
def tracker(clock) -> KPITracker:
    return KPITracker(clock=clock, wall=lambda: 1.7e9)


def record(tracker: KPITracker, clock, number: int, seconds: float, **options: object) -> None:
    """Record so many predictions, ten a second."""
    for _ in range(number):
        tracker.record(seconds, **options)
        clock.advance(0.1)


def state(tracker: KPITracker) -> str:
    return tracker.report().state


def advice(tracker: KPITracker) -> str:
    (line,) = tracker.report().recommendations
    return line


def test_quick_answers_without_failures_are_excellent(tracker, clock):
    record(tracker, clock, 100, 0.01)
    report = tracker.report()
    assert (report.state, report.recommendations) == ("EXCELENTE", ())


def test_nobody_asking_is_no_alarm(tracker, clock):
    report = tracker.report()
    assert (report.state, report.recommendations) == ("SIN DATOS", ())
    clock.advance(200)
    tracker.record(0.01)
    clock.advance(50)
    assert tracker.report().metrics.throughput < 0.01
    assert tracker.report().state == "EXCELENTE"
    clock.advance(300)
    assert tracker.report().state == "SIN DATOS"


def test_each_thing_that_is_wrong_worsens_the_state(tracker, clock):
    record(tracker, clock, 10, 4.0)
    assert state(tracker) == "BUENO"
    record(tracker, clock, 10, 4.0, outcome="error")
    assert state(tracker) == "REGULAR"
    clock.advance(100)
    assert state(tracker) == "CRITICO"


def test_low_throughput_is_wrong_while_work_is_waiting_in_the_queue(tracker, clock):
    record(tracker, clock, 10, 0.01)
    clock.advance(99)
    tracker.observe_resources(queue=3)
    assert state(tracker) == "BUENO"
    assert "0,10 predicciones por segundo y hay trabajo en espera: aumente MAX_WORKERS" in advice(tracker)
    record(tracker, clock, 1000, 0.01)
    assert state(tracker) == "EXCELENTE"


def test_low_throughput_is_wrong_while_somebody_is_always_waiting_for_an_answer(tracker, clock):
    for _ in range(20):
        clock.advance(2)
        tracker.record(1.9)
    assert state(tracker) == "BUENO"
    assert "trabajo en espera" in advice(tracker)


def test_a_slow_service_is_told_which_stage_is_slow_and_what_to_do(tracker, clock):
    record(tracker, clock, 10, 4.0)
    assert "(límite 3 s): mida las etapas" in advice(tracker)
    tracker.record_stages(validate=0.001, predict=3.9)
    assert "la etapa más lenta es predecir (" in advice(tracker)
    assert "use un modelo compilado" in advice(tracker)
    tracker.record_stages(cache=5.0)
    assert "la etapa más lenta es caché (4,9" in advice(tracker)
    tracker.observe_resources(queue=4)
    assert "la cola media es de 4,0: aumente MAX_WORKERS" in advice(tracker)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ("error", "50,0\u00a0% de las predicciones, sobre todo por errores (10 de 10): busque el error"),
        ("timeout", "sobre todo por tiempo agotado (10 de 10): aumente MAX_WORKERS o TIMEOUT_PREDICCION"),
    ],
)
def test_failures_are_told_apart_by_their_cause(tracker, clock, outcome, text):
    record(tracker, clock, 10, 0.01)
    record(tracker, clock, 10, 0.01, outcome=outcome)
    assert text in advice(tracker)


def test_when_everything_fails_the_answers_count_as_late_too(tracker, clock):
    record(tracker, clock, 30, 0.01, outcome="error")
    report = tracker.report()
    assert report.state == "REGULAR"
    assert report.recommendations[0].startswith("Ninguna predicción terminó bien: restaure")
    assert report.recommendations[1].startswith("Falla el 100,0\u00a0%")


def test_the_state_does_not_waver_with_a_figure_near_its_threshold(tracker, clock):
    record(tracker, clock, 94, 0.01)
    record(tracker, clock, 6, 0.01, outcome="error")
    assert state(tracker) == "BUENO"
    record(tracker, clock, 25, 0.01)
    assert tracker.report().metrics.error_rate < 0.05
    assert state(tracker) == "BUENO"
    record(tracker, clock, 10, 0.01)
    assert tracker.report().metrics.error_rate < 0.045
    assert state(tracker) == "EXCELENTE"
    record(tracker, clock, 8, 0.01)
    record(tracker, clock, 1, 0.01, outcome="error")
    assert 0.045 < tracker.report().metrics.error_rate < 0.05
    assert state(tracker) == "EXCELENTE"


def test_resources_that_run_short_are_named_without_worsening_the_state(tracker, clock):
    record(tracker, clock, 30, 0.01, cached=False)
    tracker.observe_resources(cpu=95, memory=90)
    report = tracker.report()
    assert report.state == "EXCELENTE"
    cache, memory, cpu = report.recommendations
    assert cache.startswith("La caché acierta solo el 0,0\u00a0% de las veces: aumente CACHE_SIZE_L1")
    assert memory.startswith("La memoria está al 90 %: reduzca las cachés")
    assert cpu.startswith("La CPU está al 95 %: reparta la carga")


def test_a_hit_rate_of_few_lookups_says_nothing(tracker, clock):
    record(tracker, clock, 19, 0.01, cached=False)
    assert tracker.report().recommendations == ()
    record(tracker, clock, 1, 0.01, cached=False)
    assert "caché" in advice(tracker)


def test_thresholds_can_be_set(clock):
    tracker = KPITracker(thresholds=Thresholds(p95_seconds=0.1, error_rate=0.5), clock=clock)
    record(tracker, clock, 10, 0.2)
    record(tracker, clock, 5, 0.2, outcome="error")
    assert state(tracker) == "BUENO"
    assert "(límite 0,1 s)" in advice(tracker)
