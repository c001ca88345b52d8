"""Data frames: the fields that they suggest, and their columns as a schema reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame
from morosidad.field import Field, Kind, Observed, Value

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.schema import Schema


def infer_fields(frame: pd.DataFrame, target: str | None) -> list[Field]:
    """Make one field per column but the target, with what the column holds as observed limits."""
    if target is not None and target not in frame.columns:
        raise InvalidFrame(f"the target column {target!r} is missing", [str(target)])
    names = [column for column in frame.columns if column != target]
    unnamed = [repr(name) for name in list[object](names) if not isinstance(name, str)]
    if unnamed:
        raise InvalidFrame("columns need names that are text", unnamed)
    return [_infer_field(name, frame[name]) for name in names]


def _infer_field(name: str, column: pd.Series[Any]) -> Field:
    import pandas.api.types as kinds

    present = column.dropna()
    missing = len(present) < len(column)
    if kinds.is_bool_dtype(present.dtype) or (
        present.dtype == object and all(type(value) is bool for value in present)
    ):
        return Field(name, "boolean", observed=Observed(missing=missing or present.empty))
    if present.empty:
        return Field(name, "number")
    if kinds.is_numeric_dtype(present.dtype) and not kinds.is_complex_dtype(present.dtype):
        kind: Kind = "integer" if kinds.is_integer_dtype(present.dtype) else "number"
        low, high = float(present.min()), float(present.max())
        if not abs(low) + abs(high) < float("inf"):
            raise InvalidFrame(f"column {name!r} holds infinity", [name])
        return Field(name, kind, observed=Observed(low, high, None, missing))
    levels = [_level(name, level) for level in present.unique()]
    return Field(name, "category", observed=Observed(None, None, tuple(sorted(levels, key=str)), missing))


def _level(name: str, level: Any) -> str | int:
    if isinstance(level, float) and level.is_integer():
        level = int(level)
    if isinstance(level, str) or (hasattr(level, "__index__") and not isinstance(level, bool)):
        return level if isinstance(level, str) else int(level)
    raise InvalidFrame(f"column {name!r} holds neither numbers nor categories as text", [name])


def to_frame(schema: Schema, rows: Sequence[tuple[Value, ...]]) -> pd.DataFrame:
    """Make a data frame of validated values, one column per field, with dtypes that scikit-learn takes.

    Numbers are float64. Integers, integer categories and booleans keep their own dtype where no
    value is missing, and are float64 with NaN otherwise. Text categories are objects, NaN where missing.
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
    if field.kind == "category" and not field.integral:
        return "object"
    if field.kind == "number" or missing:
        return "float64"
    return "bool" if field.kind == "boolean" else "int64"
