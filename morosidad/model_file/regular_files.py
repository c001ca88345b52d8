"""What is checked before a file is read, and the names in it before they are shown."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from morosidad.errors import ArtifactCorrupted, ArtifactError

LONGEST_NAME = 200


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read it; never a pipe, a device or a socket, which may have no end.

    Raises
    ------
    ArtifactError
        If it is no regular file.
    OSError
        If it can't be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not stat.S_ISREG(os.stat(path).st_mode):  # opening a device may do something already
        raise ArtifactError(f"{path}: can't be read: this is no regular file", path)
    handle = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ArtifactError(f"{path}: can't be read: this is no regular file", path)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_name(path: object, what: str, name: object) -> None:
    """Refuse a name that is too long, or would not stay on its line in a log.

    Raises
    ------
    ArtifactCorrupted
        Without the name.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        message = f"{path}: its {what} is no text of at most {LONGEST_NAME} characters that can be printed"
        raise ArtifactCorrupted(message, path)
