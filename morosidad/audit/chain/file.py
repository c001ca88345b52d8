"""The chained file: append-only, with one writing process; a crash leaves at most a torn last line."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from morosidad.audit.chain.chained_lines import ChainedLines
from morosidad.audit.chain.compression import SUFFIXES, read_lines
from morosidad.audit.chain.file_operations import (
    file_size,
    is_at,
    lock,
    read_tail,
    sync,
    sync_folder,
    write_all,
)
from morosidad.audit.chain.hashing import ChainPosition, append_to_chain, new_chain, parse_line
from morosidad.audit.chain.paths import (
    head_path,
    next_number,
    numbered_files,
    numbered_path,
    pack_head,
    read_head,
    slot_path,
)
from morosidad.audit.chain.stubs import read_stub
from morosidad.processes.private_files import open_private

_LINES_AT_A_TIME = 256  # what waited for a slow disk is not held twice


class Finding(NamedTuple):
    """A fault of the file that a writer found when it opened it."""

    event: str  # "reparacion": it cut off a torn line; "faltan": lines are gone; "sin_cabeza": no sound head
    amount: int  # bytes cut off, lines gone, or heads


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
    tidy : callable, optional
        Is called with the path after a full file was put aside; whatever it raises is left in `tidy_error`.
    """

    def __init__(
        self,
        path: Path,
        *,
        rotation_size: int | None,
        key: bytes | None,
        durable: bool,
        tidy: Callable[[Path], object] | None = None,
    ) -> None:
        self._tidy = tidy
        self.path: Path = path
        self.last: ChainPosition | None = None
        self.rotation_error: OSError | None = None
        self.tidy_error: Exception | None = None
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
        if self._head is None or not is_at(self._head, head_path(self.path)):
            self._lock_head()
        if self._file is not None and is_at(self._file, self.path, self._size):
            return []
        return self._open_file()

    def write(self, bodies: Sequence[bytes]) -> int:
        """Append as many of the objects as the present file takes, at least one; return how many.

        Raises
        ------
        OSError
            None was written, and nothing of them is left in the file.
        """
        lines, last = self._chain_lines(bodies, self._rotation_size)
        if not lines:
            rotated = self._rotate()
            lines, last = self._chain_lines(bodies, self._rotation_size if rotated else None)
        self._append(lines, last)
        return len(lines)

    def write_chained(self, chained: ChainedLines) -> None:
        """Append lines that the file takes as they are.

        Raises
        ------
        OSError
            None was written, and nothing of them is left in the file.
        """
        self._append(chained.lines, chained.last)

    def _append(self, lines: Sequence[bytes], last: ChainPosition) -> None:
        file = _opened(self._file)
        size = self._size
        try:
            for first in range(0, len(lines), _LINES_AT_A_TIME):
                data = b"".join(lines[first : first + _LINES_AT_A_TIME])
                write_all(file, data)
                size += len(data)
            if self._durable:
                sync(file)
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(self._size)
            self._close_file()
            raise
        self._size = size
        self.last = last
        self._write_head(last)

    def begin(self, before: ChainedLines | None = None) -> ChainedLines | None:
        """Return lines to be chained behind others, or behind the last one written; None without a chain."""
        behind = self.last if before is None else before.last
        return None if behind is None else ChainedLines(behind, self._key)

    def takes(self, chained: ChainedLines) -> bool:
        """Return whether lines are chained to the last one, and the present file has room for them all."""
        limit = self._rotation_size
        return chained.behind == self.last and (limit is None or self._size + chained.size <= limit)

    def close(self) -> None:
        """Close the file and let another process have it. Idempotent."""
        self._close_file()
        if self._head is not None:
            self._head.close()
            self._head = None

    def _lock_head(self) -> None:
        """Lock the first log of this name that no other process writes, the present one if possible."""
        self.close()
        paths = itertools.chain([self.path], (slot_path(self._base, n) for n in itertools.count(1)))
        path = next(paths)
        head = open_private(head_path(path))
        while not lock(head):
            head.close()
            path = next(paths)
            head = open_private(head_path(path))
        if path != self.path:
            self.path, self.last = path, None
        self._head = head

    def _open_file(self) -> list[Finding]:
        self._close_file()
        file = self._file = open_private(self.path, os.O_APPEND)
        try:
            torn, lines = read_tail(file)
            findings = _repair_end(file, torn)
            if self._durable:
                sync_folder(self.path.parent)
            findings += self._continue_from(self._last_link(lines) or self._last_numbered_link())
            self._size = file_size(file)
        except OSError:
            self._close_file()
            raise
        return findings

    def _continue_from(self, found: ChainPosition | None) -> list[Finding]:
        """Continue behind the last line known to have been written, even if it is gone."""
        head = read_head(self.path)
        sound = head is not None and head.fits(self._key)
        unsound = found is not None and not sound and self.last is None
        known = self.last or (head.position if head is not None and sound else None) or found or new_chain()
        present = found.number if found is not None and found.chain == known.chain else 0
        self.last = found if found is not None and present > known.number else known
        if not sound:  # before the first line: from then on, a log without a head was cut
            self._write_head(self.last)
        findings = [Finding("sin_cabeza", 1)] if unsound else []
        return findings + ([Finding("faltan", known.number - present)] if known.number > present else [])

    def _last_link(self, lines: Sequence[bytes]) -> ChainPosition | None:
        for line in reversed(lines):
            if chained := parse_line(line, self._key):
                return chained.position
        return None

    def _last_numbered_link(self) -> ChainPosition | None:
        for full in reversed(numbered_files(self.path).values()):
            if full.suffix in SUFFIXES:
                return self._last_link(list(deque(read_lines(full), 1)))
            with io.FileIO(full) as file:
                return self._last_link(read_tail(file)[1])
        stub = read_stub(self.path)
        sound = stub is not None and stub.fits(self._key)
        return ChainPosition(stub.chain, stub.lines, stub.digest) if stub is not None and sound else None

    def _chain_lines(self, bodies: Sequence[bytes], limit: int | None) -> tuple[list[bytes], ChainPosition]:
        last = self.last or new_chain()
        lines: list[bytes] = []
        size = self._size
        for body in bodies:
            line, place = append_to_chain(last, body, self._key)
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
            os.rename(self.path, numbered_path(self.path, next_number(self.path)))
            self.rotation_error = None
        except OSError as error:
            self.rotation_error = error
        self._open_file()
        if self._tidy is not None and self.rotation_error is None:
            try:
                self._tidy(self.path)
                self.tidy_error = None
            except Exception as error:  # full files stay as they are; the log goes on
                self.tidy_error = error
        return self.rotation_error is None

    def _write_head(self, last: ChainPosition) -> None:
        """Write down the last line; a failure only leaves an older one standing."""
        head = _opened(self._head)
        with contextlib.suppress(OSError):
            head.seek(0)
            head.write(pack_head(last, self._key))

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _opened(file: io.FileIO | None) -> io.FileIO:
    if file is None:
        raise ValueError("open() comes before write()")
    return file


def _repair_end(file: io.FileIO, torn: bytes) -> list[Finding]:
    """Cut off the line that a crash left torn; a text that isn't ours is only ended."""
    ours = torn.startswith(b'{"id":"'[: len(torn)]) or not torn.strip(b"\0")
    if not torn:
        return []
    if not ours:
        write_all(file, b"\n")
        return []
    file.truncate(file_size(file) - len(torn))
    return [Finding("reparacion", len(torn))]
