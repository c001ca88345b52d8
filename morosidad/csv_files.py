"""CSV files as data frames that a schema can read, whole or in chunks of constant size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morosidad.errors import InvalidFrame
from morosidad.schema import Schema

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
    schema: Schema | None = None,
    *,
    sep: str = ",",
    encoding: str = "utf-8",
    rows: int = CHUNK_ROWS,
    progress: bool = False,
) -> Iterator[pd.DataFrame]:
    """Read a file piece by piece.

    Parameters
    ----------
    path : str
        The file.
    schema : Schema, optional
        With one, each column is read as its field needs it; text where a number is due stays text,
        so that the schema can refuse it.
    sep, encoding : str
        How the file is written.
    rows : int
        Rows in a piece.
    progress : bool, default=False
        Show a progress bar.

    Raises
    ------
    InvalidFrame
        As in `read_csv`.
    """
    import pandas as pd

    with _reported(path, encoding), open(path, "rb") as file, _watched(file, path, progress) as source:
        kinds = None if schema is None else _text_columns(schema)
        reader = pd.read_csv(
            source, sep=sep, encoding=encoding, chunksize=rows, dtype=kinds, low_memory=schema is not None
        )
        empty = True
        for chunk in reader:
            empty = False
            yield chunk if schema is None else _as_fields(chunk, schema)
        if empty:
            raise InvalidFrame(f"{path}: the file holds no rows")


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
    from tqdm.auto import tqdm

    size = Path(path).stat().st_size
    with tqdm.wrapattr(file, "read", total=size, desc=Path(path).name, disable=not progress) as source:
        yield source


def _text_columns(schema: Schema) -> dict[str, Any]:
    """Name the columns to read as text, so that a category «01» stays what it is."""
    return {
        name: "object"
        for field in schema.fields
        if field.kind == "category"
        and not all(isinstance(level, int) for level in field.usual_levels or ("",))
        for name in (field.name, *field.aliases)
    }


def _as_fields(chunk: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Bring columns that hold some text where numbers or booleans are due to what can be read."""
    import pandas as pd

    for field in schema.fields:
        for name in (field.name, *field.aliases):
            if name not in chunk.columns or pd.api.types.is_numeric_dtype(chunk[name].dtype):
                if name in chunk.columns and field.kind == "boolean":
                    chunk[name] = chunk[name].map({0: False, 1: True}).astype(object)
                continue
            if field.kind in ("integer", "number"):
                numbers = pd.to_numeric(chunk[name], errors="coerce")
                chunk[name] = numbers.astype(object).where(numbers.notna(), chunk[name].astype(object))
    return chunk
