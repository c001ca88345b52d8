"""Frames as CSV: the same bytes by pyarrow, where it is there, and by the standard library."""

from __future__ import annotations

import csv
import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.frames.files import csv_files

if TYPE_CHECKING:
    import pandas as pd


def csv_bytes(frame: pd.DataFrame, header: bool) -> bytes:
    """Write a frame as CSV: UTF-8, commas, newlines, quotes where they are needed, empty where missing.

    Parameters
    ----------
    frame : DataFrame
        Of texts, numbers or other objects; numbers as Python writes them.
    header : bool
        Write the names of the columns first.

    Returns
    -------
    bytes
    """
    start = _by_rows([list(map(str, frame.columns))]) if header else b""
    columns = _as_texts(frame) if csv_files.arrow_installed() and len(frame) else None
    if columns is not None:
        return start + _joined(columns)
    return start + _by_rows(zip(*(_plain(column) for _, column in frame.items()), strict=True))


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Give a column's values as Python's own objects, None where missing."""
    return column.astype(object).where(column.notna(), None).tolist()


class _Lines(io.StringIO):
    """Takes rows as the csv module writes them; it quotes the signs that its ends of lines are made of."""

    def write(self, row: str) -> int:
        return super().write(f"{row[:-2]}\n")


def _by_rows(rows: Any) -> bytes:
    out = _Lines(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _as_texts(frame: pd.DataFrame) -> list[Any] | None:
    """Give each column as text of pyarrow; None where there are others than of text and numbers."""
    found = []
    for place in range(frame.shape[1]):
        text = _as_text(frame.iloc[:, place])
        if text is None:
            return None
        found.append(text)
    return found if len(found) > 1 else None  # a row of one empty cell is quoted


def _as_text(column: pd.Series[Any]) -> Any:
    import pandas as pd
    import pyarrow as pa

    dtype: Any = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return pa.array(column.to_numpy()).cast(pa.large_string())
    if dtype == np.float64:
        return _floats(column.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype) and all(type(level) is str for level in dtype.categories):
        levels = _quoted(pa.array(dtype.categories.to_numpy(object), pa.large_string()))
        codes = pa.array(column.cat.codes.to_numpy(), mask=column.cat.codes.to_numpy() < 0)
        return levels.take(codes)
    if pd.api.types.is_object_dtype(dtype) or isinstance(dtype, (pd.StringDtype, pd.ArrowDtype)):
        try:
            texts = pa.array(column.array, from_pandas=True)
        except (pa.ArrowException, TypeError, OverflowError):
            return None
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
            return _quoted(texts.cast(pa.large_string()))
    return None


def _compute() -> Any:
    return import_module(
        "pyarrow.compute"
    )  # it makes its functions when it is imported: no checker knows them


def _floats(numbers: Any) -> Any:
    """Write floats as Python does: pyarrow writes whole, small and large ones in another manner."""
    import pyarrow as pa

    missing, size = np.isnan(numbers), np.abs(numbers)
    with np.errstate(invalid="ignore"):
        usual = (size >= 1e-4) & (size < 1e10) & (numbers != np.rint(numbers))
    texts = pa.array(numbers, mask=missing).cast(pa.large_string())
    others = ~usual & ~missing
    if others.any():
        pc = _compute()

        written = pa.array(map(repr, numbers[others].tolist()), pa.large_string())
        texts = pc.replace_with_mask(texts, pa.array(others), written)
    return texts


def _quoted(texts: Any) -> Any:
    import pyarrow as pa

    pc = _compute()

    wanted = pc.match_substring_regex(texts, '[",\r\n]')
    if not pc.any(wanted).as_py():
        return texts
    escaped = pc.replace_substring(texts, '"', '""')
    quote = pa.scalar('"', pa.large_string())
    empty = pa.scalar("", pa.large_string())
    return pc.if_else(wanted, pc.binary_join_element_wise(quote, escaped, quote, empty), texts)


def _joined(columns: list[Any]) -> bytes:
    """Join columns into rows: the memory that holds one text after another is the file."""
    import pyarrow as pa

    pc = _compute()

    comma, end = pa.scalar(",", pa.large_string()), pa.scalar("\n", pa.large_string())
    filled = [pc.fill_null(column, "") for column in columns]
    rows = pc.binary_join_element_wise(*filled, comma)
    rows = pc.binary_join_element_wise(rows, pa.scalar("", pa.large_string()), end)
    offsets = np.frombuffer(rows.buffers()[1], np.int64)[rows.offset : rows.offset + len(rows) + 1]
    written: bytes = rows.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()
    return written
