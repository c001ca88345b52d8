"""Values that look like codes for a missing one, and those that only look so at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.schema.suspected import suspected_codes
from support import real_data


def held(*values: float) -> pd.Series[Any]:
    return pd.Series(np.repeat(np.array(values, dtype=float), 20))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (range(-2, 9), []),
        (range(-1, 9), []),
        ((-9, -2, -1, 0, 1, 2, 3), [-9]),
        ((-9, -8, -7, 0, 1, 2, 3), [-9, -8, -7]),
        ((-1, 18, 19, 20, 21), [-1]),
        ((-1, 0, 57, 102, 300), [-1]),
        ((-1, 0.5, 1, 1.5), [-1]),
        ((0, 1, 2, 96, 98), [96, 98]),
        ((-3, -2, -1), []),
        ((-2, -1, 0, 2, 3, 4), []),
    ],
)
def test_what_adjoins_the_rest_is_no_code(values: Any, codes: list[float]) -> None:
    assert suspected_codes(held(*values)) == codes


@given(st.integers(1, 8), st.integers(1, 30))
def test_whole_numbers_in_a_row_are_no_codes(below: int, above: int) -> None:
    assert suspected_codes(held(*range(-below, above + 1))) == []


@given(st.integers(1, 8), st.integers(2, 30), st.integers(1, 100))
def test_negative_numbers_apart_from_the_rest_are_codes(many: int, above: int, gap: int) -> None:
    codes = list(range(-gap - many, -gap))
    found = suspected_codes(held(*codes, *range(above)))
    assert found == (codes if many <= above else [])


@pytest.mark.data
def test_months_of_delay_are_no_codes() -> None:
    frame = real_data("taiwan")
    assert [suspected_codes(frame[name]) for name in frame if name.startswith("PAY_")] == [[]] * 12
