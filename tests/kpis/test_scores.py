"""The distribution of scores and the decisions, as a tracker counts them."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.kpis import KPITracker
from support import FakeClock

DECISIONS = ("aprobar", "revisar", "rechazar")
probabilities = st.one_of(st.floats(0, 1), st.integers(0, 20).map(lambda edge: edge / 20))


@given(st.lists(probabilities, max_size=30))
def test_scores_are_counted_in_twenty_bins_one_by_one_or_in_a_batch(scores: list[float]) -> None:
    one_by_one, batch = KPITracker(60, subwindows=1), KPITracker(60, subwindows=1)
    for probability in scores:
        one_by_one.record(0.01, probability=probability)
    batch.record_many(0.01, scores)
    wanted = Counter(min(19, math.floor(probability * 20)) for probability in scores)
    expected = tuple(wanted[place] for place in range(20))
    assert one_by_one.counts().scores == batch.counts().scores == expected
    mean = pytest.approx(sum(scores) / len(scores)) if scores else None
    assert one_by_one.counts().mean_probability == mean
    assert batch.counts().mean_probability == mean


def test_decisions_are_counted_and_leave_with_the_window(clock: FakeClock) -> None:
    tracker = KPITracker(clock=clock)
    assert tracker.counts().decisions == dict.fromkeys(DECISIONS, 0)
    tracker.record(0.01, probability=0.1, decision="aprobar")
    tracker.record(0.01, probability=0.3, decision="revisar")
    tracker.record(0.01, probability=0.3)
    tracker.record_many(0.01, [0.9, 0.95], decisions={"rechazar": 2})
    assert tracker.counts().decisions == {"aprobar": 1, "revisar": 1, "rechazar": 2}
    clock.advance(301)
    assert tracker.counts().decisions == dict.fromkeys(DECISIONS, 0)
    assert tracker.counts().scores == (0,) * 20
    assert tracker.lifetime().decisions == {"aprobar": 1, "revisar": 1, "rechazar": 2}


@pytest.mark.parametrize("probability", [math.nan, -0.01, 1.0001, math.inf, -math.inf])
def test_what_is_no_probability_falls_in_no_bin(clock: FakeClock, probability: float) -> None:
    tracker = KPITracker(clock=clock)
    tracker.record(0.01, probability=probability)
    tracker.record_many(0.01, [probability, 0.5])
    assert sum(tracker.counts().scores) == tracker.counts().scored == 1
    assert tracker.counts().mean_probability == 0.5


def test_an_unknown_decision_is_refused_and_counts_for_nothing(clock: FakeClock) -> None:
    tracker = KPITracker(clock=clock)
    with pytest.raises(ValueError, match="'aprobar', 'revisar' or 'rechazar'"):
        tracker.record(0.01, probability=0.5, decision="quizá")
    with pytest.raises(ValueError, match="'aprobar', 'revisar' or 'rechazar'"):
        tracker.record_many(0.01, [0.5], decisions={"quizá": 1})
    assert tracker.counts().total == 0
    assert not tracker.counts().row.any()


def test_merged_trackers_add_their_scores_and_decisions(clock: FakeClock) -> None:
    draw = Random(3)
    one, other, both = (KPITracker(clock=clock) for _ in range(3))
    for _ in range(200):
        probability, decision = draw.random(), draw.choice(DECISIONS)
        draw.choice((one, other)).record(0.01, probability=probability, decision=decision)
        both.record(0.01, probability=probability, decision=decision)
    one.merge(other)
    assert one.counts().scores == both.counts().scores
    assert one.counts().decisions == both.counts().decisions
    np.testing.assert_allclose(one.counts().row, both.counts().row)
