"""Cells of a frame that are missing in another way than a model's usual one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from morosidad.frames.absent import Absent, way_of
from morosidad.frames.layout import FrameLayout

if TYPE_CHECKING:
    import pandas as pd


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
            ways: list[Absent] = [way_of(value) for value in cells.iloc[missing]]
            odd[missing] = [_unusual(way, column.absent, column.distinguishes) for way in ways]
        else:  # one way only, and it is not None
            odd[missing] = column.distinguishes and column.absent == "none"
        if odd.any():
            found[column.field] = odd
    return found


def _unusual(way: Absent, usual: Absent, distinguishes: bool) -> bool:
    """Tell whether this way is another one to the model; of pandas' NA few steps of a pipeline know."""
    return way != usual and (distinguishes or way == "na")
