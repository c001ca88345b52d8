from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.sketch import LogBuckets, QuantileSketch

QS = (0.0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)

in_range = st.floats(1e-6, 60.0)


def latencies(shape: str, seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = {
        "lognormal": lambda: rng.lognormal(-7, 1.5, size),
        "bimodal": lambda: np.where(rng.random(size) < 0.5, 2e-6, 3.0) * rng.uniform(1, 1.01, size),
        "constant": lambda: np.full(size, rng.uniform(1e-6, 60)),
        "heavy tail": lambda: 1e-5 * (1 + rng.pareto(0.8, size)),
    }[shape]()
    return np.clip(values, 1e-6, 60.0)


def filled(values: np.ndarray) -> QuantileSketch:
    sketch = QuantileSketch()
    for value in values:
        sketch.add(float(value))
    return sketch


shapes = st.sampled_from(["lognormal", "bimodal", "constant", "heavy tail"])


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1), st.integers(1, 400))
def test_quantiles_are_within_one_per_cent_of_numpy(shape, seed, size):
    values = latencies(shape, seed, size)
    np.testing.assert_allclose(filled(values).quantiles(QS), np.quantile(values, QS), rtol=0.01, atol=0)


@settings(max_examples=40, deadline=None)
@given(st.lists(in_range, min_size=1, max_size=60), st.floats(0, 1))
def test_any_quantile_of_any_values_is_within_one_per_cent(values, q):
    sketch = filled(np.array(values))
    assert sketch.quantile(q) == pytest.approx(float(np.quantile(values, q)), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1), st.integers(8, 300))
def test_eight_merged_sketches_are_one_sketch_of_everything(shape, seed, size):
    values = latencies(shape, seed, size)
    merged = QuantileSketch()
    for part in np.array_split(values, 8):
        merged.merge(filled(part))
    whole = filled(values)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    assert merged.sum == pytest.approx(whole.sum)
    np.testing.assert_allclose(merged.quantiles(QS), np.quantile(values, QS), rtol=0.01)


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01, 0.001])
def test_every_bucket_keeps_the_error_that_was_asked_for(error):
    buckets = LogBuckets(error, 1e-3, 100.0)
    for value in np.geomspace(buckets.low, buckets.high, 5000):
        told = buckets.middles[buckets.index(float(value))]
        assert abs(told - value) <= error * value * (1 + 1e-9)


def test_the_range_ends_a_whole_number_of_octaves_above_its_beginning():
    buckets = LogBuckets(0.01, 1e-6, 60.0)
    assert buckets.octaves == 26
    assert buckets.high == pytest.approx(67.108864)
    assert buckets.size == 26 * buckets.per_octave + 1


def test_what_lies_outside_the_range_is_clamped_and_counted():
    sketch = QuantileSketch()
    for value in (0.0, -5.0, 1e-9, math.nan, 1e6, math.inf, 0.5):
        sketch.add(value)
    assert (sketch.below, sketch.above, sketch.count) == (4, 2, 7)
    assert sketch.quantile(0) == pytest.approx(1e-6, rel=0.01)
    assert sketch.quantile(1) == pytest.approx(67.108864, rel=0.01)
    assert sketch.sum == pytest.approx(4e-6 + 2 * 67.108864 + 0.5)


def test_the_ends_of_the_range_belong_to_it():
    sketch = QuantileSketch()
    sketch.add(sketch.buckets.low)
    sketch.add(sketch.buckets.high)
    sketch.add(math.nextafter(sketch.buckets.high, 0))
    assert (sketch.below, sketch.above, sketch.count) == (0, 0, 3)


def test_a_value_can_be_added_many_times_at_once():
    once, often = QuantileSketch(), QuantileSketch()
    once.add(0.25, 5)
    for _ in range(5):
        often.add(0.25)
    np.testing.assert_array_equal(once.counts, often.counts)
    assert once.sum == often.sum
    assert once.mean == 0.25


def test_an_empty_sketch_has_no_quantiles_and_no_mean():
    sketch = QuantileSketch()
    assert math.isnan(sketch.quantile(0.5))
    assert math.isnan(sketch.mean)
    assert repr(sketch) == "QuantileSketch(count=0, below=0, above=0)"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-6, 60.0), max_size=60))
def test_cumulative_counts_follow_the_octaves(values):
    sketch = filled(np.array(values))
    cumulative = sketch.buckets.cumulative(sketch.counts)
    assert cumulative[0][0] == 2e-6
    assert cumulative[-1] == (math.inf, len(values))
    for edge, count in cumulative[:-1]:
        below = sum(value < edge * (1 - 1e-9) for value in values)
        assert below <= count <= sum(value <= edge * (1 + 1e-9) for value in values)


def test_sketches_on_other_buckets_are_not_merged():
    with pytest.raises(ValueError, match="same buckets"):
        QuantileSketch().merge(QuantileSketch(relative_error=0.02))


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_what_is_no_quantile_is_refused(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        QuantileSketch().quantile(q)


@pytest.mark.parametrize("arguments", [(0.0,), (1.0,), (0.01, 0.0), (0.01, 2.0, 1.0), (0.01, 1.0, math.inf)])
def test_buckets_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        LogBuckets(*arguments)


def test_buckets_are_equal_when_they_lie_alike():
    assert LogBuckets(0.01, 1e-6, 60.0) == LogBuckets(0.01, 1e-6, 65.0)
    assert hash(LogBuckets(0.01, 1e-6, 60.0)) == hash(LogBuckets(0.01, 1e-6, 65.0))
    assert LogBuckets(0.01, 1e-6, 60.0) != LogBuckets(0.02, 1e-6, 60.0)
    assert LogBuckets(0.01) != "LogBuckets"
