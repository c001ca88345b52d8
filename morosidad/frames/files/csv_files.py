"""CSV files as text in chunks of bounded size: by pyarrow where it is there and certain, else row by row."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from morosidad.errors import InvalidFrame
from morosidad.frames.compatibility import arrow_text
from morosidad.frames.files.csv_blocks import read_block, whole_rows
from morosidad.frames.files.csv_rows import Row, read_header, read_rows
from morosidad.frames.files.texts import LONGEST_LINE, TextSource

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 1 << 16
BLOCK = 1 << 22
"""Signs of a file that pyarrow reads at once."""


class DamagedRow(NamedTuple):
    """A row that has fewer or more cells than the header.

    Attributes
    ----------
    place : int
        Among the rows of the file, from 0.
    line : int
        The line that it begins in, from 1.
    cells : list of str
        Its cells.
    columns : int
        How many the header has.
    """

    place: int
    line: int
    cells: list[str]
    columns: int

    @property
    def reason(self) -> str:
        """What is wrong, in English."""
        return f"line {self.line}: {len(self.cells)} cells, where the header has {self.columns}"


class TextChunk(NamedTuple):
    """Some rows of a file.

    Attributes
    ----------
    rows : DataFrame of text
        With the places of the rows in the file as index; None or NaN where a cell is empty.
    damaged : list of DamagedRow
        The rows between them that are none.
    """

    rows: pd.DataFrame
    damaged: list[DamagedRow]


def arrow_installed() -> bool:
    """Tell whether pyarrow is there, which reads the same quicker."""
    return find_spec("pyarrow") is not None


def read_texts(file: IO[bytes], path: str, separator: str, encoding: str) -> Iterator[TextChunk]:
    """Read a CSV file in chunks.

    Parameters
    ----------
    file : file
        With ``read(size)``.
    path : str
        Its name, for errors.
    separator : str
        One character.
    encoding : str
        How the file is written.

    Yields
    ------
    TextChunk
        With at least one row, sound or damaged.

    Raises
    ------
    InvalidFrame
        If it is empty, not written in this encoding, has two columns of one name, a line without end, or a
        quoted cell that is never closed or too long.
    """
    separator = "\t" if separator == "\\t" else separator
    if len(separator) != 1 or separator in '"\r\n\0\ufeff':
        raise InvalidFrame("--sep: one character was expected")
    texts = TextSource(file, encoding, path)
    names = read_header(texts.lines(), separator, path)
    place = 0
    if arrow_installed() and len(names) > 1 and separator.isascii():
        for chunk in _by_blocks(texts, names, separator, path):
            yield chunk
            place += len(chunk.rows) + len(chunk.damaged)
    yield from _by_rows(read_rows(texts.lines(), separator, path, texts.line), names, place)


def _by_blocks(texts: TextSource, names: list[str], separator: str, path: str) -> Iterator[TextChunk]:
    """Read with pyarrow until the end, or until where it can't be certain of quotes."""
    place, size, sign = 0, BLOCK, separator.encode()
    while text := texts.block(size):
        data = text.encode()
        end = whole_rows(data, sign, texts.over)
        if end is None or (end == 0 and len(text) > LONGEST_LINE):
            texts.give_back(text)
            return
        size = BLOCK if end else 2 * len(text)
        whole = data[:end]
        texts.give_back(text[end:] if len(text) == len(data) else data[end:].decode())
        table = read_block(whole, names, sign) if whole else None
        chunks: Iterable[TextChunk]
        if table is None:
            lines = io.StringIO(whole.decode(), newline="")
            chunks = _by_rows(read_rows(lines, separator, path, texts.line), names, place)
        else:
            chunks = _slices(table, place)
        texts.line += whole.count(b"\n")
        for chunk in chunks:
            yield chunk
            place += len(chunk.rows) + len(chunk.damaged)


def _slices(table: Any, place: int) -> Iterator[TextChunk]:
    import pandas as pd
    import pyarrow as pa

    text = arrow_text()
    for first in range(0, table.num_rows, CHUNK_ROWS):
        rows = table.slice(first, CHUNK_ROWS).to_pandas(types_mapper={pa.large_string(): text}.get)
        yield TextChunk(rows.set_axis(pd.RangeIndex(place + first, place + first + len(rows))), [])


def _by_rows(rows: Iterator[Row], names: Sequence[str], place: int) -> Iterator[TextChunk]:
    import pandas as pd

    while some := list(islice(rows, CHUNK_ROWS)):
        sound, places, damaged = [], [], []
        for row in some:
            if len(row.cells) == len(names):
                sound.append(row.cells)
                places.append(place)
            else:
                damaged.append(DamagedRow(place, row.line, row.cells, len(names)))
            place += 1
        columns = zip(*sound, strict=True) if sound else [()] * len(names)
        cells = {
            name: pd.Series([cell or None for cell in column], dtype=object)
            for name, column in zip(names, columns, strict=True)
        }
        yield TextChunk(pd.DataFrame(cells).set_axis(pd.Index(places, dtype=int)), damaged)
