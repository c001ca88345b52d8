"""The derivatives of dense steps, against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.compiler.nodes.dense.algebra import Activation, Affine, Beside, Products, UnitNorm
from morosidad.compiler.nodes.dense.kernels import Kernel

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(3, 4))
STEPS = [
    Affine(RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=2)),
    *(Activation(4, name, 1.5) for name in ("relu", "tanh", "logistic", "cos", "square")),
    *(UnitNorm(4, norm) for norm in ("l1", "l2", "max")),
    *(
        Kernel(name, POINTS, 0.3, 0.7, 3.0)
        for name in ("rbf", "laplacian", "polynomial", "sigmoid", "linear", "euclidean")
    ),
    Products(np.array([[0, 4], [1, 2], [3, 3], [4, 4]], dtype=np.int32), 4),
    Beside(
        (Activation(2, "tanh", 1.0), Kernel("rbf", POINTS[:, :3], 0.5, 0.0, 1.0)),
        (np.array([3, 0], dtype=np.int32), np.array([1, 2, 3], dtype=np.int32)),
        4,
    ),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{type(step).__name__} {getattr(step, 'name', '')}")
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_derivatives_are_those_of_small_differences(step, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, 4))
    slopes = rng.normal(size=(5, step.size))
    found = step.pull_back(x, slopes)
    assert step.apply(x).shape == (5, step.size)
    h = 1e-6
    for place in range(step.width):
        away = np.zeros(4)
        away[place] = h
        rise = ((step.apply(x + away) - step.apply(x - away)) * slopes).sum(axis=1) / (2 * h)
        kinks = np.abs(x).min(axis=1) < 1e-4  # where a function has none, differences have one
        np.testing.assert_allclose(found[~kinks, place], rise[~kinks], rtol=1e-4, atol=1e-4)


def test_many_rows_are_compared_in_parts():
    kernel = Kernel("rbf", np.ones((700, 2)), 0.1, 0.0, 1.0)
    x = np.random.default_rng(1).normal(size=(300, 2))
    whole = np.exp(-0.1 * ((x - 1.0) ** 2).sum(axis=1))
    np.testing.assert_allclose(kernel.apply(x), np.tile(whole[:, None], 700), rtol=1e-12)
    assert kernel.apply(x[:0]).shape == (0, 700)
    assert kernel.pull_back(x, np.ones((300, 700))).shape == (300, 2)


def test_a_row_of_zeros_has_no_direction():
    assert UnitNorm(2, "l2").apply(np.zeros((1, 2))).tolist() == [[0.0, 0.0]]
