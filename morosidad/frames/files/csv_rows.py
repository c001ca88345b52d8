"""Rows of CSV as the standard library reads them, each with the line that it begins in."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from morosidad.errors import InvalidFrame


class Row(NamedTuple):
    """A row.

    Attributes
    ----------
    line : int
        The line of the file that it begins in, from 1.
    cells : list of str
        Its cells.
    """

    line: int
    cells: list[str]


def read_rows(lines: Iterable[str], separator: str, path: str, before: int = 0) -> Iterator[Row]:
    """Read rows; lines that hold nothing are none.

    Parameters
    ----------
    lines : iterable of str
        With their ends.
    separator : str
        One character.
    path : str
        The file's name, for errors.
    before : int, default=0
        How many lines of the file come before these.

    Yields
    ------
    Row

    Raises
    ------
    InvalidFrame
        If a quoted cell is never closed, or longer than `csv.field_size_limit`.
    """
    ended = False

    def until_the_end() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True
        yield f"{_END}{separator}{_END}"  # two cells, unless it is still inside quotes

    reader, line = csv.reader(until_the_end(), delimiter=separator), 1
    while True:
        try:
            cells = next(reader)
        except csv.Error:
            limit = csv.field_size_limit()
            raise InvalidFrame(
                f"{path}: line {before + line}: a cell is longer than {limit} characters"
            ) from None
        if ended:
            if cells == [_END, _END]:
                return
            raise InvalidFrame(f"{path}: line {before + line}: a quoted cell is never closed")
        if cells and not (len(cells) == 1 and cells[0].isspace()):
            yield Row(before + line, cells)
        line = reader.line_num + 1


_END = "\0"


def read_header(lines: Iterable[str], separator: str, path: str) -> list[str]:
    """Read the names of the columns from the first line that holds something.

    Parameters
    ----------
    lines : iterable of str
        Of the whole file.
    separator, path : str
        As in `read_rows`.

    Returns
    -------
    list of str
        A column without a name is called as pandas calls it: ``Unnamed: 0`` by its place.

    Raises
    ------
    InvalidFrame
        If the file is empty, or two columns bear the same name.
    """
    row = next(read_rows(lines, separator, path), None)
    if row is None:
        raise InvalidFrame(f"{path}: the file is empty")
    names = [name or f"Unnamed: {place}" for place, name in enumerate(row.cells)]
    doubles = [name for name, times in Counter(names).items() if times > 1]
    if doubles:
        raise InvalidFrame(f"columns bear the same name: {', '.join(doubles)}", doubles)
    return names
