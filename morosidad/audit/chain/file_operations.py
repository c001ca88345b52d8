"""File operations of an append-only file: private open, exclusive lock, read of the tail, sync to disk."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

from morosidad.processes.private_files import open_new

_BLOCK = 2**16


def replace_file(path: Path, data: bytes) -> None:
    """Write a small file as one step, and wait until it is on the disk."""
    begun = path.with_name(f"{path.name}.tmp")
    with contextlib.suppress(FileNotFoundError):
        begun.unlink()
    with open_new(begun) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(begun, path)
    sync_folder(path.parent)


def is_at(file: io.FileIO, path: Path, size: int | None = None) -> bool:
    """Return whether the file still is the one at the path and, where asked, as long as it was."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    same = os.path.samestat(found, os.fstat(file.fileno()))
    return same and size in (None, found.st_size)


def file_size(file: io.FileIO) -> int:
    """Return the size of an open file, in bytes."""
    return os.fstat(file.fileno()).st_size


def read_tail(file: io.FileIO) -> tuple[bytes, list[bytes]]:
    """Read what stands behind the last line's end, and the complete lines not far in front of it."""
    end = file_size(file)
    block = _BLOCK
    while True:
        start = max(0, end - block)
        file.seek(start)
        data = file.read(end - start)
        if start == 0 or b"\n" in data:
            break
        block *= 4
    *lines, torn = data.split(b"\n")
    return torn, [line + b"\n" for line in lines]


def write_all(file: io.FileIO, data: bytes) -> None:
    """Write all of the data, however many writes it takes."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def sync(file: io.FileIO) -> None:
    """Wait until the data of a file is on the disk."""
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the entries of a folder are on the disk."""
    if os.name == "nt":  # pragma: no cover
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


if sys.platform == "win32":  # pragma: no cover

    def lock(file: io.FileIO) -> bool:
        """Lock a file for this process; return whether no other one holds it."""
        import msvcrt

        file.seek(_BLOCK)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def lock(file: io.FileIO) -> bool:
        """Lock a file for this process; return whether no other one holds it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
