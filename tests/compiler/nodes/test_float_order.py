"""Bisection over floats, against the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.compiler.nodes.float_order import first_true, last_true

NUMBERS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308])


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_the_last_and_the_first_number_are_found(limits):
    asked = np.array(limits)
    assert last_true(lambda x: x <= asked, len(asked)).tolist() == limits
    assert first_true(lambda x: x >= asked, len(asked)).tolist() == limits
    np.testing.assert_array_equal(last_true(lambda x: x < asked, len(asked)), _before(asked))


def _before(numbers):
    return [-math.inf if x == -math.inf else math.nextafter(x, -math.inf) for x in numbers]


@pytest.mark.parametrize("holds", [True, False])
def test_conditions_that_hold_everywhere_or_nowhere_end_at_infinity(holds):
    assert last_true(lambda x: np.full(1, holds), 1)[0] == (math.inf if holds else -math.inf)
    assert first_true(lambda x: np.full(1, holds), 1)[0] == (-math.inf if holds else math.inf)
