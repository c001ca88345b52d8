"""Limits that a schema takes over from the data types of a model's own columns."""

from __future__ import annotations

import msgspec
import numpy as np

from morosidad.frames.layout import ColumnLayout, FrameLayout
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NARROW_LIMITS = {"float16": 65504.0, "float32": float(np.sqrt(np.finfo(np.float32).max))}
"""The largest numbers of such columns; beyond these the squares and ratios of float32 overflow."""


def within_types(schema: Schema, layout: FrameLayout) -> Schema:
    """Declare the limits of columns whose type holds no larger numbers.

    Parameters
    ----------
    schema : Schema
        What a record is.
    layout : FrameLayout
        The columns of the model's own frame.

    Returns
    -------
    Schema
    """
    limits = {column.field: found for column in layout.columns if (found := _limits(column))}
    return schema.replace(_limited(field, limits.get(field.name)) for field in schema.fields)


def _limits(column: ColumnLayout) -> tuple[float, float] | None:
    if column.narrow is None:
        return column.whole_limits
    return -NARROW_LIMITS[column.narrow], NARROW_LIMITS[column.narrow]


def _limited(field: Field, limits: tuple[float, float] | None) -> Field:
    if limits is None or field.kind not in ("number", "integer") or field.categories is not None:
        return field
    low, high = field.interval
    changes = {"ge": limits[0]} if low < limits[0] else {}
    changes |= {"le": limits[1]} if high > limits[1] else {}
    return msgspec.structs.replace(field, **changes)
