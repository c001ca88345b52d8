"""Distinct values of columns: those that fields read otherwise are told apart."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from morosidad.frames.distinct import distinct


@pytest.mark.parametrize("as_array", [True, False])
def test_equal_values_of_several_types_are_several(as_array: bool) -> None:
    column = pd.Series([1, True, Decimal(1), 1, "1", None], dtype=object)
    codes, values = distinct(column.array if as_array else column.to_numpy())
    assert [type(value) for value in values][:4] == [int, bool, Decimal, str]
    assert codes[:5].tolist() == [0, 1, 2, 0, 3]


def test_numbers_and_texts_are_found_once() -> None:
    codes, values = distinct(pd.Series([2.5, np.nan, 2.5]).array)
    assert (codes.tolist(), values) == ([0, -1, 0], [2.5])
    codes, values = distinct(pd.Series(["", "\x00", "a\x00b", "a", "a\x00c"], dtype=object).array)
    assert (codes.tolist(), values) == ([0, 1, 2, 3, 4], ["", "\x00", "a\x00b", "a", "a\x00c"])
    codes, values = distinct(pd.Series(["b", None, "b", "a"], dtype=object).array)
    assert (codes.tolist(), values) == ([0, -1, 0, 1], ["b", "a"])
