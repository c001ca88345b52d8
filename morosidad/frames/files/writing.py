"""Tables written by the ending of their file, beside it first: a file that is there is whole."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames.files.csv_writing import csv_bytes
from morosidad.frames.files.kinds import FileKind, kind_of
from morosidad.processes.paths import is_stream, open_to_write

if TYPE_CHECKING:
    import pandas as pd

LISTS = ("warnings", "reasons", "rules")
"""Columns of lists of texts; in CSV the texts are joined. One of the user's may have such a name too."""


def _holds_lists(name: object, column: pd.Series[Any]) -> bool:
    return name in LISTS and (not len(column) or isinstance(column.iloc[0], list | tuple))


class TableWriter:
    """Writes tables of the same columns, one after another, as one file.

    Parameters
    ----------
    path : str
        The file; what it becomes, its ending says. A pipe or a device is written to as it is.

    Raises
    ------
    InvalidFrame
        If the ending is unknown, or the file can't be written.
    MissingExtra
        If writing it needs pyarrow, which is not installed.
    """

    def __init__(self, path: str) -> None:
        self._path, self._kind = path, kind_of(path)
        check_writable(path)
        self._stack = ExitStack()
        self._special = is_stream(path) or Path(path).is_dir()
        self._target = Path(path if self._special else os.path.realpath(path))
        self._beside = self._target.with_name(f".{self._target.name}.{secrets.token_hex(4)}")
        with self._reported():
            self._file = self._stack.enter_context(_opened(self._place, self._kind, Path(path).stem))
        self._encoder: Any = None

    @property
    def _place(self) -> Path:
        return self._target if self._special else self._beside

    def write(self, frame: pd.DataFrame) -> None:
        """Write some rows.

        Parameters
        ----------
        frame : DataFrame
            With the columns of the first.
        """
        with self._reported():
            if self._encoder is None:
                self._encoder = _ENCODERS[self._kind.format](self._file, frame)
            self._encoder.write(frame)

    def finish(self) -> None:
        """Close the file and put it in its place."""
        with self._reported():
            if self._encoder is not None:
                self._encoder.close()
            self._stack.close()
            if not self._special:
                self._beside.replace(self._target)

    def discard(self) -> None:
        """Leave what was there before; nothing after `finish`."""
        with self._reported():
            self._stack.close()
        if not self._special:
            self._beside.unlink(missing_ok=True)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InvalidFrame(f"{self._path}: can't be written: {error.strerror or error}") from None


def check_writable(path: str) -> None:
    """Make sure that a file of this name could be written here, before anything is done.

    Parameters
    ----------
    path : str
        The file.

    Raises
    ------
    InvalidFrame
        If its ending is unknown.
    MissingExtra
        If writing it needs pyarrow, which is not installed.
    """
    kind = kind_of(path)
    if (kind.format in ("parquet", "arrow") or kind.compression == ".zst") and find_spec("pyarrow") is None:
        raise MissingExtra(f"{path}: a file of this kind", "parquet")


@contextmanager
def _opened(place: Path, kind: FileKind, member: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        file: Any = stack.enter_context(open_to_write(place, 0o600))
        if kind.compression == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED))
            file = stack.enter_context(archive.open(member, "w", force_zip64=True))
        elif kind.compression == ".zst":
            import pyarrow as pa

            file = stack.enter_context(pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd"))
        elif kind.compression:
            file = stack.enter_context(_COMPRESSED[kind.compression](file, "wb"))
        yield file


_COMPRESSED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class _CsvEncoder:
    def __init__(self, file: Any, _: pd.DataFrame) -> None:
        self._file, self._header = file, True

    def write(self, frame: pd.DataFrame) -> None:
        held = [name for name in LISTS if name in frame and _holds_lists(name, frame[name])]
        joined = {name: frame[name].map("; ".join) for name in held}
        self._file.write(csv_bytes(frame.assign(**joined) if joined else frame, self._header))
        self._header = False

    def close(self) -> None:
        pass


class _JsonEncoder:
    def __init__(self, file: Any, _: pd.DataFrame) -> None:
        self._file = file

    def write(self, frame: pd.DataFrame) -> None:
        columns = [column.astype(object).where(column.notna(), None).tolist() for _, column in frame.items()]
        names = list(frame.columns)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        self._file.write(msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode_lines(rows))

    def close(self) -> None:
        pass


class _ArrowEncoder:
    """Writes Arrow or Parquet with the types of the first table; columns of any objects become text."""

    def __init__(self, file: Any, frame: pd.DataFrame) -> None:
        import pyarrow as pa

        self._types = {name: _arrow_type(name, column) for name, column in frame.items()}
        self._writer = self._opened(file, pa.schema(list(self._types.items())))

    def _opened(self, file: Any, schema: Any) -> Any:
        import pyarrow as pa

        return pa.ipc.new_file(file, schema)

    def write(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa

        arrays = {name: _as_arrow(frame[name], of) for name, of in self._types.items()}
        self._writer.write_table(pa.table(arrays))

    def close(self) -> None:
        self._writer.close()


class _ParquetEncoder(_ArrowEncoder):
    def _opened(self, file: Any, schema: Any) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetWriter(file, schema)


def _arrow_type(name: object, column: pd.Series[Any]) -> Any:
    import pandas as pd
    import pyarrow as pa

    if _holds_lists(name, column):
        return pa.list_(pa.string())
    if isinstance(column.dtype, pd.ArrowDtype):
        return column.dtype.pyarrow_dtype
    if getattr(column.dtype, "kind", "O") in "iufb":
        return pa.from_numpy_dtype(getattr(column.dtype, "numpy_dtype", column.dtype))
    return pa.large_string()


def _as_arrow(column: pd.Series[Any], of: Any) -> Any:
    import pyarrow as pa

    cells: Any = column.array
    if column.dtype == object and of == pa.large_string():
        cells = [None if _is_missing(cell) else _as_text(cell) for cell in column]
    elif column.dtype == object:
        cells = column.tolist()
    return pa.array(cells, type=of, from_pandas=True)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)


def _as_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)


_ENCODERS: dict[str, Any] = {
    "csv": _CsvEncoder,
    "json": _JsonEncoder,
    "arrow": _ArrowEncoder,
    "parquet": _ParquetEncoder,
}
