"""Bytes of files, decompressed as they are read, and what can go wrong with them in one kind of error."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EINVAL
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.frames.files.kinds import kind_of
from morosidad.progress import tqdm_for

_ENCRYPTED = 0x1


@contextmanager
def opened(path: str, progress: bool = False) -> Iterator[IO[bytes]]:
    """Open a file of text; what is compressed is decompressed while it is read.

    Parameters
    ----------
    path : str
        The file.
    progress : bool, default=False
        Show a progress bar.

    Yields
    ------
    file
        With ``read(size)``.

    Raises
    ------
    InvalidFrame
        If it can't be read; also while it is being read inside the context.
    MissingExtra
        If it is a ``.zst`` file, and pyarrow is not installed.
    """
    compression = kind_of(path).compression
    with reported(path), ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        options = {"total": Path(path).stat().st_size, "desc": Path(path).name, "disable": not progress}
        source = stack.enter_context(tqdm_for(progress).wrapattr(file, "read", **options))
        yield stack.enter_context(_OPENERS[compression](source, "rb")) if compression else source


@contextmanager
def reported(path: str) -> Iterator[None]:
    """Turn what can go wrong with a file into one kind of error; nothing of its content goes into it.

    Parameters
    ----------
    path : str
        The file.

    Yields
    ------
    None
    """
    try:
        yield
    except FileNotFoundError:
        raise InvalidFrame(f"{path}: there is no such file") from None
    except (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or (
            "the compressed file is damaged" if kind_of(path).compression else "not of this format"
        )
        raise InvalidFrame(f"{path}: can't be read: {why}") from None


def _zip_member(source: Any, _: str) -> Any:
    """Open the one file of an archive."""
    archive = zipfile.ZipFile(source)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1 or members[0].flag_bits & _ENCRYPTED:
        raise OSError(EINVAL, "an archive of one file, not encrypted, was expected")
    return archive.open(members[0])


def _zstd(source: Any, _: str) -> Any:
    if find_spec("pyarrow") is None:
        raise MissingExtra("reading .zst files", "parquet")
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")


_OPENERS: dict[str, Any] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstd,
    ".zip": _zip_member,
}
