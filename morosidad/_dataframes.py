"""Data frames of any library as pandas, and their columns by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame

if TYPE_CHECKING:
    import pandas as pd


def as_pandas(frame: Any) -> pd.DataFrame:
    """Give any eager data frame (pandas, polars, pyarrow, …) as pandas.

    Parameters
    ----------
    frame : object
        A data frame of pandas, or of any library that narwhals knows.

    Returns
    -------
    DataFrame
        The same object if it is of pandas; with the dtypes that the other library converts to otherwise.

    Raises
    ------
    InvalidFrame
        If it is no data frame.
    """
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return frame
    import narwhals as nw

    try:
        table: pd.DataFrame = nw.from_native(frame, eager_only=True).to_pandas()
    except TypeError:
        raise InvalidFrame(f"a data frame was expected, not {type(frame).__name__}") from None
    return table


def select(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Give a frame's columns of these names, in this order.

    Parameters
    ----------
    frame : DataFrame
        With these columns, and perhaps others.
    names : sequence of str
        The columns wanted.

    Returns
    -------
    DataFrame of shape (n_rows, n_names)
        With the dtypes and the index of `frame`.

    Raises
    ------
    InvalidFrame
        Naming every one that is missing.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InvalidFrame(f"columns are missing: {', '.join(missing)}", missing)
    return frame[list(names)]
