"""A preprocessor asked for one record: the numbers of its frame, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from morosidad.errors import InvalidRecord
from morosidad.preprocessor import Preprocessor
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from preprocessor.applicants import FRAME, SCHEMA, VARIANTS


def test_one_record_goes_through_the_schema() -> None:
    fitted = Preprocessor(SCHEMA).fit(FRAME)
    assert fitted.transform_one({"miles": 0.002}) == fitted.transform_one(b'{"monto": 2}')
    with pytest.raises(InvalidRecord):
        fitted.transform_one({"monto": -1})
    assert {type(number) for number in fitted.transform_one({})} == {float}


def test_a_second_fit_is_not_answered_from_the_first() -> None:
    fitted = Preprocessor(SCHEMA).fit(FRAME)
    before = fitted.transform_one({"edad": 3})
    fitted.fit(FRAME.assign(edad=[1, 2, 3, 4, 5]))
    assert fitted.transform_one({"edad": 3}) != before


FITTED = [Preprocessor(SCHEMA, **options).fit(FRAME) for options in VARIANTS]
INFERRED = [Preprocessor(**options).fit(FRAME) for options in VARIANTS]


def frame_of(schema: Schema, record: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([record], columns=list(schema.names))


records = st.fixed_dictionaries(
    {},
    optional={
        "zona": st.sampled_from(["urbana", "rural", "isla", None]),
        "monto": st.none() | st.floats(0, allow_infinity=False) | st.integers(0, 2**63 - 1),
        "casado": st.none() | st.booleans(),
        "edad": st.none() | st.integers(-(2**63), 2**63 - 1),
        "nivel": st.sampled_from([1, 3, None]),
    },
)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(FITTED), records)
def test_one_record_gives_bit_for_bit_the_numbers_of_its_frame(fitted: Any, record: dict[str, Any]) -> None:
    expected = fitted.transform(frame_of(SCHEMA, record))[0]
    assert np.array(fitted.transform_one(record)).tobytes() == expected.tobytes()


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(INFERRED), records, st.none() | st.text(max_size=3))
def test_so_it_does_with_an_inferred_schema_and_unseen_categories(
    fitted: Any, record: dict[str, Any], zone: str | None
) -> None:
    record = record | {"zona": zone}
    frame = frame_of(fitted.schema_, record)
    assume(frame.notna().any(axis=None))  # else there is no record
    expected = fitted.transform(frame)[0]
    assert np.array(fitted.transform_one(record)).tobytes() == expected.tobytes()


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_so_it_does_for_any_schema_and_any_data(data: Any) -> None:
    schema = data.draw(schemas())
    rows = data.draw(st.lists(rows_of(schema), min_size=2, max_size=6))
    fitted = Preprocessor(schema, **data.draw(options_for(schema)))
    fitted.fit(pd.DataFrame(rows, columns=list(schema.names)))
    for record in (*rows, data.draw(rows_of(schema)), {}):
        expected = fitted.transform(frame_of(schema, record))[0]
        assert np.array(fitted.transform_one(record)).tobytes() == expected.tobytes()


LEVELS: list[Any] = [("a", "b", "c"), ("b",), (5, 1, 9), (0, 1)]


@st.composite
def schemas(draw: Any) -> Schema:
    kinds = draw(
        st.lists(st.sampled_from(["number", "integer", "boolean", "category"]), min_size=1, max_size=5)
    )
    levels = [draw(st.sampled_from(LEVELS)) if kind == "category" else None for kind in kinds]
    return Schema([Field(f"f{i}", kind, categories=levels[i]) for i, kind in enumerate(kinds)])


def rows_of(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "number": st.floats(-1e9, 1e9),
        "integer": st.integers(-(2**40), 2**40),
        "boolean": st.booleans(),
    }
    cells = {f.name: st.sampled_from(f.categories) if f.categories else kinds[f.kind] for f in schema.fields}
    return st.fixed_dictionaries({name: st.none() | cell for name, cell in cells.items()})


def options_for(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "strategy": st.sampled_from(["median", "mean", "most_frequent"]),
            "add_indicator": st.booleans() | st.lists(st.sampled_from(schema.names), unique=True),
            "scale": st.booleans(),
            "encoding": st.sampled_from(["onehot", "ordinal"]),
            "min_frequency": st.sampled_from([None, 2, 0.4]),
        }
    )
