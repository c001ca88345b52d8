"""Records and pandas data frames, converted into each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from morosidad.schema.field import Field, Row, Value

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.schema.schema import Schema


def records_of(schema: Schema, frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Give a frame's rows as records of the columns that the schema knows, by name or alias.

    Parameters
    ----------
    schema : Schema
        What a record is.
    frame : DataFrame
        One record a row.

    Returns
    -------
    list of dict
        In the order of the rows.
    """
    known = {*schema.names, *(alias for field in schema.fields for alias in field.aliases)}
    return frame[[column for column in frame.columns if column in known]].to_dict("records")


def to_frame(schema: Schema, rows: Sequence[Row]) -> pd.DataFrame:
    """Make a data frame of validated values, one column per field, with dtypes that scikit-learn takes.

    Numbers are float64. Integers, integer categories and booleans keep their own dtype where no
    value is missing, and are float64 with NaN otherwise. Text categories are objects, NaN where missing.

    Parameters
    ----------
    schema : Schema
        What a record is.
    rows : sequence of tuple
        Validated values in schema order, as `Schema.read` gives them.

    Returns
    -------
    DataFrame of shape (n_rows, n_fields)
        With a range index.
    """
    import pandas as pd

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    series = {
        field.name: pd.Series(_cells(column), dtype=_dtype(field, None in column))
        for field, column in zip(schema.fields, columns, strict=True)
    }
    return pd.DataFrame(series, index=pd.RangeIndex(len(rows)))


def _cells(column: Sequence[Value]) -> list[Any]:
    """Put NaN where a value is missing."""
    return [float("nan") if value is None else value for value in column]


def _dtype(field: Field, missing: bool) -> str:
    if field.kind == "category" and not field.holds_integers:
        return "object"
    if field.kind == "number" or missing:
        return "float64"
    return "bool" if field.kind == "boolean" else "int64"
