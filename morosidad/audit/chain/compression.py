"""Full files of a log, compressed: gzip, or Zstandard where its library is installed."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, cast

from morosidad.audit.chain.file_operations import sync_folder
from morosidad.audit.chain.hashing import MAX_LINE
from morosidad.errors import MissingExtra
from morosidad.processes.private_files import open_new

Compression = Literal["gz", "zst"]
SUFFIXES = (".gz", ".zst")
_BLOCK = 2**20


def check_compression(kind: Compression | None) -> None:
    """Raise `MissingExtra` when the library of a kind of compression is not installed."""
    if kind == "zst":
        _zstandard()


def compress_file(path: Path, kind: Compression) -> Path:
    """Put a compressed file in the place of a full one, and keep its time; return its path.

    Raises
    ------
    OSError
        It can't be written; the full file stays.
    """
    done = path.with_name(f"{path.name}.{kind}")
    begun = path.with_name(f"{done.name}.tmp")
    with contextlib.suppress(FileNotFoundError):
        begun.unlink()
    with path.open("rb") as source, open_new(begun) as target:
        with _writer(target, kind) as packed:
            while block := source.read(_BLOCK):
                packed.write(block)
        target.flush()
        os.fsync(target.fileno())
        found = os.fstat(source.fileno())
    os.utime(begun, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.replace(begun, done)
    sync_folder(path.parent)
    path.unlink()
    return done


def read_lines(path: Path) -> Iterator[bytes]:
    """Read lines with their ends; one that is too long comes as its beginning, without an end.

    Where a compressed file is damaged, an empty line stands for the rest of it.
    """
    with _reader(path) as file:
        try:
            while line := file.readline(MAX_LINE):
                whole = line.endswith(b"\n")
                while not whole and (rest := file.readline(MAX_LINE)):
                    whole = rest.endswith(b"\n")
                yield line
        except (EOFError, gzip.BadGzipFile, zlib.error):
            yield b"\n"
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            yield b"\n"


def _reader(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".zst":
        import io

        source = path.open("rb")
        stream: Any = _zstandard().ZstdDecompressor(max_window_size=2**27).stream_reader(source, closefd=True)
        return io.BufferedReader(stream)
    return path.open("rb")


def _writer(target: IO[bytes], kind: Compression) -> Any:
    if kind == "gz":
        return gzip.GzipFile("", "wb", 4, target, mtime=0)
    return _zstandard().ZstdCompressor(write_checksum=True).stream_writer(target, closefd=False)


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra("a log in .zst files", "zstd") from None
    return zstandard
