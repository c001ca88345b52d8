"""The distinct values of a column: each is read once, and two that are read otherwise are never one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]


def distinct(cells: Any) -> tuple[Codes, list[Any]]:
    """Give each row's place among the distinct values of a column.

    Parameters
    ----------
    cells : ndarray or pandas array, of shape (n_rows,)
        The column.

    Returns
    -------
    codes : ndarray of intp, shape (n_rows,)
        Places in `values`; -1 where pandas sees that a value is missing.
    values : list
        The values. In a column of objects those of one type alone are told apart by equality:
        1, True and Decimal(1) are equal, and no field reads them alike.
    """
    import pandas as pd

    if isinstance(cells, pd.arrays.NumpyExtensionArray):  # whose dtype is none of numpy's
        cells = np.asarray(cells)
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return np.asarray(cells.codes, dtype=np.intp), list(cells.categories)
    if (_of_objects(cells) and not set(map(type, cells)) <= _TEXTS) or cells.dtype.kind == "c":
        return _each_by_type(cells)
    try:
        found, unique = pd.factorize(cells)
    except (TypeError, NotImplementedError):  # lists, as some libraries' columns hold
        return _each_by_type(cells)
    there = found >= 0
    if _of_objects(cells) and (unique[found[there]] != cells[there]).any():
        return _each_by_type(cells)  # pandas 2 ends a text at its first NUL
    return found.astype(np.intp, copy=False), list(unique)


_TEXTS = frozenset({str, type(None)})
_SHARED = frozenset({str, int, bool, type(None)})


def _of_objects(cells: Any) -> bool:
    return isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "O"


def _each_by_type(cells: Any) -> tuple[Codes, list[Any]]:
    """Take equal values of the plainest types as one, and any other value by itself."""
    places: dict[tuple[type, Any], int] = {}
    values: list[Any] = []
    codes = np.empty(len(cells), dtype=np.intp)
    for row, cell in enumerate(cells):
        place = len(values)
        if type(cell) in _SHARED:
            place = places.setdefault((type(cell), cell), place)
        if place == len(values):
            values.append(cell)
        codes[row] = place
    return codes, values
