"""Frames made of records as the user's own frame is laid out."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.frames.layout import FrameBuilder, FrameLayout

COLUMNS: dict[str, Any] = {
    "float64": pd.Series([1.5, np.nan, 3.0]),
    "float32": pd.Series([1.5, np.nan, 3.1], dtype="float32"),
    "float16": pd.Series([1.5, np.nan, 3.1], dtype="float16"),
    "int8": pd.Series([1, 2, 3], dtype="int8"),
    "uint64": pd.Series([1, 2, 3], dtype="uint64"),
    "bool": pd.Series([True, False, True]),
    "object-bool": pd.Series([True, None, False], dtype=object),
    "Int64": pd.Series([1, None, 3], dtype="Int64"),
    "Float64": pd.Series([1.5, None, 3.0], dtype="Float64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "str": pd.Series(["a", None, "b"], dtype="str"),
    "string": pd.Series(["a", None, "b"], dtype="string"),
    "object-None": pd.Series(["a", None, "b"], dtype=object),
    "object-nan": pd.Series(["a", np.nan, "b"], dtype=object),
    "category": pd.Series(["a", None, "b"], dtype=pd.CategoricalDtype(["b", "z", "a"])),
    "ordered": pd.Series(["a", None, "b"], dtype=pd.CategoricalDtype(["b", "a"], ordered=True)),
    "category-int": pd.Series([1, 2, 1], dtype=pd.CategoricalDtype([2, 1])),
}


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    cells = [[None if pd.isna(x) else x for x in frame[name].astype(object)] for name in frame]
    return list(zip(*cells, strict=True))


@settings(max_examples=60)
@given(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6, unique=True), st.integers(0, 2))
def test_a_frame_of_records_is_the_users_own(names: list[str], place: int) -> None:
    frame = pd.DataFrame({name: COLUMNS[name] for name in names})
    layout = FrameLayout.of(frame, {name: name for name in names})
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(layout)), FrameLayout)
    assert again == layout
    made = FrameBuilder(again, names)
    pd.testing.assert_frame_equal(made.frame(rows_of(frame)), frame)
    one = made.frame([rows_of(frame)[place]])
    pd.testing.assert_frame_equal(one, frame.iloc[[place]].reset_index(drop=True))
    for name in names:
        if frame[name].dtype == object:
            assert type(one[name].iloc[0]) is type(frame[name].iloc[place])


def test_an_unknown_level_of_a_category_is_missing() -> None:
    frame = pd.DataFrame({"c": COLUMNS["category"]})
    made = FrameBuilder(FrameLayout.of(frame, {"c": "c"}), ["c"]).frame([("q",), ("b",)])
    assert made["c"].isna().tolist() == [True, False]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_is_made_for_a_model_of_arrays(dtype: Any) -> None:
    frame = pd.DataFrame(np.zeros((2, 2), dtype=dtype))
    layout = FrameLayout.of(frame, {0: "x0", 1: "x1"}, "array")
    made = FrameBuilder(layout, ["x0", "x1"]).frame([(1.0, None)])
    assert isinstance(made, np.ndarray)
    assert made.dtype == dtype
    assert np.isnan(made[0, 1])
