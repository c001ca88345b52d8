"""Counts of several processes in one memory-mapped file.

Every process writes to a segment of its own, without locks, and reads all segments. A segment belongs to a
process id; the segment of a process that died goes to the next one that asks, and what the dead one counted
stays until it leaves the window.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path

import numpy as np

from morosidad.errors import ConfigurationError
from morosidad.kpis.counting.columns import COLUMNS
from morosidad.kpis.counting.process_counts import WindowShape
from morosidad.processes.paths import absolute, no_regular_file
from morosidad.processes.private_files import open_private
from morosidad.sketch import CountArray

_MAGIC = float.fromhex("0x1.6d6f726f7369p+2")  # "morosi", and a version in the exponent
_HEADER = 6  # magic, columns, window, sub-windows, sub-windows of the stages, segments
_SEGMENTS = 5
_CELL = 8


class SharedCounts:
    """Lanes of counts in a file; this process owns one of them.

    The first process to come starts the file afresh: nothing is left over from an earlier run.

    Parameters
    ----------
    path : path-like
        The file, on a local disk or in memory, of this user's and no link. It is made when missing.
    shape : WindowShape
        How the trackers cut time; the same for every process.
    processes : int
        Most processes at a time.

    Attributes
    ----------
    segments : numpy.ndarray
        One row of `shape.cells` cells for each segment.
    index : int
        The segment of this process.

    Raises
    ------
    ConfigurationError
        The file is no such file, another shape is in use, or every segment is taken.
    OSError
        The file can't be made, or the disk is full.
    """

    def __init__(self, path: str | os.PathLike[str], shape: WindowShape, processes: int) -> None:
        self.path: Path = absolute(path)
        if why := no_regular_file(self.path):
            raise ConfigurationError(f"{path}: a regular file was expected for shared counts; {why}")
        self._cells = shape.cells
        header = [_MAGIC, COLUMNS, shape.window, shape.subwindows, shape.stage_subwindows, processes]
        with _locked(self.path) as file:
            self._prepare(file, np.array(header, dtype=np.float64))
            file.seek(0)
            cells = np.memmap(file, dtype=np.float64, mode="r+").view(np.ndarray)
            self._owners = cells[_HEADER : _HEADER + processes]
            self.segments: CountArray = cells[_HEADER + processes :].reshape(processes, self._cells)
            self._take_segment(file)

    def take_segment(self) -> None:
        """Take a segment for a process that was forked from the one that opened the file."""
        with _locked(self.path) as file:
            self._take_segment(file)

    def release(self) -> None:
        """Give the segment back; what was counted in it stays until it leaves the window."""
        self._release()

    def _prepare(self, file: FileIO, header: CountArray) -> None:
        """Check the file; start it afresh unless a process that lives is using it."""
        found = file.read(_HEADER * _CELL)
        if found:
            if found[:_CELL] != header[:1].tobytes() or len(found) < _HEADER * _CELL:
                raise ConfigurationError(f"{self.path} is not a file of shared counts")
            segments = int(np.frombuffer(found)[_SEGMENTS])
            if any(_alive(owner) for owner in np.frombuffer(file.read(segments * _CELL))):
                if found != header.tobytes():
                    raise ConfigurationError(f"{self.path} is in use with another window or room")
                return
        file.truncate(0)
        file.truncate((_HEADER + int(header[_SEGMENTS]) * (1 + self._cells)) * _CELL)
        file.seek(0)
        file.write(header.tobytes())

    def _take_segment(self, file: FileIO) -> None:
        index = next((i for i, owner in enumerate(self._owners) if not _alive(owner)), None)
        if index is None:
            raise ConfigurationError(
                f"{self.path} has no room for a process beside {len(self._owners)} others"
            )
        start = (_HEADER + len(self._owners) + index * self._cells) * _CELL
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a crash at the first count
            os.posix_fallocate(file.fileno(), start, self._cells * _CELL)
        self.index = index
        self._owners[index] = os.getpid()
        self._release = weakref.finalize(self, _release, self._owners, index, os.getpid())


def _release(owners: CountArray, index: int, process: int) -> None:
    if os.getpid() == process:  # a forked child must not give away its parent's segment
        owners[index] = 0


def _alive(process: float) -> bool:
    import psutil

    return process > 0 and psutil.pid_exists(int(process))


@contextmanager
def _locked(path: Path) -> Iterator[FileIO]:
    """Open the file and hold a lock on it, which the system drops when the process dies."""
    with open_private(path, getattr(os, "O_BINARY", 0)) as file:
        lock, unlock = _lock_calls(file.fileno())
        lock()
        try:
            yield file
        finally:
            unlock()  # closing is not enough: a child forked meanwhile holds the same open file


def _lock_calls(handle: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the calls that lock and unlock an open file on this system."""
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt

        def locking(mode: int) -> None:
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, mode, 1)

        return partial(locking, msvcrt.LK_LOCK), partial(locking, msvcrt.LK_UNLCK)
    import fcntl

    return partial(fcntl.flock, handle, fcntl.LOCK_EX), partial(fcntl.flock, handle, fcntl.LOCK_UN)
