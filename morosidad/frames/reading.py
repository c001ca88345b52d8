"""Validated columns: a data frame read column by column, as the schema reads records."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import missing_columns
from morosidad._typing import Floats
from morosidad.errors import InvalidFrame
from morosidad.frames.distinct import distinct
from morosidad.schema.field import EXACT, Field

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.schema.schema import Schema


class Coded(msgspec.Struct, frozen=True, eq=False):
    """A column of categories as codes into its levels.

    Attributes
    ----------
    codes : ndarray of intp, shape (n_rows,)
        The place of each row's level; -1 means missing.
    levels : sequence of str, int, float or bool
        The levels.
    """

    codes: NDArray[np.intp]
    levels: Sequence[str | int | float | bool]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Coded:
        return Coded(self.codes[rows], self.levels)


Column = Floats | Coded
"""A field's values: float64 with NaN where missing, or categories as codes."""


class FrameReader:
    """Reads a frame's columns as the schema reads records, some rows at a time.

    Safe for many threads.

    Parameters
    ----------
    schema : Schema
        What a record is. Columns under an alias are found too; other columns are ignored.
    frame : DataFrame
        One record a row.
    needed : collection of str
        Fields whose columns must be there; those that the schema requires must be in any case.
    keep : bool, default=False
        Keep the categories of rows that were read, in a byte or two each: the same slice of rows is read
        again in a fraction of the time.

    Raises
    ------
    InvalidFrame
        If no column is a field, that of a needed field is missing, or two stand for one field.
    """

    def __init__(
        self, schema: Schema, frame: pd.DataFrame, needed: Collection[str] = (), *, keep: bool = False
    ) -> None:
        self._kept: dict[tuple[str, int, int], tuple[Coded, NDArray[np.bool_]]] | None = {} if keep else None
        self._fields = schema.fields
        self._wants_a_value = schema.wants_a_value
        self._length = len(frame)
        self._cells = {
            field: (_cells_of(frame[name]), factor)
            for field, (name, factor) in _sources(schema, frame, needed).items()
        }

    def read(self, rows: slice) -> tuple[list[Column], NDArray[np.bool_]]:
        """Read some rows.

        Parameters
        ----------
        rows : slice
            Which.

        Returns
        -------
        columns : list of (ndarray of float64, shape (n_rows,), or Coded)
            One for each field.
        refused : ndarray of bool, shape (n_rows,)
            Which rows the schema refuses.
        """
        bad = np.zeros(len(range(*rows.indices(self._length))), dtype=bool)
        columns: list[Column] = []
        for field in self._fields:
            column: Column = np.full(len(bad), np.nan)
            if field.name in self._cells:
                cells, factor = self._cells[field.name]
                column = self._read_kept(field, cells, factor, rows, bad)
            if field.required:
                bad |= _missing(column)
            columns.append(column)
        if self._wants_a_value:
            bad |= _empty(columns)
        return columns, bad

    def _read_kept(
        self, field: Field, cells: Any, factor: float, rows: slice, bad: NDArray[np.bool_]
    ) -> Column:
        if self._kept is None:
            return _read_column(field, cells[rows], factor, bad)
        key = field.name, *rows.indices(self._length)[:2]
        if key in self._kept:
            column, refused = self._kept[key]
            bad |= refused
            return column
        refused = np.zeros_like(bad)
        found = _read_column(field, cells[rows], factor, refused)
        bad |= refused
        if isinstance(found, Coded):
            narrow = found.codes.astype(np.min_scalar_type(-len(found.levels) - 1))
            self._kept[key] = Coded(narrow, found.levels), refused
        return found


def read_frame(schema: Schema, frame: pd.DataFrame) -> tuple[list[Column], NDArray[np.bool_]]:
    """Read a whole frame; see `FrameReader`.

    Parameters
    ----------
    schema : Schema
        What a record is.
    frame : DataFrame
        One record a row.

    Returns
    -------
    columns : list of (ndarray of float64, shape (n_rows,), or Coded)
        One for each field.
    refused : ndarray of bool, shape (n_rows,)
        Which rows the schema refuses.
    """
    return FrameReader(schema, frame).read(slice(None))


def _missing(column: Column) -> NDArray[np.bool_]:
    return column.codes < 0 if isinstance(column, Coded) else np.isnan(column)


def _empty(columns: Sequence[Column]) -> NDArray[np.bool_]:
    """Tell which rows have no value at all; mostly the first column shows that none is so."""
    empty = _missing(columns[0])
    for column in columns[1:]:
        if not empty.any():
            break
        empty &= _missing(column)
    return empty


def _sources(schema: Schema, frame: pd.DataFrame, needed: Collection[str]) -> dict[str, tuple[str, float]]:
    """Find each field's column and its unit factor."""
    sources: dict[str, tuple[str, float]] = {}
    for field in schema.fields:
        found = [(n, x) for n, x in {field.name: 1.0, **field.aliases}.items() if n in frame.columns]
        if len(found) > 1 or any(isinstance(frame[name], type(frame)) for name, _ in found):
            raise InvalidFrame(f"two columns stand for the field {field.name!r}", [name for name, _ in found])
        if found:
            sources[field.name] = found[0]
    wanted = (f.name for f in schema.fields if f.required or f.name in needed or not sources)
    absent = [name for name in wanted if name not in sources]
    if absent:
        raise missing_columns(absent, [name for name in frame.columns if name not in sources])
    return sources


def _cells_of(series: pd.Series[Any]) -> Any:
    """Give a column as what is quickest to slice: numpy's array where there is one, else pandas' own."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _read_column(field: Field, cells: Any, factor: float, bad: NDArray[np.bool_]) -> Column:
    if field.kind not in ("integer", "number") or field.categories is not None:
        return _read_levels(field, cells, factor, bad)
    numbers = numbers_of(cells)
    if numbers is None:
        return _read_levels(field, cells, factor, bad)
    read = _read_numbers(field, numbers, factor, bad)
    if field.kind == "integer" and len(numbers) and np.fmax.reduce(np.abs(numbers)) > EXACT:
        _read_again(field, cells, factor, np.flatnonzero(np.abs(numbers) > EXACT), read, bad)
    return read


def numbers_of(cells: Any) -> Floats | None:
    """Give a column of numbers as float64, NaN where missing.

    Parameters
    ----------
    cells : ndarray or pandas array, of shape (n_rows,)
        A column.

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None
        None where the column holds something else, such as booleans or objects.
    """
    if getattr(cells.dtype, "kind", "O") not in "iuf":
        return None
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64, copy=False)
    found: Floats = cells.to_numpy(np.float64, na_value=np.nan)
    return found


def _read_numbers(field: Field, numbers: Floats, factor: float, bad: NDArray[np.bool_]) -> Floats:
    codes = [code for code in field.codes if not isinstance(code, str)]
    if codes:
        numbers = np.where(np.isin(numbers, codes), np.nan, numbers)
    if factor != 1:
        with np.errstate(over="ignore"):
            numbers = numbers * factor
    if field.kind == "integer":
        whole = np.rint(numbers)
        if factor == 1:
            bad |= (whole != numbers) & ~np.isnan(numbers)
        numbers = whole
    if not _all_within(field, numbers):
        low, high = field.interval
        bad |= (numbers < low) | (numbers > high) | np.isinf(numbers)
        bad |= (numbers == field.gt) | (numbers == field.lt)
    return numbers


def _read_again(
    field: Field, cells: Any, factor: float, places: NDArray[np.intp], read: Floats, bad: NDArray[np.bool_]
) -> None:
    """Read integers that no float holds one by one: limits are those of the integers themselves."""
    for place in places.tolist():
        try:
            value = field.read_for_model(cells[place], factor)
        except ValueError:
            bad[place] = True
        else:
            read[place] = np.nan if value is None else value


def _all_within(field: Field, numbers: Floats) -> bool:
    """Tell, by the smallest and the largest, whether all numbers are finite and within the limits."""
    if not len(numbers):
        return True
    least, most = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
    low, high = field.interval
    inside = low <= least and most <= high and math.isfinite(least) and math.isfinite(most)
    return bool(inside and least != field.gt and most != field.lt)


def _read_levels(field: Field, cells: Any, factor: float, bad: NDArray[np.bool_]) -> Column:
    """Read each different value once: categories, booleans, and numbers in columns of objects."""
    codes, given = distinct(cells)
    levels: list[Any] = []
    refused: list[bool] = []
    for value in given:
        try:
            levels.append(field.read_for_model(value, factor))
            refused.append(False)
        except ValueError:
            levels.append(None)
            refused.append(True)
    if any(refused):
        bad |= np.array([*refused, False])[codes]
    if field.kind != "category":
        return np.array([np.nan if level is None else float(level) for level in (*levels, None)])[codes]
    if None in levels:
        absent = np.array([level is None for level in (*levels, None)])[codes]
        codes = np.where(absent, -1, codes)
    return Coded(codes, ["" if level is None else level for level in levels])
