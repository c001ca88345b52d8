"""Rows of counts for the last sub-windows, in memory that several processes may look at.

Time is cut into sub-windows of equal width, numbered from the clock's zero. A ring keeps one row for each
of the latest; the row of a sub-window that left is emptied into `retired` and used again. One writer turns
the ring; anyone may read it meanwhile.
"""

from __future__ import annotations

import numpy as np

from morosidad.sketch import Floats

_READS = 10  # a turn takes microseconds, once in a sub-window: one more look is nearly always enough


class Ring:
    """Rows of `columns` counts for the last `slots` sub-windows.

    Parameters
    ----------
    memory : numpy.ndarray
        `Ring.cells(slots, columns)` float64 cells, zero at first.
    slots : int
        Sub-windows that are kept.
    width : float
        Width of a sub-window, in seconds.
    columns : int
        Counts in a row.
    """

    __slots__ = ("_retired", "_stamps", "_turns", "rows", "slots", "width")

    def __init__(self, memory: Floats, slots: int, width: float, columns: int) -> None:
        self.slots: int = slots
        self.width: float = width
        self._turns = memory[:1]  # odd while a turn is under way
        self._stamps = memory[1 : 1 + slots]  # sub-window + 1 of each row; 0 is a row never used
        self._retired = memory[1 + slots : 1 + slots + columns]
        self.rows: Floats = memory[1 + slots + columns :].reshape(slots, columns)

    @staticmethod
    def cells(slots: int, columns: int) -> int:
        """Count the memory that a ring needs, in float64 cells."""
        return 1 + slots + columns + slots * columns

    def slot(self, now: float) -> int:
        """Return the sub-window that `now` falls in."""
        return int(now // self.width)

    def open(self, slot: int) -> Floats:
        """Return the row of `slot`, the latest sub-window, emptied when it held an older one."""
        place = slot % self.slots
        row: Floats = self.rows[place]
        if self._stamps[place] != slot + 1:
            self._turns += 1
            self._retired += row
            row[:] = 0
            self._stamps[place] = slot + 1
            self._turns += 1
        return row

    def repair(self) -> None:
        """End the turn that a killed writer left open, so that readers need not wait for it."""
        self._turns += self._turns % 2

    def held(self, first: int, last: int) -> Floats:
        """Return 1 for each row whose sub-window lies between `first` and `last`, else 0."""
        return ((self._stamps > first) & (self._stamps <= last + 1)).astype(np.float64)

    def sum(self, first: int, last: int) -> Floats:
        """Add up the rows of the sub-windows from `first` to `last`."""
        total: Floats = self.held(first, last) @ self.rows
        return total

    def by_slot(self, first: int, last: int) -> Floats:
        """Return the rows of the sub-windows from `first` to `last` in order, zero for those not held."""
        places = np.arange(first, last + 1) % self.slots
        rows: Floats = self.rows[places] * self.held(first, last)[places, None]
        return rows

    def lifetime(self) -> Floats:
        """Add up everything ever counted. It never shrinks, whatever left the window."""
        total = self._retired
        for _ in range(_READS):
            turns = self._turns[0]
            total = self._retired + self.rows.sum(axis=0)
            if turns % 2 == 0 and turns == self._turns[0]:
                break
        return total

    def merge(self, other: Ring) -> None:
        """Add what `other`, of the same shape and clock, has counted."""
        self._retired += other._retired
        for place in range(self.slots):
            mine, theirs = int(self._stamps[place]), int(other._stamps[place])
            if theirs >= mine and theirs > 0:
                self.open(theirs - 1)[:] += other.rows[place]
            else:
                self._retired += other.rows[place]
