"""Columns of every type that pandas, polars and pyarrow have are read as records of their cells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from frames.test_one_reading import FIELDS, KEPT, NFD, alone, in_frame, same
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad._dataframes import as_pandas
from morosidad.errors import InvalidFrame
from morosidad.frames.files.tables import read_table, read_table_chunks
from morosidad.schema.schema import Schema

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

TEXTS = ["rural", "NA", "", "96", "-9", "1", *KEPT, NFD]
WHOLE = [0, 1, 2, -9, 96, 98, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]
FLOATS = [0.0, -0.0, 1.0, 2.5, -9.0, 96.0, 2.0**53, float("inf"), float("nan")]
DECIMALS = [Decimal(text) for text in ("1.5", "2.0", "-9.0", "96.0", "9007199254740993.0")]
TIMES = [date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC), timedelta(1), time(1)]
Made = Callable[[list[Any]], Any]


def _arrow(of: Any) -> Made:
    return lambda cells: pa.table({"x": pa.array(cells, of, from_pandas=False)})


def _dictionary(of: Any) -> Made:
    return lambda cells: pa.table({"x": pa.array(cells, of, from_pandas=False).dictionary_encode()})


def _null_within(cells: list[Any]) -> Any:
    whole = pa.array(range(len(cells)), pa.int8())
    return pa.table({"x": pa.DictionaryArray.from_arrays(whole, pa.array(cells, pa.string()))})


def _eight_bits(cells: list[Any]) -> Any:
    return pa.table(
        {"x": pa.ExtensionArray.from_storage(pa.bool8(), pa.array(cells, pa.bool_()).cast("int8"))}
    )


def _polars(of: Any) -> Made:
    return lambda cells: pl.DataFrame({"x": pl.Series(cells, dtype=of)})


def _pandas(of: Any) -> Made:
    return lambda cells: pd.DataFrame({"x": pd.Series(cells, dtype=of)})


def _categories(cells: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": pd.Categorical(
                cells, categories=list(dict.fromkeys(x for x in cells if x == x and x is not None))
            )
        }
    )


def _sparse(cells: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.arrays.SparseArray(np.array(cells, dtype=float))})


def _arrow_of_pandas(of: Any) -> Made:
    return _pandas(pd.ArrowDtype(of))


COLUMNS: dict[str, tuple[Made, list[Any]]] = {
    "pandas categories of texts": (_categories, [None, *TEXTS]),
    "pandas categories of integers": (_categories, [None, 1, 2, -9, 96]),
    "pandas categories of floats": (_categories, [None, 1.0, 2.5, -9.0]),
    "pandas categories of booleans": (_categories, [None, True, False]),
    "pandas string": (_pandas("string"), [None, *TEXTS]),
    "pandas boolean": (_pandas("boolean"), [None, True, False]),
    "pandas Float32": (_pandas("Float32"), [None, 0.5, -0.0, -9.0]),
    "pandas float16": (_pandas("float16"), [0.5, -0.0, -9.0, float("nan")]),
    "pandas longdouble": (_pandas("longdouble"), FLOATS),
    "pandas UInt64": (_pandas("UInt64"), [None, 2, 96, 2**53 + 1, 2**64 - 1]),
    "pandas sparse": (_sparse, FLOATS),
    "pandas complex": (_pandas("complex128"), [1 + 0j, 2 + 1j]),
    "pandas times": (_pandas("datetime64[ns, UTC]"), [None, TIMES[1]]),
    "pandas durations": (_pandas("timedelta64[ns]"), [None, TIMES[2]]),
    "pandas of Arrow: decimals": (_arrow_of_pandas(pa.decimal128(30, 1)), [None, *DECIMALS]),
    "pandas of Arrow: lists": (_arrow_of_pandas(pa.list_(pa.int64())), [None, [1]]),
    "pandas of Arrow: dates": (_arrow_of_pandas(pa.date32()), [None, TIMES[0]]),
    "pandas of Arrow: bytes": (_arrow_of_pandas(pa.binary()), [None, b"rural"]),
    "pandas of Arrow: nothing": (_arrow_of_pandas(pa.null()), [None]),
    "polars Decimal": (_polars(pl.Decimal(30, 1)), [None, *DECIMALS]),
    "polars Enum": (_polars(pl.Enum(list(dict.fromkeys(TEXTS)))), [None, *TEXTS]),
    "polars Categorical": (_polars(pl.Categorical), [None, *TEXTS]),
    "polars Boolean": (_polars(pl.Boolean), [None, True, False]),
    "polars Int128": (_polars(pl.Int128), [None, *WHOLE, 2**70]),
    "polars Float32": (_polars(pl.Float32), [None, 0.5, -0.0, -9.0]),
    "polars Date": (_polars(pl.Date), [None, TIMES[0]]),
    "polars Datetime": (_polars(pl.Datetime("us", "UTC")), [None, TIMES[1]]),
    "polars Duration": (_polars(pl.Duration), [None, TIMES[2]]),
    "polars Time": (_polars(pl.Time), [None, TIMES[3]]),
    "polars Binary": (_polars(pl.Binary), [None, b"rural"]),
    "polars List": (_polars(pl.List(pl.Int64)), [None, [1]]),
    "polars Struct": (_polars(pl.Struct({"a": pl.Int64})), [None, {"a": 1}]),
    "polars Null": (_polars(pl.Null), [None]),
    "polars Object": (_polars(pl.Object), [None, 1, "rural", True, 2.5]),
    "pyarrow dictionary of texts": (_dictionary(pa.string()), [None, *TEXTS]),
    "pyarrow dictionary of integers": (_dictionary(pa.int64()), [None, *WHOLE]),
    "pyarrow dictionary of floats": (_dictionary(pa.float64()), [None, 1.0, 2.5, -9.0]),
    "pyarrow dictionary that holds null": (_null_within, [None, "rural", "NA"]),
    "pyarrow decimal128": (_arrow(pa.decimal128(30, 1)), [None, *DECIMALS]),
    "pyarrow decimal256": (_arrow(pa.decimal256(50, 1)), [None, *DECIMALS]),
    "pyarrow large_string": (_arrow(pa.large_string()), [None, *TEXTS]),
    "pyarrow bool": (_arrow(pa.bool_()), [None, True, False]),
    "pyarrow float": (_arrow(pa.float32()), [None, 0.5, -0.0, -9.0]),
    "pyarrow timestamp": (_arrow(pa.timestamp("us", "UTC")), [None, TIMES[1]]),
    "pyarrow duration": (_arrow(pa.duration("us")), [None, TIMES[2]]),
    "pyarrow binary": (_arrow(pa.binary()), [None, b"rural"]),
    "pyarrow struct": (_arrow(pa.struct([("a", pa.int64())])), [None, {"a": 1}]),
    "pyarrow null": (_arrow(pa.null()), [None]),
}
if hasattr(pa, "string_view"):
    COLUMNS["pyarrow string_view"] = _arrow(pa.string_view()), [None, *TEXTS]
if hasattr(pa, "bool8"):
    COLUMNS["pyarrow bool8"] = _eight_bits, [None, True, False]


def _assert_read(field: Any, cells: list[Any], found: list[Any]) -> None:
    for value, cell in zip(cells, found, strict=True):
        expected = alone(field, value)
        alike = isinstance(expected, str) if cell is None else same(field, expected, cell)
        assert alike, (field.name, value, expected, cell)


@pytest.mark.parametrize("kind", COLUMNS)
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_a_column_is_read_as_its_cells(kind: str, data: st.DataObject) -> None:
    made, values = COLUMNS[kind]
    cells = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=2 * len(values)))
    table = as_pandas(made(cells))
    for field in FIELDS:
        _assert_read(field, cells, in_frame(Schema([field]), table.rename(columns={"x": field.name})))


@pytest.mark.parametrize("kind", [kind for kind in COLUMNS if kind.startswith("pyarrow")])
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_file_holds_what_the_table_holds(kind: str, ending: str, tmp_path: Path) -> None:
    made, cells = COLUMNS[kind]
    path = tmp_path / f"x.{ending}"
    for field in FIELDS:
        table = made(cells).rename_columns([field.name])
        try:
            _write(table, path)
        except (pa.ArrowException, NotImplementedError):  # this kind of file does not hold such a column
            return
        chunks = read_table_chunks(str(path), Schema([field]))
        _assert_read(field, cells, [c for k in chunks for c in in_frame(Schema([field]), k.fields)])
        _assert_read(field, cells, in_frame(Schema([field]), read_table(str(path))))


def _write(table: Any, path: Path) -> None:
    import pyarrow.feather
    import pyarrow.parquet

    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path)


def test_the_index_of_a_frame_of_pandas_is_no_column_of_its_table() -> None:
    large = pd.array([2**53 + 1, None], dtype="Int64")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": large, "i": [5, 6]})
    for index in (None, [7, 8], pd.Index([7, 8], name="id")):
        given_frame = frame if index is None else frame.set_axis(pd.Index(index), axis=0)
        table = as_pandas(pa.Table.from_pandas(given_frame))
        assert list(table.columns) == ["a", "b", "i"]
        assert table["b"].tolist()[0] == 2**53 + 1
    assert list(as_pandas(pa.Table.from_pandas(frame.set_index("i"))).columns) == ["a", "b"]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidFrame, match="same name"):
        as_pandas(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
