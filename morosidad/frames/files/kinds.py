"""What a file is, by its ending: its format, and how it is compressed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from morosidad.errors import InvalidFrame
from morosidad.processes.paths import is_stream

Format = Literal["csv", "parquet", "arrow", "json"]

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json",
    ".ndjson": "json",
}
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst", ".zip")
_OF_TEXT = ("csv", "json")


class FileKind(NamedTuple):
    """What a file is.

    Attributes
    ----------
    format : {'csv', 'parquet', 'arrow', 'json'}
        How rows are written in it.
    compression : str
        The ending that says so; empty where the file is not compressed.
    separator : str
        Of CSV, unless another is given.
    """

    format: Format
    compression: str = ""
    separator: str = ","


def kind_of(path: str) -> FileKind:
    """Tell what a file is by its name.

    Parameters
    ----------
    path : str
        The file, which need not be there. A name without an ending is that of a CSV file, as is a pipe.

    Returns
    -------
    FileKind

    Raises
    ------
    InvalidFrame
        If the ending is none of those that are known: it lists them.
    """
    name = Path(path.lower())
    compression = name.suffix if name.suffix in _COMPRESSIONS else ""
    ending = Path(name.stem).suffix if compression else name.suffix
    ending = "" if ending == ".bad" else ending  # as `score` calls its file of bad rows
    found: Format | None = _FORMATS.get(ending) if ending else "csv"
    if found is not None and (not compression or found in _OF_TEXT):
        return FileKind(found, compression, "\t" if ending == ".tsv" else ",")
    if not ending or (is_stream(path) and not compression):
        return FileKind("csv", compression)
    raise InvalidFrame(f"{path}: the ending of its name is none of these: {_known()}")


def _known() -> str:
    """List the endings."""
    compressed = " ".join(_COMPRESSIONS)
    return f"{' '.join(_FORMATS)} (.csv, .tsv, .txt, .jsonl, .ndjson + {compressed})"
