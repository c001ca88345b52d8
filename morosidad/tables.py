"""Data frames: the fields that they suggest, and their columns as a schema reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame
from morosidad.field import Field, Kind, Observed

if TYPE_CHECKING:
    import pandas as pd


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
