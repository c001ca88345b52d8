from __future__ import annotations

import math
import re
import threading
import tracemalloc
from collections.abc import Callable, MutableSequence
from time import sleep

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.kpis import KPITracker
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
NOON = 1_700_000_000.0 - 1_700_000_000.0 % 86_400 + 43_200  # some day at 12:00 UTC


class Time:
    """A steady clock and a wall clock that go together until the wall clock is set."""

    def __init__(self) -> None:
        self.steady = 1000.0
        self.wall = NOON

    def advance(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def make(time: Time) -> Callable[..., KPITracker]:
    def make(*arguments: float, **options: object) -> KPITracker:
        options = {"zone": "UTC", **options}
        return KPITracker(*arguments, clock=lambda: time.steady, wall=lambda: time.wall, **options)

    return make


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


# Merging


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["lognormal", "bimodal", "constant", "heavy tail"]), st.integers(0, 2**32 - 1))
def test_percentiles_of_eight_merged_trackers_are_within_one_per_cent(shape, seed):
    rng = np.random.default_rng(seed)
    time = Time()
    trackers = [KPITracker(clock=lambda: time.steady, wall=lambda: time.wall) for _ in range(8)]
    draw = {
        "lognormal": lambda: rng.lognormal(-7, 1.5),
        "bimodal": lambda: rng.choice([2e-6, 3.0]) * rng.uniform(1, 1.01),
        "constant": lambda: 0.0123,
        "heavy tail": lambda: 1e-5 * (1 + rng.pareto(0.8)),
    }[shape]
    values = []
    for _ in range(200):
        value = float(np.clip(draw(), 1e-6, 60))
        trackers[rng.integers(8)].record(value)
        values.append(value)
        time.advance(rng.uniform(0, 0.5))
    whole = trackers[0]
    for tracker in trackers[1:]:
        whole.merge(tracker)
    metrics = whole.report().metrics
    np.testing.assert_allclose(
        [metrics.p50, metrics.p95, metrics.p99], np.quantile(values, [0.5, 0.95, 0.99]), rtol=0.01
    )


def test_a_merged_tracker_reports_on_both(make, time):
    one = make()
    one.record(0.01, probability=0.9, cached=True)
    one.observe_resources(cpu=10, memory=20, connections=2, queue=1)
    one.record_stages(predict=0.5)
    time.advance(5)
    other = make()
    other.record(0.03, outcome="error", cached=False)
    other.record(0.03, probability=0.2)
    other.observe_resources(cpu=30, memory=40, connections=3, queue=2)
    other.record_stages(predict=0.5)
    before = other.report()
    one.merge(other)
    metrics = one.report().metrics
    assert one.report().predictions == 3
    assert metrics.predictions_today == 3
    assert (metrics.cpu, metrics.memory, metrics.queue_size, metrics.connections) == (20, 30, 1.5, 5)
    assert metrics.cache_hit_rate == 0.5
    assert metrics.default_ratio == 1.0
    assert metrics.throughput == pytest.approx(3 / 5)
    assert one.stages()["predict"].samples == 2
    assert one.lifetime().total == 3
    assert other.report() == before
    time.advance(1)
    one.record(0.01)
    assert one.report().predictions == 4


def test_merging_forgets_no_newer_day_for_an_older_one(make, time):
    old = make()
    old.record(0.01)
    time.advance(3 * 86_400)
    new = make()
    new.record(0.01)
    new.record(0.01)
    new.merge(old)
    assert new.predictions_today() == 2
    assert new.lifetime().total == 3
    old.merge(new)
    assert old.predictions_today() == 2


def test_only_other_trackers_that_cut_time_alike_are_merged(make):
    tracker = make()
    for other in (tracker, make(60), make(subwindows=60)):
        with pytest.raises(ValueError, match="another tracker"):
            tracker.merge(other)


# The rest


class InterruptedRow:
    """A row that lets other threads run in the middle of every addition."""

    def __init__(self, row: MutableSequence[float]) -> None:
        self.row = row

    def __getitem__(self, column: int) -> float:
        value = self.row[column]
        sleep(0)
        return value

    def __setitem__(self, column: int, value: float) -> None:
        self.row[column] = value


def test_threads_lose_no_prediction(make):
    tracker = make()
    tracker._row = InterruptedRow(tracker._row)
    threads, each = 8, 200
    start = threading.Barrier(threads)

    def work(number: int) -> None:
        start.wait()
        for _ in range(each):
            tracker.record(0.001, probability=0.9 if number % 2 else 0.1, cached=number < 4)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = tracker.counts()
    assert counts.total == threads * each
    assert counts.lookups == threads * each
    assert (counts.hit_rate, counts.default_ratio) == (0.5, 1.0)
    assert counts.confidence == pytest.approx(0.9)
    assert counts.latency.sum == pytest.approx(0.001 * threads * each)


def test_memory_stays_the_same_however_much_is_recorded(make, time):
    tracker = make()

    def work() -> None:
        for number in range(3000):
            tracker.record(0.001 * (number % 50 + 1), probability=0.2, cached=False)
            tracker.record_stages(predict=0.01)
            time.advance(0.2)
        tracker.report()

    def held() -> int:
        """Count the bytes that the tracker's own code holds; other threads go on meanwhile."""
        own = [tracemalloc.Filter(True, f"*{part}*") for part in ("kpis", "sketch", "numpy")]
        found = tracemalloc.take_snapshot().filter_traces(own).statistics("filename")
        return sum(entry.size for entry in found)

    work()
    tracemalloc.start()
    work()
    before = held()
    for _ in range(5):
        work()
    after = held()
    tracemalloc.stop()
    assert after - before < 3000 * 5  # a byte kept for each record would be more


def test_the_timeline_cuts_the_observed_window_into_parts(make, time):
    tracker = make()
    assert tracker.timeline() == []
    for second in range(400):
        for _ in range(2 if second < 350 else 4):
            tracker.record(0.01)
        time.advance(1)
    parts = tracker.timeline(points=10)
    assert len(parts) == 10
    assert sum(part.total for part in parts) == tracker.report().predictions
    assert [part.rate for part in parts] == pytest.approx([2] * 8 + [part.rate for part in parts[8:]])
    assert parts[-1].rate == 4
    young = make()
    young.record(0.01)
    time.advance(3)
    assert [part.total for part in young.timeline()] == [1, 0, 0]


def test_a_notebook_shows_the_report(make):
    tracker = make()
    html = tracker._repr_html_()
    assert "SIN DATOS" in html
    assert "—" in html
    tracker.record(0.0123, probability=0.9)
    tracker.record(0.0123, outcome="error")
    html = tracker._repr_html_()
    assert "12.3 ms" in html
    assert "<li>Falla el 50.0% de las predicciones" in html
    assert "90.0%" in html
    assert repr(tracker) == "KPITracker(window=300, predictions=2)"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(5e-6, r">(4\.9|5)[.\d]* µs ·"), (0.5, r">(49|50)\d ms ·"), (2.5, r">2\.[45]\d* s ·")],
)
def test_times_are_shown_in_the_unit_that_fits(make, seconds, shown):
    tracker = make()
    tracker.record(seconds)
    assert re.search(shown, tracker._repr_html_())


@pytest.mark.parametrize(
    "options",
    [{"window": 0}, {"window": math.inf}, {"window": math.nan}, {"subwindows": 0}, {"stage_every": 0}],
)
def test_windows_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="must be positive"):
        KPITracker(**options)


def test_a_tracker_that_shares_nothing_can_be_closed_and_used_on(make):
    with make() as tracker:
        tracker.record(0.01)
    tracker.close()
    tracker.record(0.01)
    assert tracker.report().predictions == 2
