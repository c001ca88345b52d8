"""Frames of other libraries are read as records of their cells, integers beside missing values too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad._dataframes import as_pandas
from morosidad.compiler.pipeline import rows_of
from morosidad.errors import InvalidRecord
from morosidad.frames.reading import read_frame
from morosidad.schema.schema import Field, Schema

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

NEAR = [sign * 2**53 + step for sign in (-1, 1) for step in (-1, 0, 1, 2)]
FIELDS = [
    Field("x", "integer"),
    Field("x", "integer", missing={2**53 + 1: "none", -7: ""}),
    Field("x", "integer", ge=-10, le=2**53),
    Field("x", "number", missing=(5,)),
    Field("x", "category", categories=(1, 5, 2**53 + 1)),
]


def whole(low: int, high: int) -> st.SearchStrategy[list[Any]]:
    ends = [number for number in (*NEAR, low, high, -7, 1, 5) if low <= number <= high]
    return st.lists(st.none() | st.sampled_from(ends) | st.integers(low, high), min_size=1, max_size=5)


COLUMNS = st.one_of(
    *[
        whole(low, high).map(lambda cells, of=of: (of, cells))
        for of, low, high in (
            ("int8", -(2**7), 2**7 - 1),
            ("uint32", 0, 2**32 - 1),
            ("int64", -(2**63), 2**63 - 1),
            ("uint64", 0, 2**64 - 1),
        )
    ]
)


def as_record(schema: Schema, value: Any) -> Any:
    try:
        found = schema.read({"k": 1.0, "x": value})[0][1]
    except InvalidRecord:
        return "refused"
    return found


@settings(max_examples=150)
@given(st.sampled_from(FIELDS), COLUMNS)
def test_integers_are_read_as_in_a_record(field: Field, column: tuple[str, list[Any]]) -> None:
    of, cells = column
    schema = Schema([Field("k", "number"), field])
    table = pyarrow.table({"k": np.ones(len(cells)), "x": pyarrow.array(cells, of)})
    for given_frame in (table, polars.from_arrow(table), polars.from_arrow(table).lazy()):
        columns, bad = read_frame(schema, as_pandas(given_frame))
        read = iter(rows_of(schema, [values[~bad] for values in columns]))
        found = ["refused" if wrong else next(read)[1] for wrong in bad]
        expected = [as_record(schema, cell) for cell in cells]
        assert [(x is None, x == "refused") for x in found] == [(x is None, x == "refused") for x in expected]
        assert [x if isinstance(x, str | None) else float(x) for x in found] == [
            x if isinstance(x, str | None) else float(x) for x in expected
        ]


def test_usual_columns_keep_the_types_that_their_library_gives_them() -> None:
    table = as_pandas(polars.DataFrame({"a": [1, None], "b": [1, 2], "c": [2**53 + 1, None]}))
    assert [str(dtype) for dtype in table.dtypes] == ["float64", "int64", "Int64"]
