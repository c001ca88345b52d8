"""KPITracker: merging, threads, constant memory, the timeline and the notebook view."""

from __future__ import annotations

import math
import re
import threading
import tracemalloc
from collections.abc import MutableSequence
from time import sleep

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.kpis import Time
from morosidad.kpis import KPITracker

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
    assert "12,3 ms" in html
    assert "<li>Falla el 50,0\u00a0% de las predicciones" in html
    assert "90,0\u00a0%" in html
    assert repr(tracker) == "KPITracker(window=300, predictions=2)"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(5e-6, r">(4,9|5)[,\d]* µs ·"), (0.5, r">(49|50)\d ms ·"), (2.5, r">2,[45]\d* s ·")],
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
