"""Files that a process writes for itself: only their owner may read them, and no link leads elsewhere."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from pathlib import Path
from typing import IO


def open_private(path: Path, flags: int = 0) -> io.FileIO:
    """Open a file of this user's for reading and writing that only its owner may read; no symbolic link.

    Raises
    ------
    OSError
        It can't be opened, is a link or no plain file, or belongs to another user.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        if hasattr(os, "fchmod") and os.fstat(descriptor).st_mode & 0o177:
            os.fchmod(descriptor, 0o600)
        return io.FileIO(descriptor, "r+")
    except BaseException:
        os.close(descriptor)
        raise


def open_new(path: Path) -> IO[bytes]:
    """Make a file that only its owner may read, and that was not there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def replace_private(path: Path, data: bytes) -> None:
    """Write a small file as one step, through a name of this process's own beside it.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        All that it is to hold.

    Raises
    ------
    OSError
        It can't be written.
    """
    begun = path.with_name(f"{path.name}.{os.getpid()}.nuevo")
    with contextlib.suppress(FileNotFoundError):
        begun.unlink()
    with open_new(begun) as file:
        file.write(data)
    os.replace(begun, path)
