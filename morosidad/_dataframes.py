"""Data frames of any library as pandas, and their columns by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
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
        raise missing_columns(missing, frame.columns)
    return frame[list(names)]


def missing_columns(missing: Sequence[str], known: Iterable[Any]) -> InvalidFrame:
    """Make the error that names missing columns, each with the nearest name that is there.

    Parameters
    ----------
    missing : sequence of str
        The columns.
    known : iterable
        The columns that are there.

    Returns
    -------
    InvalidFrame
    """
    others = [str(name) for name in known]
    words = []
    for name in missing:
        near = get_close_matches(name, others, n=1) if len(others) <= 1000 else []
        words.append(f"{name} (did you mean {near[0]!r}?)" if near else name)
    return InvalidFrame(f"columns are missing: {', '.join(words)}", missing)
