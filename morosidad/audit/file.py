"""The chained file: it only grows, one process writes it, and a crash leaves at most a torn line."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from morosidad.audit.chain import (
    Link,
    head_path,
    make_line,
    new_chain,
    numbered_files,
    numbered_path,
    pack_head,
    read_head,
    seal,
    slot_path,
    unseal,
)

_BLOCK = 2**16
_LINES_AT_A_TIME = 256  # what waited for a slow disk is not held twice


class Finding(NamedTuple):
    """What a writer found when it opened its file."""

    event: str  # "reparacion": it cut off a torn line; "faltan": lines are gone
    amount: int  # bytes cut off, or lines gone


class Sealed:
    """Lines that hang on a place and on each other, made before it is their turn to be written.

    Parameters
    ----------
    behind : Link
        The place that the first of them hangs on.
    key : bytes or None
        Keys the digests.
    """

    __slots__ = ("_digest", "_key", "behind", "lines", "size")

    def __init__(self, behind: Link, key: bytes | None) -> None:
        self.behind: Link = behind
        self.lines: list[bytes] = []
        self.size: int = 0
        self._key = key
        self._digest = behind.digest

    def add(self, body: bytes) -> None:
        """Hang an object behind the others."""
        chain, number, _ = self.behind
        lines = self.lines
        line, self._digest = make_line(chain, number + len(lines) + 1, self._digest, body, self._key)
        lines.append(line)
        self.size += len(line)

    @property
    def last(self) -> Link:
        """The place of the last of them."""
        chain, number, _ = self.behind
        return Link(chain, number + len(self.lines), self._digest)


class ChainedFile:
    """Appends JSON objects to a file as chained lines.

    Each process gets a file of its own: the first one the path itself, others that path with
    ``-2``, ``-3`` and so on. A full file is kept under a number (``log.1.jsonl`` is the oldest)
    and the chain goes on in the next. Not safe for threads.

    Parameters
    ----------
    path : Path
        The log.
    rotation_size : int or None
        Bytes after which a file is full; None for never.
    key : bytes or None
        Keys the digests.
    durable : bool
        Whether `write` waits until the lines are on the disk.
    """

    def __init__(self, path: Path, *, rotation_size: int | None, key: bytes | None, durable: bool) -> None:
        self.path: Path = path
        self.last: Link | None = None
        self.rotation_error: OSError | None = None
        self._base = path
        self._rotation_size = rotation_size
        self._key = key
        self._durable = durable
        self._file: io.FileIO | None = None
        self._head: io.FileIO | None = None
        self._size = 0

    def open(self) -> list[Finding]:
        """Make sure that the file is open, whole, and the one at its path; return what was found.

        Raises
        ------
        OSError
            It can't be opened; the next call tries again.
        """
        if self._head is None or not _is_at(self._head, head_path(self.path)):
            self._claim()
        if self._file is not None and _is_at(self._file, self.path, self._size):
            return []
        return self._open_file()

    def write(self, bodies: Sequence[bytes]) -> int:
        """Append as many of the objects as the present file takes, at least one; return how many.

        Raises
        ------
        OSError
            None was written, and nothing of them is left in the file.
        """
        lines, last = self._seal(bodies, self._rotation_size)
        if not lines:
            rotated = self._rotate()
            lines, last = self._seal(bodies, self._rotation_size if rotated else None)
        self._append(lines, last)
        return len(lines)

    def write_sealed(self, sealed: Sealed) -> None:
        """Append lines that the file takes as they are.

        Raises
        ------
        OSError
            None was written, and nothing of them is left in the file.
        """
        self._append(sealed.lines, sealed.last)

    def _append(self, lines: Sequence[bytes], last: Link) -> None:
        file = _opened(self._file)
        size = self._size
        try:
            for first in range(0, len(lines), _LINES_AT_A_TIME):
                data = b"".join(lines[first : first + _LINES_AT_A_TIME])
                _write_all(file, data)
                size += len(data)
            if self._durable:
                _sync(file)
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(self._size)
            self._close_file()
            raise
        self._size = size
        self.last = last
        self._remember(last)

    def begin(self, before: Sealed | None = None) -> Sealed | None:
        """Begin to seal behind other lines, or behind the last one written; None while no chain is known."""
        behind = self.last if before is None else before.last
        return None if behind is None else Sealed(behind, self._key)

    def takes(self, sealed: Sealed) -> bool:
        """Tell whether lines hang on the last one, and the present file takes them all."""
        limit = self._rotation_size
        return sealed.behind == self.last and (limit is None or self._size + sealed.size <= limit)

    def close(self) -> None:
        """Close the file and let another process have it. Idempotent."""
        self._close_file()
        if self._head is not None:
            self._head.close()
            self._head = None

    def _claim(self) -> None:
        """Take the first log of this name that no other process writes, one's own if it can be."""
        self.close()
        paths = itertools.chain([self.path], (slot_path(self._base, n) for n in itertools.count(1)))
        path = next(paths)
        head = _open_private(head_path(path))
        while not _lock(head):
            head.close()
            path = next(paths)
            head = _open_private(head_path(path))
        if path != self.path:
            self.path, self.last = path, None
        self._head = head

    def _open_file(self) -> list[Finding]:
        self._close_file()
        file = self._file = _open_private(self.path, os.O_APPEND)
        try:
            torn, lines = _tail(file)
            findings = _mend(file, torn)
            if self._durable:
                _sync_folder(self.path.parent)
            findings += self._continue_from(self._last_link(lines) or self._last_numbered_link())
            self._size = _size(file)
        except OSError:
            self._close_file()
            raise
        return findings

    def _continue_from(self, found: Link | None) -> list[Finding]:
        """Continue behind the last line known to have been written, even if it is gone."""
        known = self.last or read_head(self.path) or found or new_chain()
        present = found.number if found is not None and found.chain == known.chain else 0
        self.last = found if found is not None and present > known.number else known
        return [Finding("faltan", known.number - present)] if known.number > present else []

    def _last_link(self, lines: Sequence[bytes]) -> Link | None:
        for line in reversed(lines):
            if sealed := unseal(line, self._key):
                return sealed.link
        return None

    def _last_numbered_link(self) -> Link | None:
        full = list(numbered_files(self.path).values())
        if not full:
            return None
        with io.FileIO(full[-1]) as file:
            return self._last_link(_tail(file)[1])

    def _seal(self, bodies: Sequence[bytes], limit: int | None) -> tuple[list[bytes], Link]:
        last = self.last or new_chain()
        lines: list[bytes] = []
        size = self._size
        for body in bodies:
            line, place = seal(last, body, self._key)
            if limit is not None and size and size + len(line) > limit:
                break
            lines.append(line)
            size += len(line)
            last = place
        return lines, last

    def _rotate(self) -> bool:
        """Keep the full file under the next number; False when that fails, and it goes on growing."""
        self._close_file()
        try:
            os.rename(self.path, numbered_path(self.path, max(numbered_files(self.path), default=0) + 1))
            self.rotation_error = None
        except OSError as error:
            self.rotation_error = error
        self._open_file()
        return self.rotation_error is None

    def _remember(self, last: Link) -> None:
        """Write down the last line; a failure only leaves an older one standing."""
        head = _opened(self._head)
        with contextlib.suppress(OSError):
            head.seek(0)
            head.write(pack_head(last))

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _opened(file: io.FileIO | None) -> io.FileIO:
    if file is None:
        raise ValueError("open() comes before write()")
    return file


def _open_private(path: Path, flags: int = 0) -> io.FileIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
    try:
        if hasattr(os, "fchmod") and os.fstat(descriptor).st_mode & 0o177:
            os.fchmod(descriptor, 0o600)
        return io.FileIO(descriptor, "r+")
    except BaseException:
        os.close(descriptor)
        raise


def _is_at(file: io.FileIO, path: Path, size: int | None = None) -> bool:
    """Tell whether the file still is the one at the path and, where asked, as long as it was."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    same = os.path.samestat(found, os.fstat(file.fileno()))
    return same and size in (None, found.st_size)


def _size(file: io.FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def _tail(file: io.FileIO) -> tuple[bytes, list[bytes]]:
    """Read what stands behind the last line's end, and the complete lines not far in front of it."""
    end = _size(file)
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


def _mend(file: io.FileIO, torn: bytes) -> list[Finding]:
    """Cut off the line that a crash left torn; a text that isn't ours is only ended."""
    ours = torn.startswith(b'{"id":"'[: len(torn)]) or not torn.strip(b"\0")
    if not torn:
        return []
    if not ours:
        _write_all(file, b"\n")
        return []
    file.truncate(_size(file) - len(torn))
    return [Finding("reparacion", len(torn))]


def _write_all(file: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _sync(file: io.FileIO) -> None:
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # pragma: no cover
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


if sys.platform == "win32":  # pragma: no cover

    def _lock(file: io.FileIO) -> bool:
        import msvcrt

        file.seek(_BLOCK)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _lock(file: io.FileIO) -> bool:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
