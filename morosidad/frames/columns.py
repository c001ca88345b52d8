"""Conversion of a frame's columns to the dtypes that scikit-learn's encoders and scalers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame
from morosidad.schema.field import Field, Value
from morosidad.schema.inference import read_level

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.schema.schema import Schema

_NUMBER = Field("x", "number")
_BOOLEAN = Field("x", "boolean")


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


def _read_numbers(field: Field, column: pd.Series[Any]) -> NDArray[np.float64]:
    import pandas.api.types as kinds

    boolean = field.kind == "boolean"
    if kinds.is_numeric_dtype(column) and not kinds.is_complex_dtype(column):
        if kinds.is_bool_dtype(column) and not boolean:
            raise InvalidFrame(f"column {field.name!r} holds booleans where numbers are due", [field.name])
        cells = column.to_numpy(np.float64, na_value=np.nan)
    else:
        cells = _each_distinct(field, column, _read_boolean if boolean else _NUMBER.read, np.float64)
    if np.isinf(cells).any():
        raise InvalidFrame(f"column {field.name!r} holds infinity", [field.name])
    if boolean and not np.isin(cells[~np.isnan(cells)], (0.0, 1.0)).all():
        raise InvalidFrame(f"column {field.name!r} holds numbers where booleans are due", [field.name])
    return cells


def _read_levels(field: Field, column: pd.Series[Any]) -> NDArray[np.object_]:
    due = int if field.holds_integers else str

    def read(value: Any) -> str | int:
        level = read_level(field.name, value)
        if not isinstance(level, due):
            raise ValueError
        return level

    cells: NDArray[np.object_] = _each_distinct(field, column, read, np.object_)
    return cells


def _read_boolean(value: Any) -> Value:
    try:
        return _BOOLEAN.read(value)
    except ValueError:
        return _NUMBER.read(value)


def _each_distinct(field: Field, column: pd.Series[Any], read: Callable[[Any], Value], dtype: Any) -> Any:
    """Read each distinct value once; missing ones become NaN."""
    import pandas as pd

    try:
        codes, distinct = pd.factorize(column)
        cells = [read(value) for value in distinct]
    except (TypeError, ValueError):
        due = {"category": "integer categories" if field.holds_integers else "categories as text"}
        what = due.get(field.kind, f"{field.kind}s")
        raise InvalidFrame(f"column {field.name!r} holds something else than {what}", [field.name]) from None
    return np.array([*cells, np.nan], dtype=dtype)[codes]
