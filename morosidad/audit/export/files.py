"""The decisions of logs written to a file of another kind: Parquet, CSV or JSON lines."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from morosidad.audit.chain.paths import log_files
from morosidad.audit.export.frames import Keys, LogTable
from morosidad.audit.reading import Paths, absolute_paths, read
from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.processes.paths import open_to_write

_LISTS = ("warnings", "reasons", "reason_codes")


def export(paths: Paths, output: str | os.PathLike[str], *, keys: Keys = None) -> int:
    """Write the decisions of logs to a file, some at a time.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.
    output : path
        Where to; its ending says how: ``.parquet``, ``.csv`` (UTF-8; lists joined with ``; ``), or
        ``.jsonl``, with a decision a line as the log holds it, but for its chain. Only its owner can
        read it.
    keys : path, optional
        The file with the keys of values that may be erased; by default the one beside each log.

    Returns
    -------
    int
        How many decisions.

    Raises
    ------
    InvalidFrame
        If the ending is another one, or the file is one that is read.
    MissingExtra
        If pyarrow is not installed, for Parquet.
    OSError
        There is no such log, or one of the files can't be opened.
    """
    path = Path(output)
    write = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines}.get(path.suffix.lower())
    if write is None:
        raise InvalidFrame(f"{path.name}: .parquet, .csv or .jsonl was expected")
    logs = absolute_paths(paths)
    for file in [*(file for log in logs for file in log_files(log)), *([] if keys is None else [keys])]:
        if os.path.realpath(file) == os.path.realpath(path):
            raise InvalidFrame(f"{path.name}: this file is read, and can't be written")
    return write(logs, keys, lambda: _open(path))


def _open(path: Path) -> Any:
    return open_to_write(path, 0o600)


def _json_lines(paths: list[Path], keys: Keys, opened: Callable[[], Any]) -> int:
    number = 0
    encode = msgspec.json.Encoder().encode
    lines = read(paths, keys=keys)
    first = next(lines, None)  # a log that can't be read leaves the file as it is
    with opened() as file:
        while first is not None:
            file.write(encode(first) + b"\n")
            number, first = number + 1, next(lines, None)
    return number


def _csv(paths: list[Path], keys: Keys, opened: Callable[[], Any]) -> int:
    number, table = 0, LogTable(paths, keys=keys)
    with opened() as file:
        for chunk in table.chunks():
            for name in _LISTS:
                chunk[name] = chunk[name].map("; ".join)
            chunk.to_csv(file, index=False, header=not number, encoding="utf-8")
            number += len(chunk)
    return number


def _parquet(paths: list[Path], keys: Keys, opened: Callable[[], Any]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("a Parquet file", "parquet") from None
    number, table = 0, LogTable(paths, keys=keys)
    kinds = {
        "float64": pa.float64(),
        "int8": pa.int8(),
        "bool": pa.bool_(),
        "object": pa.string(),
        "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    }
    schema = pa.schema(
        [(name, pa.list_(pa.string()) if name in _LISTS else kinds[t]) for name, t in table.types.items()]
    )
    with ExitStack() as stack:
        writer = stack.enter_context(pq.ParquetWriter(stack.enter_context(opened()), schema))
        for chunk in table.chunks():
            texts = [n for n, t in table.types.items() if t == "object" and n not in _LISTS]
            chunk[texts] = chunk[texts].map(_text)
            writer.write_table(pa.Table.from_pandas(chunk, schema, preserve_index=False))
            number += len(chunk)
    return number


def _text(value: Any) -> str | None:
    """Give a value of a column that holds several types as text: JSON, but for texts themselves."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
