"""Data frames of any library as pandas, and their columns by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd


_EXACT = 2.0**53  # from here on a float skips integers


def as_pandas(frame: Any) -> pd.DataFrame:
    """Give any data frame (pandas, polars, pyarrow, …) as pandas; a lazy one is collected.

    Parameters
    ----------
    frame : object
        A data frame of pandas, or of any library that narwhals knows.

    Returns
    -------
    DataFrame
        The same object if it is of pandas; with the dtypes that the other library converts to otherwise, but
        for integers with missing values among which floats would round some: those are nullable.

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
        given = nw.from_native(_without_index(frame))
        eager = given.collect() if isinstance(given, nw.LazyFrame) else given
        types = list(eager.schema.dtypes())
    except TypeError:
        raise InvalidFrame(f"a data frame was expected, not {type(frame).__name__}") from None
    except ValueError:
        raise InvalidFrame("two of its columns have the same name") from None
    try:
        table: pd.DataFrame = eager.to_pandas()
    except (ValueError, NotImplementedError):  # one of its types has no counterpart
        columns = [_converted(eager, place) for place in range(len(types))]
        table = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    for place, dtype in enumerate(types):
        cells = _exact_cells(eager, place, dtype, table.iloc[:, place])
        if cells is not None:
            table = table.assign(**{str(table.columns[place]): cells})
    return table


def _without_index(frame: Any) -> Any:
    """Leave out the columns of a pyarrow table that were the index of a frame of pandas, as pandas does."""
    noted = frame.schema.pandas_metadata if hasattr(frame, "replace_schema_metadata") else None
    if noted is None:
        return frame
    index = [name for name in noted["index_columns"] if name in frame.column_names]
    return frame.drop_columns(index).replace_schema_metadata(None)


def _converted(eager: nw.DataFrame[Any], place: int) -> pd.Series[Any]:
    """Convert one column: to objects where its type has no counterpart, as integers of 128 bits have none."""
    import pandas as pd

    try:
        return eager[:, [place]].to_pandas().iloc[:, 0]
    except (ValueError, NotImplementedError):
        return pd.Series(eager[:, place].to_list(), dtype=object, name=eager.columns[place])


def _exact_cells(eager: nw.DataFrame[Any], place: int, dtype: Any, column: pd.Series[Any]) -> Any:
    """Give the cells of a column that the conversion changed; None where it did not."""
    import narwhals as nw
    import pandas as pd

    unsigned = dtype in (nw.UInt8, nw.UInt16, nw.UInt32, nw.UInt64)
    whole = unsigned or dtype in (nw.Int8, nw.Int16, nw.Int32, nw.Int64)
    if dtype == nw.Unknown:  # types of its library's extensions, as booleans of eight bits
        return pd.Series(eager[:, place].to_list(), column.index, dtype=object)
    if whole and column.dtype.kind == "f" and column.abs().max() >= _EXACT:
        exact: list[Any] = eager[:, place].to_list()
        return pd.Series(exact, column.index, dtype="UInt64" if unsigned else "Int64")
    return None


def like(given: Any, answer: pd.DataFrame) -> Any:
    """Give an answer as the kind of frame that was given.

    Parameters
    ----------
    given : object
        A data frame of any library, or an array.
    answer : DataFrame of shape (n_rows, n_columns)
        What is to be given back.

    Returns
    -------
    DataFrame, LazyFrame, Table or ndarray
        Of polars or pyarrow, or a structured array, where that was given; else `answer` itself.
    """
    import numpy as np

    if isinstance(given, np.ndarray) and given.dtype.names:
        return answer.to_records(index=False)
    library = type(given).__module__.partition(".")[0]
    if library == "polars":
        import polars

        typed = {name: polars.List(polars.String) for name in ("warnings", "reasons")}
        columns = [polars.Series(n, c, dtype=typed.get(n)) for n, c in _columns(answer).items()]
        table = polars.DataFrame(columns)
        return table.lazy() if isinstance(given, polars.LazyFrame) else table
    if library == "pyarrow":
        import pyarrow

        texts = pyarrow.list_(pyarrow.string())
        named = {n: texts if n in ("warnings", "reasons") else None for n in answer.columns}
        return pyarrow.table({n: pyarrow.array(c, named[n]) for n, c in _columns(answer).items()})
    return answer


def _columns(answer: pd.DataFrame) -> dict[str, Any]:
    """Give columns as arrays of numbers, and as lists with None where a value is missing."""
    columns: dict[str, Any] = {}
    for name, column in answer.items():
        if getattr(column.dtype, "kind", "O") in "fi" and not column.hasnans:
            columns[str(name)] = column.to_numpy()
        else:
            cells = column.astype(object).where(column.notna(), None).tolist()
            columns[str(name)] = [list(cell) if isinstance(cell, tuple) else cell for cell in cells]
    return columns


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
    from difflib import get_close_matches

    others = [str(name) for name in known]
    words = []
    for name in missing:
        near = get_close_matches(name, others, n=1) if len(others) <= 1000 else []
        words.append(f"{name} (did you mean {near[0]!r}?)" if near else name)
    return InvalidFrame(f"columns are missing: {', '.join(words)}", missing)
