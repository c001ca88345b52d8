"""Steps that fill gaps, beside scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it makes the next import possible
from sklearn.impute import KNNImputer

from morosidad.compiler.nodes.dense.imputing import Imputed, LinearChain, NearestDonors
from morosidad.compiler.nodes.dense.step import DenseBlock, DenseVector
from morosidad.compiler.nodes.expressions import Raw, credited_to, fields_of


def with_gaps(rng, rows):
    found = np.round(rng.normal(size=(rows, 4)), 1)  # so that some are equally far
    return np.where(rng.random(found.shape) < 0.3, np.nan, found)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 6),
    weights=st.sampled_from(["uniform", "distance"]),
    order=st.sampled_from("CF"),
)
def test_gaps_are_filled_from_the_same_rows_as_by_scikit_learn(seed, k, weights, order):
    rng = np.random.default_rng(seed)
    points = np.array(with_gaps(rng, 12), order=order)
    points[:2] = [[0.0, 0.0, 0.0, 0.0], [1.0, np.nan, 1.0, 1.0]]
    imputer = KNNImputer(n_neighbors=k, weights=weights).fit(points)
    fitted = imputer._fit_X
    step = NearestDonors(fitted, k, weights == "distance", not fitted.flags["C_CONTIGUOUS"])
    rows = with_gaps(rng, 5)
    alone = np.vstack([imputer.transform(row[None]) for row in rows])
    np.testing.assert_allclose(step.apply(rows), alone, rtol=1e-13, atol=1e-13)


def test_what_is_there_stays_and_nothing_moves_a_gap():
    step = LinearChain(
        np.array([1.0, 2.0]),
        np.array([1], dtype=np.int32),
        np.array([[3.0, 0.0]]),
        np.array([0.5]),
        np.array([-np.inf, -np.inf]),
        np.array([np.inf, 9.0]),
    )
    x = np.array([[2.0, np.nan], [5.0, np.nan], [np.nan, 4.0], [np.nan, np.nan], [0.0, 0.0]])
    assert step.apply(x).tolist() == [[2.0, 6.5], [5.0, 9.0], [1.0, 4.0], [1.0, 2.0], [0.0, 0.0]]
    assert step.pull_back(x[:1], np.ones((1, 2))).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("place", [0, 1])
def test_a_filled_column_depends_on_all_and_is_credited_to_its_own(place):
    step = NearestDonors(np.zeros((2, 2)), 1, False, False)
    column = Imputed(Raw(place), DenseVector(DenseBlock((Raw(0), Raw(1)), step)), place)
    assert fields_of(column) == {0, 1}
    assert credited_to(column) == {place}
