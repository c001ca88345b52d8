"""Files of applicants by their ending: CSV, Parquet, Arrow or JSON lines, whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames import csv_files
from morosidad.frames.absent import FROM_FILE
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
JSON_LINES = (".jsonl", ".ndjson")


def read_table(path: str, **options: Any) -> pd.DataFrame:
    """Read a whole file.

    Parameters
    ----------
    path : str
        The file; what it is, its ending says. Any other ending is that of CSV.
    **options
        As in `csv_files.read_csv`.

    Returns
    -------
    DataFrame

    Raises
    ------
    InvalidFrame
        If it can't be read, or holds no rows.
    MissingExtra
        If reading it needs pyarrow, which is not installed.
    """
    import pandas as pd

    if _ending(path) not in (*PARQUET, *ARROW, *JSON_LINES):
        return csv_files.read_csv(path, **options)
    frame = pd.concat(list(_typed_chunks(path)), ignore_index=True)
    return frame.infer_objects() if _ending(path) in JSON_LINES else frame


def read_table_chunks(
    path: str, schema: Schema, *, sep: str = ",", encoding: str = "utf-8", progress: bool = False
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Read a file in chunks.

    Parameters
    ----------
    path : str
        The file, as in `read_table`.
    schema : Schema
        What a record is.
    sep, encoding, progress
        As in `csv_files.read_chunks`.

    Yields
    ------
    own : DataFrame
        The rows as the file holds them, with their places as index.
    fields : DataFrame
        The same rows as the schema reads them.

    Raises
    ------
    InvalidFrame, MissingExtra
        As `read_table`.
    """
    if _ending(path) in (*PARQUET, *ARROW, *JSON_LINES):
        for chunk in _typed_chunks(path):
            chunk.attrs[FROM_FILE] = True
            yield chunk, chunk
        return
    for texts in csv_files.read_chunks(path, sep=sep, encoding=encoding, progress=progress):
        fields = csv_files.as_fields(texts, schema)
        fields.attrs[FROM_FILE] = True
        yield texts, fields


def _ending(path: str) -> str:
    return Path(path).suffix.lower()


def _typed_chunks(path: str) -> Iterator[pd.DataFrame]:
    """Read a file whose values have types; the index is each row's place in the file."""
    import pandas as pd

    first = 0
    try:
        for chunk in _json_lines(path) if _ending(path) in JSON_LINES else _arrow(path):
            if len(chunk):
                yield chunk.set_axis(pd.RangeIndex(first, first + len(chunk)), axis=0)
                first += len(chunk)
    except FileNotFoundError:
        raise InvalidFrame(f"{path}: there is no such file") from None
    except OSError as error:
        raise InvalidFrame(f"{path}: can't be read: {error.strerror or 'not of this format'}") from None
    if not first:
        raise InvalidFrame(f"{path}: the file holds no rows")


def _json_lines(path: str) -> Iterator[pd.DataFrame]:
    """Read records, one a line; every value stays the object that it is.

    A name that earlier records had is a column of each chunk: where a record lacks it, the value is missing.
    """
    import pandas as pd

    place, names = 0, dict[str, None]()
    with open(path, "rb") as file:
        while lines := list(islice(file, csv_files.CHUNK_ROWS)):
            records: list[dict[str, Any]] = []
            for line in lines:
                place += 1
                if line.strip():
                    records.append(_record(path, place, line))
            names |= dict.fromkeys(name for record in records for name in record)
            yield pd.DataFrame(
                {name: pd.Series([r.get(name) for r in records], dtype=object) for name in names},
                index=pd.RangeIndex(len(records)),
            )


def _record(path: str, place: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidFrame(f"{path}: line {place} is no JSON object") from None


def _arrow(path: str) -> Iterator[pd.DataFrame]:
    if find_spec("pyarrow") is None:
        raise MissingExtra(f"{path}: a file of this kind", "parquet")
    import pyarrow as pa

    try:
        for batch in _batches(path):
            yield batch.to_pandas(integer_object_nulls=True)
    except pa.ArrowInvalid:
        raise InvalidFrame(f"{path}: not a file of the kind that its ending says") from None


def _batches(path: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if _ending(path) in PARQUET:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(csv_files.CHUNK_ROWS)
        return
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        for place in range(reader.num_record_batches):
            batch = reader.get_batch(place)
            for first in range(0, batch.num_rows, csv_files.CHUNK_ROWS):
                yield batch.slice(first, csv_files.CHUNK_ROWS)
