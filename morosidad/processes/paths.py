"""Paths: absolute from the start; those of regular files, and those of pipes, devices and open streams."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")  # also where they lead to a regular file
_OPEN = re.compile(r"/dev/(?:(stdin)|(stdout)|(stderr)|fd/([0-9]{1,6}))|/proc/self/fd/([0-9]{1,6})")


def absolute(path: str | os.PathLike[str]) -> Path:
    """Give a path that a later change of the working directory leaves as it is; links are not followed.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Path
    """
    return Path(os.path.abspath(path))


def no_regular_file(path: Path) -> str:
    """Say why a path can't be that of a regular file; empty where it is one, or where there is nothing yet.

    Parameters
    ----------
    path : Path
        Absolute.

    Returns
    -------
    str
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # what is wrong beside shows when the file is opened
    if stat.S_ISDIR(mode):
        return "this is a folder"
    if not stat.S_ISREG(mode) or str(path).startswith(_STREAMS):
        return "this is a pipe, a device or a socket"
    return ""


def check_regular(path: Path) -> None:
    """Refuse a path that can't be that of a regular file.

    Parameters
    ----------
    path : Path
        Absolute.

    Raises
    ------
    OSError
        It is a folder, a pipe, a device or a socket.
    """
    if why := no_regular_file(path):
        raise OSError(errno.EINVAL, f"{why}, not a file", str(path))


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Tell whether there is a pipe, a device or an open stream, which is used as it is and never replaced.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    bool
        False for a folder, and where there is nothing.
    """
    return bool(no_regular_file(absolute(path))) and not os.path.isdir(path)


def open_to_write(path: str | os.PathLike[str], permissions: int = 0o666) -> BinaryIO:
    """Open a file to be written anew; an open stream goes on behind what was written to it.

    Parameters
    ----------
    path : path-like
    permissions : int
        Of a file that is not there yet.

    Returns
    -------
    file

    Raises
    ------
    OSError
        It can't be opened.
    """
    stream = _OPEN.fullmatch(os.path.abspath(path))
    if stream:
        number = next(i for i, found in enumerate(stream.groups()) if found)
        return os.fdopen(os.dup(number if number < 3 else int(stream[number + 1])), "wb")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, permissions), "wb")
