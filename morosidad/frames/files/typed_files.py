"""Files whose values have types: Parquet, Arrow and JSON lines, in chunks of bounded size."""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any

import msgspec

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames.files import csv_files
from morosidad.frames.files.kinds import kind_of
from morosidad.frames.files.sources import reported
from morosidad.frames.files.texts import LONGEST_LINE
from morosidad.progress import tqdm_for

if TYPE_CHECKING:
    import pandas as pd

_BUFFER = 1 << 20


def read_batches(path: str, progress: bool = False) -> Iterator[Any]:
    """Read a Parquet or Arrow file in batches.

    Parameters
    ----------
    path : str
        The file.
    progress : bool, default=False
        Show a progress bar.

    Yields
    ------
    pyarrow.RecordBatch

    Raises
    ------
    InvalidFrame
        If it is no such file, or two columns bear the same name.
    MissingExtra
        If pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtra(f"{path}: a file of this kind", "parquet")
    import pyarrow as pa

    batches = _parquet_batches if kind_of(path).format == "parquet" else _arrow_batches
    try:
        with reported(path), tqdm_for(progress)(desc=path, unit_scale=True, disable=not progress) as bar:
            for batch in batches(path, bar):
                doubles = [name for name, times in Counter(batch.schema.names).items() if times > 1]
                if doubles:
                    raise InvalidFrame(f"columns bear the same name: {', '.join(doubles)}", doubles)
                yield batch
                bar.update(batch.num_rows)
    except pa.ArrowException:
        raise InvalidFrame(f"{path}: not a file of the kind that its ending says") from None


def _parquet_batches(path: str, bar: Any) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with open(path, "rb") as file, pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False) as table:
        bar.total = table.metadata.num_rows
        yield from table.iter_batches(csv_files.CHUNK_ROWS, use_threads=False)


def _arrow_batches(path: str, bar: Any) -> Iterator[Any]:
    import pyarrow as pa

    bar.unit = "rows"
    with pa.memory_map(path) as source:
        try:
            whole = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            whole = pa.ipc.open_stream(source)
        for batch in _each(whole):
            for first in range(0, batch.num_rows, csv_files.CHUNK_ROWS):
                yield batch.slice(first, csv_files.CHUNK_ROWS)


def _each(whole: Any) -> Iterator[Any]:
    """Give the batches of an Arrow file, or of a stream."""
    if hasattr(whole, "num_record_batches"):
        for place in range(whole.num_record_batches):
            yield whole.get_batch(place)
        return
    yield from whole


def read_records(file: IO[bytes], path: str) -> Iterator[list[dict[str, Any]]]:
    """Read records of JSON, one a line; every value stays the object that it is.

    Parameters
    ----------
    file : file
        With ``read(size)``.
    path : str
        Its name, for errors.

    Yields
    ------
    list of dict
        Some records.

    Raises
    ------
    InvalidFrame
        If a line is no JSON object, or longer than any record is.
    """
    records: list[dict[str, Any]] = []
    for place, line in enumerate(_lines(file, path), 1):
        if line.strip():
            records.append(_record(path, place, line))
        if len(records) == csv_files.CHUNK_ROWS:
            yield records
            records = []
    if records:
        yield records


def _lines(file: IO[bytes], path: str) -> Iterator[bytes]:
    rest, place = b"", 0
    while True:
        piece = file.read(_BUFFER)
        rest = rest + piece if place else (rest + piece).removeprefix(codecs.BOM_UTF8)
        lines = io.BytesIO(rest).readlines()
        rest = lines.pop() if piece and lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            place += 1
            yield line
        if len(rest) > LONGEST_LINE:
            raise InvalidFrame(f"{path}: line {place + 1}: longer than {LONGEST_LINE} characters")
        if not piece:
            return


def _record(path: str, place: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidFrame(f"{path}: line {place} is no JSON object") from None


def as_frame(records: list[dict[str, Any]], names: dict[str, None]) -> pd.DataFrame:
    """Make a frame of records; where a record lacks a name, the value is missing.

    Parameters
    ----------
    records : list of dict
        Some records.
    names : dict of str to None
        The columns.

    Returns
    -------
    DataFrame of shape (n_records, n_names)
        Of objects.
    """
    import pandas as pd

    columns = {name: pd.Series([r.get(name) for r in records], dtype=object) for name in names}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(records)))
