"""Paths that parts keep: absolute from the start, and of files that can be read again and renamed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")  # also where they lead to a regular file


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
