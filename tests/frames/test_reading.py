"""Schemas from data frames, and data frames from validated values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.errors import InvalidFrame
from morosidad.frames.records import to_frame
from morosidad.schema.field import Field, Observed
from morosidad.schema.schema import Schema


def inferred(cells: Any, dtype: Any = None) -> tuple[str, Observed | None]:
    (field,) = Schema.infer(pd.DataFrame({"x": pd.Series(cells, dtype=dtype)})).fields
    assert not field.required
    return field.kind, field.observed


@pytest.mark.parametrize(
    ("cells", "dtype", "kind", "observed"),
    [
        ([3, 1, 2], "int32", "integer", Observed(1, 3, missing=False)),
        ([3, None], "Int64", "integer", Observed(3, 3, missing=True)),
        ([3, 1], object, "integer", Observed(1, 3, missing=False)),
        ([1.5, np.nan], "float32", "number", Observed(1.5, 1.5, missing=True)),
        ([1.5, None, 2], object, "number", Observed(1.5, 2, missing=True)),
        ([Decimal("1.5"), None], object, "number", Observed(1.5, 1.5, missing=True)),
        ([-1.7e308, 1.7e308], float, "number", Observed(-1.7e308, 1.7e308, missing=False)),
        ([np.nan, np.nan], float, "number", None),
        ([None, None], object, "number", None),
        ([True, False], bool, "boolean", Observed(missing=False)),
        ([True, None], object, "boolean", Observed(missing=True)),
        ([True, None], "boolean", "boolean", Observed(missing=True)),
        ([], bool, "boolean", Observed(missing=True)),
        (["b", "a", None], object, "category", Observed(categories=("a", "b"), missing=True)),
        (["b", "a", "b"], "string", "category", Observed(categories=("a", "b"), missing=False)),
        (["b", "a"], "category", "category", Observed(categories=("a", "b"), missing=False)),
        ([10, 9, 10], "category", "category", Observed(categories=(9, 10), missing=False)),
        ([10.0, None], "category", "category", Observed(categories=(10,), missing=True)),
    ],
)
def test_a_columns_kind_and_what_it_holds_are_inferred(
    cells: Any, dtype: Any, kind: str, observed: Observed | None
) -> None:
    assert inferred(cells, dtype) == (kind, observed)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([1.0, np.inf], "infinity"),
        (pd.to_datetime(["2020-01-31", None]), "dates: turn them into numbers"),
        (pd.to_datetime(["2020-01-31"], utc=True).date, "dates: turn them into numbers"),
        (pd.to_datetime(["2020-01-31"], utc=True), "dates: turn them into numbers"),
        ([1j], "complex numbers: turn them into real numbers"),
        ([b"a"], "neither numbers nor categories"),
        ([[1]], "neither numbers nor categories"),
        ([True, 1.5], "neither numbers nor categories"),
        (["a", 1.5], "neither numbers nor categories"),
        (["a", 1], "mixes"),
    ],
)
def test_a_column_that_no_field_fits_is_refused_by_name(cells: Any, message: str) -> None:
    with pytest.raises(InvalidFrame, match=message) as caught:
        inferred(cells)
    assert caught.value.columns == ("x",)


def test_the_target_is_no_field_and_must_be_there() -> None:
    frame = pd.DataFrame({"a": [1], "y": [0]})
    schema = Schema.infer(frame, target="y", name="corto", version="3")
    assert (schema.names, schema.target, schema.name, schema.version) == (("a",), "y", "corto", "3")
    with pytest.raises(InvalidFrame, match="target") as caught:
        Schema.infer(frame, target="z")
    assert caught.value.columns == ("z",)


def test_columns_need_names_each_its_own() -> None:
    with pytest.raises(InvalidFrame, match="text"):
        Schema.infer(pd.DataFrame([[1, 2]]))
    with pytest.raises(InvalidFrame, match="same name") as caught:
        Schema.infer(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert caught.value.columns == ("a",)


def test_the_rows_that_a_schema_was_inferred_from_are_read_without_a_warning() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.5, None, 3.0],
            "i": [1, 2, 3],
            "c": ["a", None, "b"],
            "b": pd.array([True, None, False], dtype="boolean"),
        }
    )
    schema = Schema.infer(frame)
    for record in frame.to_dict("records"):
        assert schema.read(record)[1] == ()
    assert schema.read({"n": 9.0, "i": 4, "c": "z"})[1] == (
        "n: fuera del rango del entrenamiento (1,5 a 3)",
        "i: fuera del rango del entrenamiento (1 a 3)",
        "c: categoría no vista en el entrenamiento",
    )


# -- back into a frame ---------------------------------------------------------------------------

KINDS = Schema(
    [
        Field("n", "number"),
        Field("i", "integer"),
        Field("b", "boolean"),
        Field("t", "category"),
        Field("k", "category", categories=(2, 1)),
        Field("o", "category", observed=Observed(categories=(7, 8))),
    ]
)
FULL: tuple[Any, ...] = (1.0, 2, True, "x", 2, 7)


def test_values_without_gaps_keep_their_own_dtypes() -> None:
    frame = to_frame(KINDS, [FULL, FULL])
    assert frame.dtypes.astype(str).to_dict() == {
        "n": "float64",
        "i": "int64",
        "b": "bool",
        "t": "object",
        "k": "int64",
        "o": "int64",
    }
    assert [tuple(row) for row in frame.itertuples(index=False)] == [FULL, FULL]


def test_gaps_are_nan_and_make_numbers_of_all_but_texts() -> None:
    frame = to_frame(KINDS, [FULL, (None,) * 6])
    assert set(frame.drop(columns="t").dtypes.astype(str)) == {"float64"}
    assert frame["t"].dtype == object
    assert frame.iloc[0].tolist() == list(FULL)
    assert all(isinstance(cell, float) and cell != cell for cell in frame.iloc[1])


def test_no_rows_make_an_empty_frame_with_every_column() -> None:
    frame = to_frame(KINDS, [])
    assert frame.shape == (0, 6)
    assert list(frame.columns) == list(KINDS.names)


def test_whole_numbers_of_64_bits_stay_exact() -> None:
    schema = Schema([Field("i", "integer")])
    assert to_frame(schema, [(2**63 - 1,), (-(2**63),)])["i"].tolist() == [2**63 - 1, -(2**63)]


rows = st.lists(
    st.tuples(
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.integers(-(2**53), 2**53),
        st.none() | st.booleans(),
        st.none() | st.text(max_size=3),
        st.none() | st.sampled_from([1, 2]),
        st.none() | st.sampled_from([7, 8]),
    ),
    max_size=5,
)


@given(rows)
def test_values_come_back_from_the_frame_as_they_went_in(values: list[tuple[Any, ...]]) -> None:
    cells = to_frame(KINDS, values).itertuples(index=False)
    assert [tuple(None if cell != cell else cell for cell in row) for row in cells] == values
