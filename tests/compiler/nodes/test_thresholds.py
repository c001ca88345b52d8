"""Thresholds moved back through imputers, scalers and rounding: every comparison comes out the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from morosidad.compiler.nodes.expressions import Arith, Clip, Constant, Fill, Missing, Raw, ZeroIsMissing
from morosidad.compiler.nodes.thresholds import Steps, as_float32, as_given, origin
from morosidad.compiler.readers.trees.lightgbm import _zeroed

EXAMPLES = 200  # a longer run finds no more; try it by hand after a change
numbers = st.floats(-1e12, 1e12, allow_nan=False)
positive = st.floats(1e-9, 1e9)


EDGES = [np.inf, 0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-45, 1e-35, 1e-7, -1e-7, 0.1, 10.0, 1e22]


@st.composite
def chains(draw):
    column = Raw(0)
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["shift", "scale", "clip", "fill", "missing"]))
        if kind == "shift":
            column = Arith(column, draw(st.sampled_from("+-")), draw(numbers))
        elif kind == "scale":
            column = Arith(column, draw(st.sampled_from("*/")), draw(positive))
        elif kind == "clip":
            low = draw(numbers)
            column = Clip(column, low, low + draw(positive))
        elif kind == "fill":
            column = Fill(column, draw(numbers))
        else:
            column = Missing(column)
    return column


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    chains(),
    st.sampled_from([as_given, as_float32, _zeroed]),
    st.lists(st.one_of(numbers, st.sampled_from(EDGES)), min_size=1, max_size=5),
    st.lists(st.floats(allow_nan=False), max_size=20),
    st.booleans(),
)
@example(Arith(Raw(0), "+", 1e300), as_float32, [1e30], [0.0], True)
def test_a_moved_threshold_parts_the_same_numbers(column, rounding, thresholds, values, left):
    assert origin(column, lambda field: True) == Raw(0)
    steps = Steps(column, Raw(0), rounding)
    thresholds = np.array(thresholds)
    moved, missing_left = steps.move(thresholds, np.full(len(thresholds), left))
    near = np.concatenate([moved, np.nextafter(moved, np.inf), np.nextafter(moved, -np.inf), values])
    near = near[near > -np.inf]
    for threshold, place, missing in zip(thresholds, moved, missing_left, strict=True):
        np.testing.assert_array_equal(steps.go_left(near, threshold, left), near <= place)
        assert steps.go_left(np.array([np.nan]), threshold, left)[0] == missing


@pytest.mark.parametrize("rounding", [as_given, as_float32])
def test_infinities_are_parted_as_any_other_number(rounding):
    moved, _ = Steps(Raw(0), Raw(0), rounding).move(np.array([3.0, np.inf]), np.array([True, False]))
    ends = np.array([-np.inf, np.inf])
    assert (ends <= moved[0]).tolist() == [True, False]
    assert (ends <= moved[1]).tolist() == [True, True]


def test_a_threshold_in_32_bits_holds_every_number_that_rounds_to_it():
    t = np.float64(np.float32(0.1))
    (moved,), _ = Steps(Raw(0), Raw(0), as_float32).move(np.array([t]), np.array([True]))
    assert moved > t
    assert np.float32(moved) == np.float32(t)
    assert np.float32(np.nextafter(moved, np.inf)) > np.float32(t)


def test_steps_that_turn_or_leave_the_order_stay_in_front_of_the_trees():
    turned = Arith(Raw(0), "*", -1.0)
    assert origin(Fill(turned, 0.0), lambda field: True) == turned
    assert origin(Arith(Raw(0), "*", np.nan), lambda field: True) == Arith(Raw(0), "*", np.nan)
    assert origin(ZeroIsMissing(Raw(0)), lambda field: True) == ZeroIsMissing(Raw(0))
    assert origin(Arith(Constant(1.0), "+", 1.0), lambda field: True) == Constant(1.0)


def test_a_field_of_categories_is_no_number_to_compare():
    assert origin(Missing(Raw(0)), lambda field: False) == Missing(Raw(0))
    assert origin(Fill(Raw(0), "otro"), lambda field: True) == Fill(Raw(0), "otro")
