"""The ways in which a cell may be missing (None, NaN, pandas.NA): frames tell them apart, records can not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.frames.layout import FrameLayout

Absent = Literal["nan", "none", "na"]
"""How a column of objects holds a missing value; columns of any other type have one way only."""

WAYS: Final[tuple[Absent, ...]] = ("nan", "none", "na")
WORDS: Final = {"nan": "NaN", "none": "None", "na": "pandas.NA"}
NONE: Final[Any] = object()
"""Stands in a row for a cell that holds None itself, and not whatever is usual for a missing value."""
FROM_FILE = "morosidad.from_file"
"""Set in ``DataFrame.attrs`` of rows that come from a file, where a missing value is just that."""


def way_of(value: Any) -> Absent:
    """Tell in which way a missing value is missing.

    Parameters
    ----------
    value : object
        For which ``pandas.isna`` is true.

    Returns
    -------
    {'nan', 'none', 'na'}
    """
    if value is None:
        return "none"
    return "na" if type(value).__name__ == "NAType" else "nan"


def ways_of(column: pd.Series[Any]) -> tuple[Absent, bool]:
    """Find the usual way of a column's missing values, and whether there is more than one.

    Parameters
    ----------
    column : Series of shape (n_rows,)
        Of objects.

    Returns
    -------
    usual : {'nan', 'none', 'na'}
    several : bool
    """
    counts = Counter(way_of(value) for value in column[column.isna()])
    return max(WAYS, key=lambda way: counts[way]), len(counts) > 1


def unusual_cells(
    frame: pd.DataFrame, layout: FrameLayout, aliases: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.bool_]]:
    """Find cells that are missing in another way than is usual, where the model tells the two apart.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Rows under the names of the fields, or their aliases.
    layout : FrameLayout
        Which columns tell the ways apart, and which way is usual.
    aliases : mapping of str to sequence of str
        Further names of a field's column.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,), bool
        For each field that has such cells, which they are.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for column in layout.columns:
        names = (column.field, *aliases.get(column.field, ()))
        name = next((name for name in names if name in frame.columns), None)
        if name is None or column.dtype != "object":
            continue
        cells = frame[name]
        odd = np.zeros(len(frame), dtype=bool)
        missing = np.flatnonzero(cells.isna().to_numpy())
        if cells.dtype == object:
            ways = [way_of(value) for value in cells.iloc[missing]]
            odd[missing] = [_unusual(way, column.absent, column.distinguishes) for way in ways]
        else:  # one way only, and it is not None
            odd[missing] = column.distinguishes and column.absent == "none"
        if odd.any():
            found[column.field] = odd
    return found


def _unusual(way: Absent, usual: Absent, distinguishes: bool) -> bool:
    """Tell whether this way is another one to the model; of pandas' NA few steps of a pipeline know."""
    return way != usual and (distinguishes or way == "na")
