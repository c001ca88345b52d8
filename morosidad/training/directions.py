"""Directions of the risk: declared in training, and handed to the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import SettingsError
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("integer", "number")
"""The kinds of field that have a direction."""


def directed(schema: Schema, monotone: Mapping[str, int]) -> Schema:
    """Give a schema with directions of risk declared.

    Parameters
    ----------
    schema : Schema
        What a record is.
    monotone : mapping of str to {-1, 0, 1}
        For fields of numbers.

    Returns
    -------
    Schema

    Raises
    ------
    SettingsError
        If a name is no field, or no field of numbers, or a direction is something else.
    """
    numbers = {field.name for field in schema.fields if field.kind in NUMBERS}
    problems = [f"monotone: {name!r} is no field" for name in monotone if name not in schema.names]
    problems += [
        f"monotone: {name!r} holds no numbers, so that nothing rises or falls with it"
        for name in monotone
        if name in schema.names and name not in numbers
    ]
    problems += [
        f"monotone: 1, -1 or 0 was expected for {name!r}"
        for name, direction in monotone.items()
        if isinstance(direction, bool) or direction not in (-1, 0, 1)
    ]
    if problems:
        raise SettingsError(problems)
    if not monotone:
        return schema
    replaced: Any = msgspec.structs.replace
    return schema.replace(
        replaced(field, monotonic_cst=monotone[field.name]) if field.name in monotone else field
        for field in schema.fields
    )


def kept_directions(
    schema: Schema, frame: pd.DataFrame, fitted_on: Sequence[NDArray[np.intp]] = (), *, sign: int = 1
) -> dict[str, int]:
    """Give the directions that candidates keep.

    Parameters
    ----------
    schema : Schema
        With directions of the risk.
    frame : DataFrame of shape (n_rows, n_fields)
        What is learnt from.
    fitted_on : sequence of ndarray of intp
        The rows of each fold; a candidate that is fitted without a value of a field has no column of it.
    sign : {1, -1}
        1 where the second class means default.

    Returns
    -------
    dict of str to {1, -1}
        For the probability of the second class, of the fields of numbers that every fold has values of.
    """
    declared = {
        field.name: sign * field.monotonic_cst
        for field in schema.fields
        if field.monotonic_cst and field.kind in NUMBERS
    }
    present = {name: frame[name].notna().to_numpy() for name in declared}
    parts = [*fitted_on, np.arange(len(frame))]
    return {name: way for name, way in declared.items() if all(present[name][rows].any() for rows in parts)}
