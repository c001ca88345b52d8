"""A user's own rows without the codes that stand for a missing value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad._dataframes import as_pandas
from morosidad.frames.distinct import distinct
from morosidad.schema.field import Field
from morosidad.schema.values import plain

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.frames.layout import FrameLayout
    from morosidad.schema.schema import Schema


def without_codes(schema: Schema, rows: Any, layout: FrameLayout) -> Any:
    """Put a missing value where a code stands for one, as the model is to see it.

    Parameters
    ----------
    schema : Schema
        Which values are codes.
    rows : DataFrame or ndarray, of shape (n_rows, n_columns)
        The user's own rows.
    layout : FrameLayout
        Which column holds which field.

    Returns
    -------
    DataFrame or ndarray, of shape (n_rows, n_columns)
        A copy where there are codes.
    """
    import pandas as pd

    array = isinstance(rows, np.ndarray)
    frame = pd.DataFrame(rows) if array else as_pandas(rows)
    found = {}
    for column in layout.columns:
        field = schema[column.field] if column.field in schema.names else None
        if field is None or not field.missing:
            continue
        codes = _are_codes(field, frame[column.name])
        if codes.any():
            found[column.name] = _blanked(frame[column.name], codes)
    if not found:
        return rows
    frame = frame.copy(deep=False)
    for name, blanked in found.items():
        frame[name] = blanked
    return frame.to_numpy() if array else frame


def _are_codes(field: Field, column: pd.Series[Any]) -> Any:
    places, values = distinct(column.array)
    return np.array([*(_is_code(field, value) for value in values), False])[places]


def _is_code(field: Field, value: Any) -> bool:
    try:
        value = plain(value)
        return type(value) is not bool and value in field.codes
    except TypeError:  # dates and lists are no codes
        return False


def _blanked(column: pd.Series[Any], codes: Any) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.mask(codes).cat.remove_unused_categories()
    return column.mask(codes)
