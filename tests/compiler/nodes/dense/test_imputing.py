"""Steps that fill gaps."""

from __future__ import annotations

import numpy as np
import pytest

from morosidad.compiler.nodes.dense.imputing import Imputed, LinearChain
from morosidad.compiler.nodes.dense.step import DenseBlock, DenseVector
from morosidad.compiler.nodes.expressions import Raw, credited_to, fields_of


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
    nothing, ends = np.zeros(2), np.full(2, np.nan)
    step = LinearChain(nothing, np.zeros(0, dtype=np.int32), np.zeros((0, 2)), np.zeros(0), ends, ends)
    column = Imputed(Raw(place), DenseVector(DenseBlock((Raw(0), Raw(1)), step)), place)
    assert fields_of(column) == {0, 1}
    assert credited_to(column) == {place}
