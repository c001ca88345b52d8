"""KPITracker: the report, its figures and the stages."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from helpers.kpis import NOON
from morosidad.kpis.report import KPIReport

METRICS = [
    "tiempo_respuesta_p50",
    "tiempo_respuesta_p95",
    "tiempo_respuesta_p99",
    "throughput_predicciones_por_segundo",
    "tasa_exito",
    "tasa_error",
    "tasa_timeout",
    "cache_hit_rate",
    "uso_cpu_promedio",
    "uso_memoria_promedio",
    "conexiones_concurrentes",
    "queue_size_promedio",
    "predicciones_totales_dia",
    "ratio_morosos_no_morosos",
    "confianza_promedio_predicciones",
]
REPORT = [
    "timestamp",
    "periodo_analisis_minutos",
    "total_predicciones_analizadas",
    "metricas",
    "estado_performance",
    "recomendaciones",
]


# The document


def test_the_json_of_a_report_is_the_kpi_document(make):
    tracker = make()
    tracker.record(0.01, probability=0.2, cached=True)
    document = msgspec.json.decode(msgspec.json.encode(tracker.report()))
    assert list(document) == REPORT
    assert list(document["metricas"]) == METRICS
    assert document["timestamp"] == NOON
    assert document["periodo_analisis_minutos"] == 5.0
    assert document["total_predicciones_analizadas"] == 1
    assert msgspec.convert(document, KPIReport) == tracker.report()


def test_without_predictions_the_document_still_has_the_numbers_that_its_readers_format(make):
    document = msgspec.to_builtins(make().report())
    assert document["estado_performance"] == "SIN DATOS"
    metrics = document["metricas"]
    unmeasured = {
        "cache_hit_rate",
        "uso_cpu_promedio",
        "uso_memoria_promedio",
        "conexiones_concurrentes",
        "queue_size_promedio",
        "ratio_morosos_no_morosos",
        "confianza_promedio_predicciones",
    }
    assert {name for name, value in metrics.items() if value is None} == unmeasured
    assert {name for name, value in metrics.items() if value == 0} == set(METRICS) - unmeasured


def test_a_report_can_not_be_changed(make):
    report = make().report()
    with pytest.raises(AttributeError):
        report.state = "EXCELENTE"
    with pytest.raises(AttributeError):
        report.metrics.p50 = 1.0


# The figures


def test_rates_are_shares_of_all_predictions_and_time_outs_are_errors_too(make):
    tracker = make()
    for outcome, times in (("ok", 6), ("error", 3), ("timeout", 1)):
        for _ in range(times):
            tracker.record(0.01, outcome=outcome)
    metrics = tracker.report().metrics
    assert (metrics.success_rate, metrics.error_rate, metrics.timeout_rate) == (0.6, 0.4, 0.1)


def test_percentiles_are_those_of_the_predictions_that_succeeded(make):
    tracker = make()
    tracker.record(0.01)
    for _ in range(50):
        tracker.record(5.0, outcome="timeout")
    assert tracker.report().metrics.p99 == pytest.approx(0.01, rel=0.01)


def test_labels_come_from_the_probability_unless_they_are_given(make):
    tracker = make()
    tracker.record(0.01, probability=0.9)
    tracker.record(0.01, probability=0.5)
    tracker.record(0.01, probability=0.3)
    tracker.record(0.01, probability=0.3, label=1)
    tracker.record(0.01)
    metrics = tracker.report().metrics
    assert metrics.default_ratio == 1.0
    assert metrics.confidence == pytest.approx((0.9 + 0.5 + 0.7 + 0.7) / 4)


def test_the_ratio_is_null_without_non_defaulters(make):
    tracker = make()
    tracker.record(0.01, probability=0.9)
    assert tracker.report().metrics.default_ratio is None


@pytest.mark.parametrize("probability", [math.nan, -0.1, 1.1, math.inf])
def test_what_is_no_probability_counts_for_neither_label_nor_confidence(make, probability):
    tracker = make()
    tracker.record(0.01, probability=0.8)
    tracker.record(0.01, probability=probability)
    tracker.record_many(0.02, [0.8, probability])
    metrics = tracker.report().metrics
    assert metrics.confidence == pytest.approx(0.8)
    assert metrics.default_ratio is None
    assert tracker.report().predictions == 4


def test_the_hit_rate_is_that_of_the_predictions_for_which_a_cache_was_asked(make):
    tracker = make()
    for cached in (True, False, False, False, None, None):
        tracker.record(0.01, cached=cached)
    assert tracker.report().metrics.cache_hit_rate == 0.25


def test_times_outside_the_range_are_clamped_and_counted(make):
    tracker = make()
    for seconds in (0.0, -1.0, math.nan, 1000.0, math.inf):
        tracker.record(seconds)
        tracker.record(seconds, outcome="error")
    latency = tracker.counts().latency
    assert (latency.below, latency.above, latency.count) == (3, 2, 5)
    assert latency.sum == pytest.approx(2 * 67.108864, rel=1e-6)
    assert tracker.counts().mean_seconds == pytest.approx(4 * 67.108864 / 10, rel=1e-6)


def test_an_unknown_outcome_is_refused_and_counts_for_nothing(make):
    tracker = make()
    with pytest.raises(ValueError, match="'ok', 'error' or 'timeout'"):
        tracker.record(0.01, outcome="fallo", probability=0.5, cached=True)
    assert tracker.report().predictions == 0
    assert tracker.report().metrics.predictions_today == 0
    tracker.record(0.01)
    assert tracker.report().predictions == 1


def test_resources_are_averaged_over_the_window(make, time):
    tracker = make()
    tracker.observe_resources(cpu=20.0, memory=40.0, connections=3, queue=0)
    time.advance(1)
    tracker.observe_resources(cpu=40.0, memory=50.0, connections=7, queue=5)
    tracker.observe_resources(cpu=math.nan, memory=math.inf)
    metrics = tracker.report().metrics
    assert (metrics.cpu, metrics.memory) == (30.0, 45.0)
    assert (metrics.connections, metrics.queue_size) == (7, 2.5)
    time.advance(300)
    metrics = tracker.report().metrics
    assert (metrics.cpu, metrics.memory, metrics.queue_size) == (None, None, None)
    assert metrics.connections == 7
    assert tracker.resources() == (40.0, 50.0)
    time.advance(0.5)
    assert tracker.report().metrics.connections is None
    assert tracker.resources() == (None, None)


def test_a_batch_counts_like_its_predictions_one_by_one(make):
    one_by_one, batch = make(), make()
    probabilities, labels = [0.1, 0.5, 0.7, 0.9], [0, 1, 1, 0]
    for p, label in zip(probabilities, labels, strict=True):
        one_by_one.record(0.25, probability=p, cached=False)
        one_by_one.record(0.25, probability=p, label=label)
    batch.record_many(1.0, np.array(probabilities), cached=False)
    batch.record_many(1.0, probabilities, labels=labels)
    batch.record_many(1.0, [])
    np.testing.assert_allclose(batch.counts().row, one_by_one.counts().row)
    assert batch.report().metrics.predictions_today == 8


def test_a_batch_counts_in_the_sub_window_in_which_it_ends(make, time):
    tracker = make()
    tracker.record_many(1.0, [0.1, 0.2])
    time.advance(299)
    tracker.record_many(1.0, [0.1])
    assert tracker.report().predictions == 3
    time.advance(1)
    assert tracker.report().predictions == 1


def test_a_batch_outside_the_range_is_clamped_and_counted(make):
    tracker = make()
    tracker.record_many(1000.0, [0.1, 0.2])
    tracker.record_many(1e-9, [0.1])
    latency = tracker.counts().latency
    assert (latency.below, latency.above, latency.count) == (1, 2, 3)


# Stages


def test_stages_are_reported_one_by_one(make, time):
    tracker = make()
    assert tracker.stages() == {}
    for _ in range(9):
        tracker.record_stages(validate=1e-5, predict=2.0, decide=1e-9)
    tracker.record_stages(validate=1e-5, cache=3e-6, predict=4.0)
    stages = tracker.stages()
    assert list(stages) == ["validate", "cache", "predict", "decide"]
    assert [times.samples for times in stages.values()] == [10, 1, 10, 9]
    assert stages["predict"].mean == pytest.approx(2.2)
    assert stages["predict"].p50 == pytest.approx(2.0, rel=0.01)
    assert stages["predict"].p99 == pytest.approx(np.quantile([2.0] * 9 + [4.0], 0.99), rel=0.01)
    time.advance(301)
    assert tracker.stages() == {}
    assert tracker.stages_lifetime()["predict"].count == 10


def test_one_prediction_in_so_many_is_timed_by_stage(make):
    tracker = make(stage_every=3)
    assert [tracker.time_stages() for _ in range(7)] == [True, False, False, True, False, False, True]
    always = make(stage_every=1)
    assert all(always.time_stages() for _ in range(5))
