from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.kpis import KPITracker

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


# The window


def test_a_record_leaves_when_it_is_as_old_as_the_window(make, time):
    tracker = make()
    tracker.record(0.01)
    time.advance(299.9)
    assert tracker.report().predictions == 1
    time.advance(0.1)
    assert tracker.report().predictions == 0
    assert tracker.lifetime().total == 1


def test_every_second_of_a_full_window_counts_once(make, time):
    tracker = make()
    for second in range(1000):
        tracker.record(0.001 * (1 + second % 7))
        time.advance(1)
    report = tracker.report()
    assert report.predictions == 299  # the sub-window that has just begun is empty as yet
    assert report.metrics.throughput == 1.0
    time.advance(0.5)
    tracker.record(0.001)
    report = tracker.report()
    assert report.predictions == 300
    assert report.metrics.throughput == pytest.approx(300 / 299.5)


def test_throughput_is_over_the_time_really_observed(make, time):
    tracker = make()
    for _ in range(50):
        tracker.record(0.01)
    assert tracker.report().metrics.throughput == 50.0  # a second is the least that is looked at
    time.advance(10)
    assert tracker.report().metrics.throughput == 5.0
    time.advance(10)
    assert tracker.report().metrics.throughput == 2.5


def test_time_without_requests_is_observed_too(make, time):
    tracker = make()
    time.advance(100)
    tracker.record(0.01)
    assert tracker.report().metrics.throughput == pytest.approx(0.01)


def test_counts_of_the_last_seconds_leave_out_the_rest(make, time):
    tracker = make()
    for second in range(100):
        for _ in range(second):
            tracker.record(0.01)
        time.advance(1)
    assert tracker.counts(1).total == 0
    assert tracker.counts(2).total == 99
    last = tracker.counts(1, whole=True)
    assert (last.total, last.seconds, last.rate) == (99, 1.0, 99.0)
    last = tracker.counts(10, whole=True)
    assert (last.total, last.seconds) == (sum(range(90, 100)), 10.0)
    assert tracker.counts(10_000).total == sum(range(100))


def test_the_whole_window_without_what_is_under_way_counts_as_long_as_it_says(make, time):
    tracker = make()
    for _ in range(1000):
        tracker.record(0.01)
        time.advance(1)
    tracker.record(0.01)
    counts = tracker.counts(whole=True)
    assert counts.total == counts.seconds == tracker.window - 1


def test_the_wall_clock_does_not_move_the_window(make, time):
    tracker = make()
    tracker.record(0.01)
    for leap in (-7200.0, 50 * 86_400.0, -86_400.0):
        time.wall += leap
        time.advance(60)
        tracker.record(0.01)
    assert tracker.report().predictions == 4
    assert tracker.report().metrics.throughput == pytest.approx(4 / 180)


records = st.lists(
    st.tuples(
        st.floats(0, 4),
        st.floats(1e-6, 60),
        st.sampled_from(["ok", "ok", "ok", "error", "timeout"]),
        st.none() | st.floats(0, 1),
        st.sampled_from([None, True, False]),
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(records, st.floats(0, 12))
def test_a_report_agrees_with_a_plain_list_of_the_records(records, pause):
    time = Time()
    tracker = KPITracker(10, subwindows=10, zone="UTC", clock=lambda: time.steady, wall=lambda: time.wall)
    kept = []
    for wait, seconds, outcome, probability, cached in records:
        time.advance(wait)
        tracker.record(seconds, outcome=outcome, probability=probability, cached=cached)
        kept.append((math.floor(time.steady), seconds, outcome, probability, cached))
    time.advance(pause)
    first = math.floor(time.steady) - 9
    inside = [record for record in kept if record[0] >= first]
    ok = [seconds for _, seconds, outcome, _, _ in inside if outcome == "ok"]
    probabilities = [p for _, _, _, p, _ in inside if p is not None]
    looked_up = [cached for *_, cached in inside if cached is not None]
    positive = sum(p > 0.5 for p in probabilities)
    report = tracker.report()
    m = report.metrics
    assert report.predictions == len(inside)
    assert m.throughput == pytest.approx(len(inside) / max(1.0, time.steady - max(1000.0, first)))
    assert m.predictions_today == len(kept)
    assert [m.p50, m.p95, m.p99] == pytest.approx(
        np.quantile(ok, [0.5, 0.95, 0.99]).tolist() if ok else [0, 0, 0], rel=0.01
    )
    if inside:
        assert m.success_rate == pytest.approx(len(ok) / len(inside))
        timeouts = sum(outcome == "timeout" for _, _, outcome, _, _ in inside)
        assert m.timeout_rate == pytest.approx(timeouts / len(inside))
    assert m.cache_hit_rate == (pytest.approx(sum(looked_up) / len(looked_up)) if looked_up else None)
    confidences = [max(p, 1 - p) for p in probabilities]
    assert m.confidence == (pytest.approx(np.mean(confidences)) if confidences else None)
    negative = len(probabilities) - positive
    assert m.default_ratio == (pytest.approx(positive / negative) if negative else None)


# The day


def test_predictions_today_begin_again_at_midnight(make, time):
    tracker = make()
    time.advance(43_200 - 0.25)
    tracker.record(0.01)
    assert tracker.report().metrics.predictions_today == 1
    time.advance(0.25)
    assert tracker.report().metrics.predictions_today == 0
    tracker.record(0.01)
    tracker.record(0.01)
    report = tracker.report()
    assert report.metrics.predictions_today == 2
    assert report.predictions == 3


def test_midnight_cuts_the_day_within_a_long_sub_window(make, time):
    tracker = make(86_400, subwindows=1)
    time.advance(43_100)
    tracker.record(0.01)
    time.advance(200)
    tracker.record(0.01)
    assert tracker.report().metrics.predictions_today == 1


@pytest.mark.parametrize(
    ("zone", "hours_to_midnight"), [("UTC", 12), ("America/Guayaquil", 17), ("Asia/Kolkata", 6.5)]
)
def test_the_day_is_that_of_the_zone(make, time, zone, hours_to_midnight):
    tracker = make(zone=zone)
    tracker.record(0.01)
    time.advance(hours_to_midnight * 3600 - 1)
    assert tracker.predictions_today() == 1
    time.advance(1)
    assert tracker.predictions_today() == 0


@pytest.mark.parametrize(
    ("first_moment", "hours"),
    [(1_711_839_600.0, 23), (1_729_980_000.0, 25)],  # 2024-03-31 and 2024-10-27, 00:00 in Madrid
)
def test_a_day_lasts_as_long_as_the_zone_says(make, time, first_moment, hours):
    time.wall = first_moment
    tracker = make(zone="Europe/Madrid")
    tracker.record(0.01)
    time.advance(hours * 3600 - 1)
    tracker.record(0.01)
    assert tracker.predictions_today() == 2
    time.advance(1)
    tracker.record(0.01)
    assert tracker.predictions_today() == 1


def test_the_day_of_the_machine_is_the_default(time):
    tracker = KPITracker(clock=lambda: time.steady, wall=lambda: time.wall)
    tracker.record(0.01)
    assert tracker.predictions_today() == 1


def test_a_wall_clock_that_is_set_back_over_midnight_finds_the_day_as_it_was(make, time):
    tracker = make()
    tracker.record(0.01)
    time.advance(43_200 + 30)
    tracker.record(0.01)
    assert tracker.predictions_today() == 1
    time.wall -= 60
    time.advance(1)
    tracker.record(0.01)
    assert tracker.predictions_today() == 2
    time.advance(60)
    assert tracker.predictions_today() == 1


def test_a_wall_clock_that_is_set_within_the_day_keeps_its_count(make, time):
    tracker = make()
    for leap in (0.0, -3600.0, 7200.0):
        time.wall += leap
        time.advance(1)
        tracker.record(0.01)
    assert tracker.predictions_today() == 3


def test_days_far_apart_are_not_taken_for_each_other(make, time):
    tracker = make()
    tracker.record(0.01)
    time.advance(3 * 86_400)
    assert tracker.predictions_today() == 0
    tracker.record(0.01)
    assert tracker.predictions_today() == 1
