"""Codes, sketches, waves and ratios: their derivatives against differences, and their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.compiler.nodes.dense.classes import LogRatio
from morosidad.compiler.nodes.dense.coding import Harmonics, Sketch, SparseCode, Threshold
from morosidad.compiler.nodes.dense.leaves import Leaves
from morosidad.compiler.nodes.dense.neighbours import WithinRadius

RNG = np.random.default_rng(0)
ATOMS = np.array([[3.0, 0.1, 0.0], [0.0, 1.0, 0.2], [0.3, 0.0, 0.1], [0.0, 0.1, 0.4]])
PLACES = np.array([[0, 3, 1], [2, 2, 0]], dtype=np.int32)
STEPS = [
    SparseCode(ATOMS, 1),
    SparseCode(ATOMS, 2),
    Sketch(PLACES, np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 0.5]]), 4),
    Threshold(3, 0.2),
    LogRatio(0.0),
    Harmonics(3, 0.4),
    WithinRadius("distance", np.zeros((2, 3)), 50.0),
    WithinRadius("one", np.zeros((2, 3)), 50.0),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_derivatives_are_those_of_small_differences(step, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 1.0, size=(4, step.width))
    slopes = rng.normal(size=(4, step.size))
    found = step.pull_back(x, slopes)
    h = 1e-6
    for place in range(step.width):
        away = np.zeros(step.width)
        away[place] = h
        rise = ((step.apply(x + away) - step.apply(x - away)) * slopes).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(found[:, place], rise, rtol=1e-4, atol=1e-4)


def test_no_rows_have_no_codes():
    for step in STEPS:
        empty = np.empty((0, step.width))
        assert step.apply(empty).shape == (0, step.size)
        assert step.pull_back(empty, np.empty((0, step.size))).shape == empty.shape


def test_weights_of_nothing_have_no_ratio():
    found = LogRatio(1e-300).apply(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [1e-301, 0.0]]))
    np.testing.assert_array_equal(found[:, 0], [np.nan, -np.inf, np.inf, 0.0, np.nan])


def test_a_zero_has_no_waves():
    step = Harmonics(2, 0.5)
    assert step.apply(np.zeros((1, 1))).tolist() == [[0.0, 0.0, 0.0]]
    assert step.pull_back(np.zeros((1, 1)), np.ones((1, 3))).tolist() == [[0.0]]


def test_a_point_on_the_edge_is_within_the_radius():
    step = WithinRadius("distance", np.array([[3.0, 4.0], [3.0, 4.1], [0.0, 0.0]]), 5.0)
    assert step.apply(np.zeros((1, 2))).tolist() == [[5.0, 0.0, 0.0]]
    assert WithinRadius("one", step.points, 5.0).apply(np.zeros((1, 2))).tolist() == [[1.0, 0.0, 1.0]]


def test_atoms_that_depend_on_chosen_ones_are_left_out():
    twice = SparseCode(np.array([[1.0, 0.0], [1.0, 0.0]]), 2)
    assert twice.apply(np.array([[2.0, 5.0]])).tolist() == [[2.0, 0.0]]
    assert twice.apply(np.zeros((1, 2))).tolist() == [[0.0, 0.0]]


def test_leaves_have_the_numbers_of_their_nodes():
    def ints(*values):
        return np.array(values, dtype=np.int32)

    step = Leaves(
        ints(0, 3), ints(1, 1, 2, 3), ints(2, 1, 2, 3), ints(1, 0, 0, 0), np.array([0.5, 0.0, 0.0, 0.0]), 1, 2
    )
    assert step.fits
    found = step.apply(np.array([[9.0, 0.5], [0.0, 0.6]]))
    assert found.tolist() == [[1.0, 0.0], [2.0, 0.0]]
    assert step.pull_back(found, found).tolist() == [[0.0, 0.0], [0.0, 0.0]]
