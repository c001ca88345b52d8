"""The ways in which a cell may be missing (None, NaN, pandas.NA): frames tell them apart, records can not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import pandas as pd

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
