"""Cells of text as the values that they write: numbers, booleans, and what a column holds as a whole."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.frames.compatibility import as_text
from morosidad.frames.files import csv_files
from morosidad.schema.field import EXACT
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd


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

    columns: dict[Any, Any] = dict(texts.items())
    for field in schema.fields:
        for name in {field.name, *field.aliases} & columns.keys():
            if field.kind == "boolean":
                columns[name] = _truths(texts[name], field.codes)
            elif field.kind == "category" and not field.holds_integers:
                columns[name] = _levels(texts[name])
            else:
                columns[name] = _numbers(texts[name])
    return pd.DataFrame(columns, index=texts.index, copy=False)


def as_typed(texts: pd.DataFrame, missing: Collection[str] = ()) -> pd.DataFrame:
    """Give each column the data type of all that it holds, as pandas finds it.

    Parameters
    ----------
    texts : DataFrame
        A whole file, as text.
    missing : collection of str
        Texts that mean missing, besides the empty cell.

    Returns
    -------
    DataFrame
        Of integers, floats, booleans and text.
    """
    import pandas as pd

    typed = {name: _typed(column, frozenset(missing)) for name, column in texts.items()}
    return pd.DataFrame(typed, index=texts.index)


def _typed(column: pd.Series[Any], missing: frozenset[str]) -> Any:
    import pandas as pd

    if missing:
        column = column.mask(column.isin(list(missing)))
    present = column.dropna()
    full = len(present) == len(column)
    numbers = _by_arrow(present) if csv_files.arrow_installed() else None
    if numbers is None:
        found: list[Any] = [number_in(cell) for cell in present]
        kinds = {type(cell) for cell in found if not _is_infinite(cell)}
        if not kinds <= {int, float}:
            if not set(present.unique()) <= _BOOLEANS.keys():
                return as_text(column)
            return column.map(_BOOLEANS).astype(bool if full else object)
        whole = kinds == {int} and min(found) >= -(2**63) and max(found) < 2**63
        numbers = np.array(
            found if whole else [float(cell) for cell in present], np.int64 if whole else float
        )
    elif full and not present.str.contains("[.eE]").any():
        numbers = numbers.astype(np.int64)
    return pd.Series(numbers, present.index).reindex(column.index)


def _is_infinite(cell: object) -> bool:
    """Tell whether a text writes infinity, which a schema refuses, and is no category."""
    return isinstance(cell, str) and cell.strip().lstrip("+-").lower() in ("inf", "infinity")


_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def _truths(column: pd.Series[Any], codes: Collection[Any]) -> Any:
    """Read booleans, and the numbers that mean missing; what is neither stays text."""

    def read(cell: str) -> Any:
        truth = None if cell in codes else _TRUTHS.get(cell.strip().lower())
        number = number_in(cell)
        return number if truth is None and number in codes else cell if truth is None else truth

    return column.astype(object).map(read, na_action="ignore")


def _levels(column: pd.Series[Any]) -> Any:
    """Give categories as codes, where that is quick."""
    import pandas as pd

    if not csv_files.arrow_installed():
        return column
    coded = _texts(column).dictionary_encode()
    levels = pd.Index(coded.dictionary.to_pylist(), dtype=object)
    codes = coded.indices.fill_null(-1).to_numpy()
    return pd.Series(pd.Categorical.from_codes(codes, levels), column.index)


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
    if not whole or (digits[0] == "-" and not digits.strip("-0")):  # zero keeps its sign
        return float(digits)
    return int(digits)


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Read the numbers of a column of text, exactly; what is none stays text."""
    import pandas as pd

    found = _by_arrow(column) if csv_files.arrow_installed() else None
    if found is not None:
        return pd.Series(found, index=column.index)
    cells = [number_in(cell) if isinstance(cell, str) else None for cell in column]
    return pd.Series(cells, index=column.index, dtype=object)


def _texts(column: pd.Series[Any]) -> Any:
    """Give a column of text as pyarrow holds it."""
    import pyarrow as pa

    found = pa.array(column.array, type=pa.large_string(), from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _by_arrow(column: pd.Series[Any]) -> Any:
    """Read a column that holds nothing but usual numbers; None if it holds others."""
    import pyarrow as pa

    try:
        texts = _texts(column)
        numbers = texts.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    found = numbers.to_numpy(zero_copy_only=False)
    known = np.isfinite(found)
    if int(known.sum()) != len(texts) - texts.null_count or (np.abs(found[known]) > EXACT).any():
        return None
    return found
