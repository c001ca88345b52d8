"""Marks that the processes of a server leave for each other in a file."""

from __future__ import annotations

import os

from morosidad.processes.paths import absolute
from morosidad.processes.private_files import replace_private


class SharedMark:
    """A text in a file, by which one process tells the others what it has put in place.

    Parameters
    ----------
    path : str or None
        The file; None when there is only this process.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else absolute(path)
        self._seen: tuple[int, int] | None = None

    def leave(self, text: str) -> None:
        """Tell the others; nothing happens without others."""
        if self._path is not None:
            replace_private(self._path, text.encode())

    def is_news(self, here: str) -> bool:
        """Tell whether there is a mark that was not looked at yet and says something else than `here`."""
        if self._path is None:
            return False
        try:
            found = os.stat(self._path)
            seen, self._seen = self._seen, (found.st_mtime_ns, found.st_ino)
            return seen != self._seen and self._path.read_text(encoding="utf-8") != here
        except OSError:
            return False
