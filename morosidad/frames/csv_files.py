"""CSV files as data frames, whole or in chunks of constant size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame
from morosidad.progress import tqdm_for
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 50_000


def read_csv(path: str, *, sep: str = ",", encoding: str = "utf-8", progress: bool = False) -> pd.DataFrame:
    """Read a whole file.

    Parameters
    ----------
    path : str
        The file.
    sep, encoding : str
        How it is written.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    DataFrame
        With the dtypes that pandas finds.

    Raises
    ------
    InvalidFrame
        If there is no such file, it is empty, or it can't be read as CSV in this encoding.
    """
    import pandas as pd

    chunks = list(read_chunks(path, sep=sep, encoding=encoding, progress=progress))
    return pd.concat(chunks, ignore_index=True)


def read_chunks(
    path: str,
    *,
    sep: str = ",",
    encoding: str = "utf-8",
    text: bool = False,
    rows: int | None = None,
    progress: bool = False,
) -> Iterator[pd.DataFrame]:
    """Read a file in chunks.

    Parameters
    ----------
    path : str
        The file.
    sep, encoding : str
        How the file is written.
    text : bool, default=False
        Leave every value as the text that it is in the file.
    rows : int, optional
        Rows in a piece.
    progress : bool, default=False
        Show a progress bar.

    Yields
    ------
    DataFrame
        With the index of its rows in the file; of object dtype with ``text=True``.

    Raises
    ------
    InvalidFrame
        As in `read_csv`.
    """
    import pandas as pd

    with _reported(path, encoding), open(path, "rb") as file, _watched(file, path, progress) as source:
        reader = pd.read_csv(
            source,
            sep=sep,
            encoding=encoding,
            chunksize=rows or CHUNK_ROWS,
            dtype=object if text else None,
            low_memory=False,
        )
        for chunk in reader:
            if chunk.empty:
                raise InvalidFrame(f"{path}: the file holds no rows")
            yield chunk


def as_fields(texts: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Turn texts into what the schema's fields hold; a text that is no number stays as it is, to be refused.

    Parameters
    ----------
    texts : DataFrame
        A piece of a file, as text.
    schema : Schema
        What a record is.

    Returns
    -------
    DataFrame
        The columns that the schema knows, and the others as they are.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for field in schema.fields:
        for name in (field.name, *field.aliases):
            if name not in texts.columns:
                continue
            column = texts[name]
            if field.kind == "boolean":
                column = column.str.strip().str.lower().map(_TRUTHS).astype(object).fillna(column)
            elif field.kind != "category" or field.holds_integers:
                numbers = pd.to_numeric(column, errors="coerce")
                kept = numbers.isna() & column.notna()
                column = numbers.astype(object).where(~kept, column) if kept.any() else numbers
            columns[name] = column
    columns |= {name: texts[name] for name in texts.columns if name not in columns}
    return pd.DataFrame(columns, index=texts.index)


_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@contextmanager
def _reported(path: str, encoding: str) -> Iterator[None]:
    """Turn what can go wrong with a file into one kind of error; no text of the file goes into it."""
    from pandas.errors import EmptyDataError, ParserError

    try:
        yield
    except FileNotFoundError:
        raise InvalidFrame(f"{path}: there is no such file") from None
    except OSError as error:
        raise InvalidFrame(f"{path}: can't be read: {error.strerror}") from None
    except EmptyDataError:
        raise InvalidFrame(f"{path}: the file is empty") from None
    except UnicodeDecodeError as error:
        message = (
            f"{path}: not written in {encoding} (byte {error.start}); give --encoding, for example latin-1"
        )
        raise InvalidFrame(message) from None
    except LookupError:
        raise InvalidFrame(f"{path}: there is no encoding {encoding!r}") from None
    except ParserError:
        raise InvalidFrame(f"{path}: not a CSV file, or one with another separator: give --sep") from None


@contextmanager
def _watched(file: Any, path: str, progress: bool) -> Iterator[Any]:
    size = Path(path).stat().st_size
    options = {"total": size, "desc": Path(path).name, "disable": not progress}
    with tqdm_for(progress).wrapattr(file, "read", **options) as source:
        yield source
