"""Conversion of a frame's columns to the dtypes that scikit-learn's encoders and scalers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.errors import InvalidFrame
from morosidad.frames.distinct import distinct
from morosidad.frames.reading import numbers_of
from morosidad.schema.field import Field, Value
from morosidad.schema.inference import read_level
from morosidad.schema.values import plain

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.schema.schema import Schema


def read_columns(schema: Schema, frame: pd.DataFrame) -> pd.DataFrame:
    """Read every field's column. Kinds are enforced, declared limits are not.

    Numbers, integers and booleans become float64 with NaN; categories become objects: texts or
    integers, NaN where missing.

    Parameters
    ----------
    schema : Schema
        What a record is.
    frame : DataFrame
        With a column for each field.

    Returns
    -------
    DataFrame of shape (n_rows, n_fields)
        Of float64 and object columns, with the index of `frame`.

    Raises
    ------
    InvalidFrame
        If a column holds infinity, or values of another kind than its field's.
    """
    import pandas as pd

    read = {
        field.name: _read_levels(field, frame[field.name])
        if field.kind == "category"
        else _read_numbers(field, frame[field.name])
        for field in schema.fields
    }
    return pd.DataFrame({name: pd.Series(cells, frame.index, cells.dtype) for name, cells in read.items()})


def levels_of(field: Field, column: pd.Series[Any]) -> list[str | int]:
    """Give a category field's levels.

    Parameters
    ----------
    field : Field
        Of categories.
    column : Series of object
        Its column, as `read_columns` gives it.

    Returns
    -------
    list of str or int
        Those declared, then those observed, then others that the column holds.
    """
    known = [*(field.categories or ()), *((field.observed and field.observed.categories) or ())]
    return list(dict.fromkeys([*known, *sorted(column.dropna().unique())]))


def _read_numbers(field: Field, column: pd.Series[Any]) -> Floats:
    import pandas.api.types as kinds

    boolean = field.kind == "boolean"
    cells = numbers_of(column.array)
    if cells is not None:
        codes = [code for code in field.codes if not isinstance(code, str)]
        cells = np.where(np.isin(cells, codes), np.nan, cells) if codes else cells
    elif kinds.is_bool_dtype(column) and not boolean and column.dtype != object:
        raise InvalidFrame(f"column {field.name!r} holds booleans where numbers are due", [field.name])
    else:
        cells = _each_distinct(field, column, _number_reader(field), np.float64)
    if np.isinf(cells).any():
        raise InvalidFrame(f"column {field.name!r} holds infinity", [field.name])
    if boolean and not np.isin(cells[~np.isnan(cells)], (0.0, 1.0)).all():
        raise InvalidFrame(f"column {field.name!r} holds numbers where booleans are due", [field.name])
    return cells


def _number_reader(field: Field) -> Callable[[Any], Value]:
    """Give what reads one number, or one boolean as the number that it stands for, without limits."""
    number = Field(field.name, "number", missing=field.missing)
    truth = Field(field.name, "boolean", missing=field.missing)

    def read(value: Any) -> Value:
        try:
            return truth.read(value)
        except ValueError:
            return number.read(value)

    return read if field.kind == "boolean" else number.read


def _read_levels(field: Field, column: pd.Series[Any]) -> NDArray[np.object_]:
    due = int if field.holds_integers else str

    def read(value: Any) -> str | int | None:
        value = plain(value)
        if value is None or (type(value) is not bool and value in field.codes):
            return None
        level = read_level(field.name, value)
        if not isinstance(level, due):
            raise ValueError
        return field.known_level(level)

    cells: NDArray[np.object_] = _each_distinct(field, column, read, np.object_)
    return cells


def _each_distinct(field: Field, column: pd.Series[Any], read: Callable[[Any], Value], dtype: Any) -> Any:
    """Read each distinct value once; missing ones become NaN."""
    codes, values = distinct(column.array)
    try:
        cells = [read(value) for value in values]
    except (TypeError, ValueError):
        due = {"category": "integer categories" if field.holds_integers else "categories as text"}
        what = due.get(field.kind, f"{field.kind}s")
        raise InvalidFrame(f"column {field.name!r} holds something else than {what}", [field.name]) from None
    gaps = [np.nan if cell is None else cell for cell in cells]
    return np.array([*gaps, np.nan], dtype=dtype)[codes]
