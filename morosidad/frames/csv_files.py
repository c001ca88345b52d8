"""CSV files as data frames, whole or in chunks of constant size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.errors import InvalidFrame
from morosidad.progress import tqdm_for
from morosidad.schema.field import EXACT
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 50_000


def read_csv(
    path: str,
    *,
    sep: str = ",",
    encoding: str = "utf-8",
    missing: Sequence[str] = (),
    progress: bool = False,
) -> pd.DataFrame:
    """Read a whole file; a compressed one by its ending.

    Parameters
    ----------
    path : str
        The file.
    sep, encoding : str
        How it is written.
    missing : sequence of str
        Texts that mean missing; without them, only an empty cell does.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    DataFrame
        With the dtypes that pandas finds in the file as a whole.

    Raises
    ------
    InvalidFrame
        If there is no such file, it is empty, or it can't be read as CSV in this encoding.
    """
    import pandas as pd

    with _reported(path, encoding), open(path, "rb") as file, _watched(file, path, progress) as source:
        frame: pd.DataFrame = pd.read_csv(
            _decompressed(source, path),
            sep=sep,
            encoding=encoding,
            low_memory=False,
            keep_default_na=False,
            na_values=["", *missing],
            **_exactly(),
        )
    if frame.empty:
        raise InvalidFrame(f"{path}: the file holds no rows")
    return frame


def read_chunks(
    path: str,
    *,
    sep: str = ",",
    encoding: str = "utf-8",
    rows: int | None = None,
    progress: bool = False,
) -> Iterator[pd.DataFrame]:
    """Read a file in chunks of text; a compressed one by its ending.

    Parameters
    ----------
    path : str
        The file.
    sep, encoding : str
        How the file is written.
    rows : int, optional
        Rows in a piece.
    progress : bool, default=False
        Show a progress bar.

    Yields
    ------
    DataFrame
        With the index of its rows in the file, each value as the text that it is; None or NaN where
        a cell is empty.

    Raises
    ------
    InvalidFrame
        As in `read_csv`.
    """
    import pandas as pd

    with _reported(path, encoding), open(path, "rb") as file, _watched(file, path, progress) as source:
        reader = pd.read_csv(
            _decompressed(source, path),
            sep=sep,
            encoding=encoding,
            chunksize=rows or CHUNK_ROWS,
            dtype=object,
            keep_default_na=False,
            na_values=[""],
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
                column = _numbers(column)
            columns[name] = column
    columns |= {name: texts[name] for name in texts.columns if name not in columns}
    return pd.DataFrame(columns, index=texts.index)


_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOST_DIGITS = 400  # more than any number of 64 bits has


def number_in(text: str) -> int | float | str:
    """Give the number that a text writes, with a decimal point and perhaps spaces around it.

    Parameters
    ----------
    text : str
        A cell.

    Returns
    -------
    int, float or str
        The text itself where it is no number.
    """
    digits = text.strip()
    if not _NUMBER.fullmatch(digits):
        return text
    whole = digits.lstrip("+-").isdigit() and len(digits) <= _MOST_DIGITS
    return int(digits) if whole else float(digits)


def _numbers(column: pd.Series[Any]) -> Any:
    """Read the numbers of a column of text, exactly; what is none stays text."""
    import pandas as pd

    found = _by_arrow(column) if arrow_installed() else None
    if found is not None:
        return pd.Series(found, index=column.index)
    cells = [number_in(cell) if isinstance(cell, str) else None for cell in column]
    return pd.Series(cells, index=column.index, dtype=object)


def arrow_installed() -> bool:
    """Tell whether pyarrow is there, which reads numbers quicker and just as exactly."""
    return find_spec("pyarrow") is not None


def _by_arrow(column: pd.Series[Any]) -> Any:
    """Read a column that holds nothing but usual numbers; None if it holds others."""
    import pyarrow as pa

    try:
        texts = pa.array(column.to_numpy(object), type=pa.string(), from_pandas=True)
        numbers = texts.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    found = numbers.to_numpy(zero_copy_only=False)
    known = np.isfinite(found)
    if int(known.sum()) != len(texts) - texts.null_count or (np.abs(found[known]) > EXACT).any():
        return None
    return found


def _exactly() -> dict[str, Any]:
    """Ask pandas for the nearest float of each text, which is its default only since 3.1."""
    import pandas as pd

    old = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
    return {"float_precision": "round_trip"} if old else {}


_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def _decompressed(source: Any, path: str) -> Any:
    opener: Any = _OPENERS.get(Path(path).suffix.lower())
    return source if opener is None else opener(source, "rb")


@contextmanager
def _reported(path: str, encoding: str) -> Iterator[None]:
    """Turn what can go wrong with a file into one kind of error; no text of the file goes into it."""
    from pandas.errors import EmptyDataError, ParserError

    try:
        yield
    except FileNotFoundError:
        raise InvalidFrame(f"{path}: there is no such file") from None
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        why = getattr(error, "strerror", None) or "the compressed file is damaged"
        raise InvalidFrame(f"{path}: can't be read: {why}") from None
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
