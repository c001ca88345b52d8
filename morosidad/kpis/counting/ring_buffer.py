"""A ring buffer of counts by sub-window, in memory that several processes may read.

Time is cut into sub-windows of equal width, numbered from the clock's zero. A ring buffer keeps one row for
each of the latest; the row of a sub-window that left is added to the retired counts and used again. There is
one writer; readers take no lock, and compare a version number instead (a sequence lock).
"""

from __future__ import annotations

import numpy as np

from morosidad.sketch import CountArray

_READS = 10  # the writer needs microseconds, once in a sub-window: one more read is nearly always enough


class RingBuffer:
    """A ring buffer of rows of `columns` counts for the last `subwindows` sub-windows.

    Parameters
    ----------
    memory : numpy.ndarray
        `RingBuffer.cells(subwindows, columns)` float64 cells, zero at first.
    subwindows : int
        Sub-windows that are kept.
    width : float
        Width of a sub-window, in seconds.
    columns : int
        Counts in a row.
    """

    __slots__ = ("_retired", "_stamps", "_version", "rows", "subwindows", "width")

    def __init__(self, memory: CountArray, subwindows: int, width: float, columns: int) -> None:
        self.subwindows: int = subwindows
        self.width: float = width
        self._version = memory[:1]  # odd while the writer moves a row
        self._stamps = memory[1 : 1 + subwindows]  # sub-window + 1 of each row; 0 is a row never used
        self._retired = memory[1 + subwindows : 1 + subwindows + columns]
        self.rows: CountArray = memory[1 + subwindows + columns :].reshape(subwindows, columns)

    @staticmethod
    def cells(subwindows: int, columns: int) -> int:
        """Return the memory that a ring buffer needs, in float64 cells."""
        return 1 + subwindows + columns + subwindows * columns

    def subwindow(self, now: float) -> int:
        """Return the sub-window that `now` falls in."""
        return int(now // self.width)

    def open(self, subwindow: int) -> CountArray:
        """Return the row of `subwindow`, the latest sub-window, emptied when it held an older one."""
        place = subwindow % self.subwindows
        row: CountArray = self.rows[place]
        if self._stamps[place] != subwindow + 1:
            self._version += 1
            self._retired += row
            row[:] = 0
            self._stamps[place] = subwindow + 1
            self._version += 1
        return row

    def repair(self) -> None:
        """Complete the version of a writer that was killed, so that readers need not wait for it."""
        self._version += self._version % 2

    def held(self, first: int, last: int) -> CountArray:
        """Return 1 for each row whose sub-window lies between `first` and `last`, else 0."""
        return ((self._stamps > first) & (self._stamps <= last + 1)).astype(np.float64)

    def sum(self, first: int, last: int) -> CountArray:
        """Add up the rows of the sub-windows from `first` to `last`."""
        total: CountArray = self.held(first, last) @ self.rows
        return total

    def by_subwindow(self, first: int, last: int) -> CountArray:
        """Return the rows of the sub-windows from `first` to `last` in order, zero for those not held."""
        places = np.arange(first, last + 1) % self.subwindows
        rows: CountArray = self.rows[places] * self.held(first, last)[places, None]
        return rows

    def lifetime(self) -> CountArray:
        """Add up everything ever counted. It never shrinks, whatever left the window."""
        total = self._retired
        for _ in range(_READS):
            version = self._version[0]
            total = self._retired + self.rows.sum(axis=0)
            if version % 2 == 0 and version == self._version[0]:
                break
        return total

    def mirror(self, subwindow: int, row: CountArray) -> None:
        """Hold a row as somebody else has counted it."""
        place = subwindow % self.subwindows
        self.rows[place] = row
        self._stamps[place] = subwindow + 1

    def mirror_lifetime(self, total: CountArray) -> None:
        """Keep beside the rows what makes them add up to all that somebody else ever counted."""
        self._retired[:] = total - self.rows.sum(axis=0)

    def merge(self, other: RingBuffer) -> None:
        """Add what `other`, of the same shape and clock, has counted."""
        self._retired += other._retired
        for place in range(self.subwindows):
            mine, theirs = int(self._stamps[place]), int(other._stamps[place])
            if theirs >= mine and theirs > 0:
                self.open(theirs - 1)[:] += other.rows[place]
            else:
                self._retired += other.rows[place]
