"""Blocks of CSV as pyarrow reads them, where that is certain to be as the standard library does."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUOTE, _NEWLINE = b'"'[0], b"\n"[0]


def whole_rows(block: bytes, separator: bytes, last: bool) -> int | None:
    """Find where the last whole row of a block ends.

    A quote that opens a cell stands where a cell begins, and one that closes it where it ends, or beside
    another that it escapes: then whatever reads the block agrees on where cells and rows end.

    Parameters
    ----------
    block : bytes
        UTF-8; it begins with a row.
    separator : bytes
        One byte.
    last : bool
        Whether the file ends with it.

    Returns
    -------
    int or None
        How many bytes are whole rows; None where readers may differ.
    """
    if block.count(b"\r") != block.count(b"\r\n") + (not last and block.endswith(b"\r")):
        return None
    if b'"' not in block:
        return len(block) if last else block.rfind(b"\n") + 1
    signs = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(signs == _QUOTE)
    ends = np.flatnonzero(signs == _NEWLINE)
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    if last and len(quotes) % 2:
        return None
    end = len(block) if last else int(ends[-1]) + 1 if len(ends) else 0
    quotes = quotes[quotes < end]
    return end if _sound(signs, quotes, separator[0], end) else None


def _sound(signs: NDArray[np.uint8], quotes: NDArray[np.intp], separator: int, end: int) -> bool:
    """Tell whether quotes open and close cells by turns."""
    before = signs[quotes[::2] - 1]
    if len(quotes) and quotes[0] == 0:
        before[0] = _NEWLINE
    closing = quotes[1::2]
    after = signs[np.minimum(closing + 1, end - 1)]  # the last sign of all may close a cell
    return bool(
        np.isin(before, (separator, _NEWLINE, _QUOTE)).all()
        and np.isin(after, (separator, _NEWLINE, _QUOTE, b"\r"[0])).all()
    )


def read_block(block: bytes, names: Sequence[str], separator: bytes) -> Any:
    """Read whole rows as text.

    Parameters
    ----------
    block : bytes
        UTF-8, as `whole_rows` cuts it off.
    names : sequence of str
        Of the columns.
    separator : bytes
        One byte.

    Returns
    -------
    pyarrow.Table or None
        Of text, null where a cell is empty; None where a row has another number of cells, there is
        none, or pyarrow might read another text than the standard library.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if _may_be_too_long(block) or block.startswith(BOM_UTF8):  # which pyarrow leaves out
        return None
    try:
        return arrow_csv.read_csv(
            pa.py_buffer(block),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=list(names)),
            arrow_csv.ParseOptions(delimiter=separator.decode(), newlines_in_values=True),
            arrow_csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None


def _may_be_too_long(block: bytes) -> bool:
    limit = csv.field_size_limit()
    if len(block) <= limit:
        return False
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
    return bool(len(ends) == 0 or max(ends[0], np.diff(ends, append=len(block)).max()) > limit)
