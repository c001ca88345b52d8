"""Every way of giving a value reads it alike: records, JSON, frames and CSV files, fast or careful."""

from __future__ import annotations

import enum
import json
import math
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import InvalidRecord, SchemaError
from morosidad.frames.reading import Coded, read_frame
from morosidad.schema.schema import Field, Observed, Schema


class Text(str):
    def __str__(self) -> str:
        return "otro texto"


class Whole(int):
    def __int__(self) -> int:
        return 99


class Share(float):
    def __float__(self) -> float:
        return 99.0

    def __lt__(self, other: object) -> bool:
        return True


class Zone(enum.Enum):
    RURAL = "rural"
    NINE = -9
    HALF = 2.5


class TextZone(str, enum.Enum):  # noqa: UP042
    RURAL = "rural"


class StrZone(enum.StrEnum):
    RURAL = "rural"
    BOGOTA = "Bogotá"


class Level(enum.IntEnum):
    TWO = 2
    NINE = -9


NFD = unicodedata.normalize("NFD", "Bogotá")
KEPT = ("rural", "urbana", "Bogotá")
FIELDS = [
    Field("n", "number"),
    Field("n_limits", "number", ge=0, lt=2.0**60, missing=(96, 98)),
    Field("n_seen", "number", observed=Observed(-5, 5), missing={-9: "sin consulta"}),
    Field("n_alias", "number", aliases={"otro": 12.0}, missing=(-9,)),
    Field("i", "integer"),
    Field("i_limits", "integer", ge=-(2.0**53), le=2.0**53),
    Field("i_codes", "integer", missing=(2, "NA")),
    Field("i_list", "integer", categories=(1, 2, 3)),
    Field("b", "boolean", missing=("NA", 2)),
    Field("c", "category", categories=KEPT, missing=("NA",)),
    Field("c_seen", "category", observed=Observed(categories=KEPT)),
    Field("c_free", "category", missing=(96,)),
    Field("c_whole", "category", categories=(0, 1, 2), missing=(-9,)),
]
SCHEMA = Schema(FIELDS)

texts = st.sampled_from(
    [
        "rural",
        "Bogotá",
        NFD,
        "",
        " ",
        "NA",
        "nan",
        "None",
        "null",
        "96",
        "1,5",
        "1.5",
        "1",
        "-9",
        "True",
        "\ud800",
        "x\udfff",
    ]
)
whole = st.one_of(
    st.integers(-10, 10),
    st.sampled_from(
        [96, 98, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), 2**64, 2**70, 10**400]
    ),
)
floats = st.one_of(
    st.floats(), st.sampled_from([-0.0, 0.0, 1.0, 2.5, 2.0**53, 2.0**63, math.inf, math.nan, 1e308])
)


def small(number: int) -> bool:
    return abs(number) < 2**63


values = st.one_of(
    texts,
    whole,
    floats,
    st.none(),
    st.booleans(),
    texts.map(Text),
    whole.map(Whole),
    floats.map(Share),
    st.sampled_from([*Zone, *TextZone, *StrZone, *Level]),
    texts.map(np.str_),
    whole.filter(small).map(np.int64),
    st.integers(0, 2**64 - 1).map(np.uint64),
    floats.map(np.float64),
    floats.filter(lambda x: not abs(x) < math.inf or abs(x) < 1e30).map(np.float32),
    st.booleans().map(np.bool_),
    st.one_of(floats, st.booleans(), texts, whole.filter(small)).map(np.array),
    floats.map(lambda x: np.array(Decimal(str(x)), dtype=object)),
    st.decimals(allow_nan=True),
    st.fractions(),
    st.sampled_from(
        [date(2026, 1, 31), datetime(2026, 1, 31), pd.Timestamp(0), pd.NaT, pd.NA, pd.Timedelta(1)]
    ),
    st.sampled_from(
        [np.datetime64("2026-01-31"), np.datetime64(1, "ns"), np.datetime64("NaT"), np.timedelta64(1, "ns")]
    ),
    st.sampled_from(
        [
            b"rural",
            bytearray(b"1"),
            np.bytes_(b"1"),
            complex(1),
            complex(math.nan, 0),
            [1],
            {"a": 1},
            np.ma.masked,
        ]
    ),
)


def reading(schema: Schema, record: Any) -> Any:
    """What comes of a record: its values with their types, or the field that is refused."""
    try:
        values, _ = schema.read(record)
    except InvalidRecord as error:
        return [(e.field, e.code) for e in error.errors]
    return [exact(value) for value in values]


def exact(value: Any) -> Any:
    return (
        ("number", float(value), math.copysign(1.0, value))
        if isinstance(value, float)
        else (type(value), value)
    )


def alone(field: Field, value: Any) -> Any:
    """How the field by itself reads one value: what every way has to give."""
    try:
        return exact(field.read_for_model(value))
    except ValueError as error:
        return error.args[1]


def in_frame(schema: Schema, frame: pd.DataFrame) -> list[Any]:
    """What a frame's rows are read as: None where a row is refused."""
    columns, bad = read_frame(schema, frame)
    rows = []
    for row in range(len(frame)):
        cells = [
            (None if column.codes[row] < 0 else column.levels[column.codes[row]])
            if isinstance(column, Coded)
            else (None if np.isnan(column[row]) else float(column[row]))
            for column in columns
        ]
        rows.append(None if bad[row] else cells)
    return rows


def same(field: Field, expected: Any, found: Any) -> bool:
    """Compare what a record gives with a frame's cell, where booleans and integers are numbers."""
    if isinstance(expected, str):
        return found is None
    cell = found[0]
    kind, value = expected[0], expected[1]
    if value is None or cell is None or kind is str:
        return value == cell
    return float(value) == float(cell) and math.copysign(1, value) == math.copysign(1, cell)


one_value = st.tuples(st.sampled_from(FIELDS), values)


@given(one_value)
@settings(max_examples=400)
def test_one_value_is_read_alike_fast_and_carefully(drawn: tuple[Field, Any]) -> None:
    field, value = drawn
    single = Schema([field])
    expected = alone(field, value)
    wanted = [(field.name, expected)] if isinstance(expected, str) else [expected]
    assert reading(single, {field.name: value}) == wanted
    assert reading(single, MappingProxyType({field.name: value})) == wanted
    assert reading(single, {Text(field.name): value}) == wanted


@given(st.sampled_from([field for field in FIELDS if field.kind in ("number", "integer")]), floats)
def test_a_subclass_of_float_is_what_it_holds(field: Field, value: float) -> None:
    single = Schema([field])
    assert reading(single, {field.name: Share(value)}) == reading(single, {field.name: value})


@given(one_value)
@settings(max_examples=400)
def test_a_frame_reads_each_cell_as_a_record(drawn: tuple[Field, Any]) -> None:
    field, value = drawn
    cells = np.empty(1, dtype=object)
    cells[0] = value
    (found,) = in_frame(Schema([field]), pd.DataFrame({field.name: pd.Series(cells, dtype=object)}))
    assert same(field, alone(field, value), found), (field, value, found)


@given(st.sampled_from(FIELDS), st.lists(values, min_size=1, max_size=6))
@settings(max_examples=300)
def test_no_cell_changes_how_another_of_its_column_is_read(field: Field, column: list[Any]) -> None:
    cells = np.empty(len(column), dtype=object)
    for place, value in enumerate(column):
        cells[place] = value
    found = in_frame(Schema([field]), pd.DataFrame({field.name: pd.Series(cells, dtype=object)}))
    for value, cell in zip(column, found, strict=True):
        assert same(field, alone(field, value), cell), (field, value, cell)


@given(st.sampled_from(FIELDS), st.lists(st.one_of(floats, whole.filter(small)), min_size=1, max_size=6))
@settings(max_examples=300)
def test_columns_of_any_number_type_are_read_as_their_cells(field: Field, numbers: list[Any]) -> None:
    for dtype in (
        "float64",
        "float32",
        "int64",
        "uint64",
        "Int64",
        "Float64",
        "int64[pyarrow]",
        "double[pyarrow]",
    ):
        try:
            with np.errstate(all="ignore"):
                column = pd.Series(numbers).astype(dtype)
        except (ImportError, TypeError, ValueError, OverflowError):  # such numbers are none of the type
            continue
        found = in_frame(Schema([field]), pd.DataFrame({field.name: column}))
        for value, cell in zip(list(column), found, strict=True):
            assert same(field, alone(field, value), cell), (field, dtype, value, cell)


@given(st.dictionaries(st.sampled_from([f.name for f in FIELDS]), values, min_size=1, max_size=5))
@settings(max_examples=300)
def test_oddities_of_one_record_are_read_as_each_alone(record: dict[str, Any]) -> None:
    expected = {name: alone(SCHEMA[name], value) for name, value in record.items()}
    refused = [
        (field.name, expected[field.name]) for field in FIELDS if isinstance(expected.get(field.name), str)
    ]
    wanted = refused or [expected.get(field.name, (type(None), None)) for field in FIELDS]
    assert reading(SCHEMA, record) == wanted
    assert reading(SCHEMA, MappingProxyType(record)) == wanted


json_values = st.one_of(
    texts, whole.filter(lambda x: abs(x) < 10**300), floats.filter(math.isfinite), st.none(), st.booleans()
)


@given(st.sampled_from(FIELDS), json_values)
@settings(max_examples=300)
def test_json_is_read_as_the_mapping_that_it_is(field: Field, value: Any) -> None:
    single = Schema([field])
    document = json.dumps({field.name: value}, ensure_ascii=isinstance(value, str))
    found, expected = reading(single, document.encode()), reading(single, {field.name: value})
    if isinstance(value, str) and not value.isprintable() and "\\ud" in document:
        assert isinstance(found[0][0], str)
        assert found == [("", "registro")], "no JSON holds a lone surrogate"
        assert isinstance(expected[0][1], str)
    else:
        assert found == expected


def test_a_lone_surrogate_is_refused_wherever_text_is_declared() -> None:
    with pytest.raises(SchemaError, match="surrogate"):
        Field("c", "category", categories=("\ud800",))
    with pytest.raises(SchemaError):
        Field("\ud800", "number")
    with pytest.raises(SchemaError):
        Field("c", "category", missing=("\ud800",))
