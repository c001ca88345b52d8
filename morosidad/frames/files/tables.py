"""Files of applicants by their ending: CSV, Parquet, Arrow or JSON lines, whole or in chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from morosidad._dataframes import as_pandas
from morosidad.errors import InvalidFrame
from morosidad.frames.absent import FROM_FILE
from morosidad.frames.files.cells import as_fields, as_typed
from morosidad.frames.files.csv_files import DamagedRow, TextChunk, read_texts
from morosidad.frames.files.kinds import kind_of
from morosidad.frames.files.sources import opened
from morosidad.frames.files.typed_files import as_frame, read_batches, read_records
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd


class Chunk(NamedTuple):
    """Some rows of a file.

    Attributes
    ----------
    own : DataFrame
        The rows as the file holds them, with their places in it as index.
    fields : DataFrame
        The same rows as the schema reads them.
    damaged : sequence of DamagedRow
        The rows between them that can't be read: CSV's with fewer or more cells than the header.
    names : collection of str
        The columns that the file has; those seen so far, in a file of records.
    """

    own: pd.DataFrame
    fields: pd.DataFrame
    damaged: Sequence[DamagedRow]
    names: Collection[str]


def read_table(
    path: str,
    *,
    sep: str | None = None,
    encoding: str = "utf-8",
    missing: Sequence[str] = (),
    progress: bool = False,
) -> pd.DataFrame:
    """Read a whole file.

    Parameters
    ----------
    path : str
        The file; what it is, its ending says.
    sep : str, optional
        Of a CSV file; by default a comma, or a tab for ``.tsv``.
    encoding : str
        Of a CSV file.
    missing : sequence of str
        Texts of a CSV file that mean missing; without them, only an empty cell does.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    DataFrame
        With the data types of the file as a whole.

    Raises
    ------
    InvalidFrame
        If there is no such file, its ending is unknown, it can't be read as its ending says, it holds no
        rows, or a row of a CSV file has fewer or more cells than the header.
    MissingExtra
        If reading it needs pyarrow, which is not installed.
    """
    import pandas as pd

    file_format = kind_of(path).format
    if file_format == "json":
        frames = [chunk.own for chunk in _json_chunks(path, progress)]
        found: pd.DataFrame = pd.concat(_some(frames, path), ignore_index=True).infer_objects()
        return found
    if file_format == "csv":
        texts = [chunk.rows for chunk in _sound(_text_chunks(path, sep, encoding, progress), path)]
        return as_typed(pd.concat(_some(texts, path), ignore_index=True), missing)
    import pyarrow as pa

    return as_pandas(pa.Table.from_batches(_some(list(read_batches(path, progress)), path)))


def read_table_chunks(
    path: str, schema: Schema, *, sep: str | None = None, encoding: str = "utf-8", progress: bool = False
) -> Iterator[Chunk]:
    """Read a file in chunks, so that memory does not grow with it.

    Parameters
    ----------
    path : str
        The file, as in `read_table`.
    schema : Schema
        What a record is.
    sep, encoding, progress
        As in `read_table`.

    Yields
    ------
    Chunk

    Raises
    ------
    InvalidFrame, MissingExtra
        As `read_table`; but damaged rows of CSV are given as such.
    """
    file_format, any_rows = kind_of(path).format, False
    if file_format == "csv":
        chunks = _csv_chunks(path, schema, sep, encoding, progress)
    elif file_format == "json":
        chunks = _json_chunks(path, progress, schema)
    else:
        chunks = _arrow_chunks(path, schema, progress)
    for chunk in chunks:
        any_rows = True
        chunk.fields.attrs[FROM_FILE] = True
        yield chunk
        del chunk  # the next one takes its place, and does not stand beside it
    if not any_rows:
        raise InvalidFrame(f"{path}: the file holds no rows")


def _some(found: list[Any], path: str) -> list[Any]:
    if not any(map(len, found)):
        raise InvalidFrame(f"{path}: the file holds no rows")
    return found


def _sound(chunks: Iterator[TextChunk], path: str) -> Iterator[TextChunk]:
    for chunk in chunks:
        if chunk.damaged:
            row = chunk.damaged[0]
            raise InvalidFrame(
                f"{path}: line {row.line}: {len(row.cells)} cells, where the header has {row.columns}"
            )
        yield chunk


def _text_chunks(path: str, sep: str | None, encoding: str, progress: bool) -> Iterator[TextChunk]:
    with opened(path, progress) as file:
        yield from read_texts(file, path, kind_of(path).separator if sep is None else sep, encoding)


def _csv_chunks(path: str, schema: Schema, sep: str | None, encoding: str, progress: bool) -> Iterator[Chunk]:
    for texts in _text_chunks(path, sep, encoding, progress):
        yield Chunk(texts.rows, as_fields(texts.rows, schema), texts.damaged, list(texts.rows.columns))


def _json_chunks(path: str, progress: bool, schema: Schema | None = None) -> Iterator[Chunk]:
    """Read records; where none so far has a name that the schema knows, its value is missing."""
    import pandas as pd

    first, names = 0, dict[str, None]()
    with opened(path, progress) as file:
        for records in read_records(file, path):
            names |= dict.fromkeys(name for record in records for name in record)
            index = pd.RangeIndex(first, first + len(records))
            own = as_frame(records, names).set_axis(index)
            absent = (
                [f.name for f in schema.fields if not names.keys() & {f.name, *f.aliases}] if schema else []
            )
            fields = own.assign(**dict.fromkeys(absent)) if absent else own
            first += len(records)
            yield Chunk(own, fields, (), dict(names))


def _arrow_chunks(path: str, schema: Schema, progress: bool) -> Iterator[Chunk]:
    import pandas as pd

    first, known = 0, {name for field in schema.fields for name in (field.name, *field.aliases)}
    for batch in read_batches(path, progress):
        if batch.num_rows:
            index = pd.RangeIndex(first, first + batch.num_rows)
            own = batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True).set_axis(index)
            names = batch.schema.names
            fields = _of_plain_types(batch.select([name for name in names if name in known])).to_pandas(
                types_mapper=_nullable().get, ignore_metadata=True
            )
            first += batch.num_rows
            yield Chunk(own, fields.set_axis(index), (), names)


def _of_plain_types(batch: Any) -> Any:
    """Give booleans of eight bits as booleans, and dictionaries that hold null as what they mean."""
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        if isinstance(column.type, pa.BaseExtensionType):
            whole = getattr(column.type, "extension_name", "") == "arrow.bool8"
            column = column.storage.cast(pa.bool_()) if whole else column.storage
        if isinstance(column, pa.DictionaryArray) and column.dictionary.null_count:
            column = column.dictionary_decode()
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, batch.schema.names) if columns else batch


def _nullable() -> dict[Any, Any]:
    """Give the data types that hold integers and booleans beside missing values exactly."""
    import pandas as pd
    import pyarrow as pa

    return {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
