"""The counts of one process, laid out in a fixed block of memory that other processes can map."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from morosidad.kpis.counting.columns import COLUMNS, STAGE_COLUMNS, STAGES
from morosidad.kpis.counting.ring_buffer import RingBuffer
from morosidad.sketch import CountArray

# The head of a process's counts.
USED, BEGAN, CONNECTIONS, CONNECTIONS_AT, DAYS = range(5)
KEPT_DAYS = 3  # yesterday and tomorrow too, for a wall clock that is set across midnight
RULES = DAYS + 2 * KEPT_DAYS
RULE_SLOTS = 64
_NAME = 5  # cells of a name, of eight bytes each
HEAD = RULES + RULE_SLOTS * (_NAME + 1)
OTHER_RULES = "..."
"""Under this name are counted what there is no room for: rules beyond the first of a process."""


@dataclass(frozen=True, slots=True)
class WindowShape:
    """The window and its sub-windows: trackers with the same shape can be merged, or share a file.

    Attributes
    ----------
    window : float
        Seconds that a report covers.
    subwindows, stage_subwindows : int
        Sub-windows of the window, for whole predictions and for their stages.
    """

    window: float
    subwindows: int
    stage_subwindows: int

    @property
    def cells(self) -> int:
        """The memory of one process's counts, in float64 cells."""
        main = RingBuffer.cells(self.subwindows, COLUMNS)
        return HEAD + main + RingBuffer.cells(self.stage_subwindows, STAGE_COLUMNS * len(STAGES))


class ProcessCounts:
    """The counts of one process, in `shape.cells` cells of memory, zero at first.

    Attributes
    ----------
    memory, head : numpy.ndarray
        All cells, and the first few, which hold what is no count.
    main, stages : RingBuffer
        Counts of whole predictions and of their stages.
    """

    __slots__ = ("_days", "_rules", "_slots", "head", "main", "memory", "stages")

    def __init__(self, memory: CountArray, shape: WindowShape) -> None:
        rest = HEAD + RingBuffer.cells(shape.subwindows, COLUMNS)
        self.memory: CountArray = memory
        self.head: CountArray = memory[:HEAD]
        self._days = memory[DAYS:RULES].reshape(KEPT_DAYS, 2)
        self._rules = memory[RULES:HEAD].reshape(RULE_SLOTS, _NAME + 1)
        self._slots: dict[str, int] = {}
        width = shape.window / shape.subwindows
        self.main: RingBuffer = RingBuffer(memory[HEAD:rest], shape.subwindows, width, COLUMNS)
        stage_width = shape.window / shape.stage_subwindows
        self.stages: RingBuffer = RingBuffer(
            memory[rest:], shape.stage_subwindows, stage_width, STAGE_COLUMNS * len(STAGES)
        )

    def begin(self, now: float) -> None:
        """Take the memory over, fresh or from a process that died."""
        self.main.repair()
        self.stages.repair()
        self.head[CONNECTIONS_AT] = -inf
        if not self.head[USED]:
            self.head[BEGAN] = now
            self.head[USED] = 1

    def open_day(self, day: int) -> CountArray:
        """Return the cell that counts the predictions of `day`, a proleptic ordinal."""
        entry = self._days[day % KEPT_DAYS]
        if entry[0] != day:
            entry[:] = day, 0
        cell: CountArray = entry[1:]
        return cell

    def count_of(self, day: int) -> int:
        """Return the predictions of `day` so far."""
        stamp, predictions = self._days[day % KEPT_DAYS]
        return int(predictions) if stamp == day else 0

    def count_rule(self, code: str, number: float = 1.0) -> None:
        """Count a rule that fired; its name stands beside its count, for other processes."""
        if code not in self._slots:
            self._slots = {name: place for place, name in enumerate(self._rule_names())}
            if code not in self._slots:
                self._slots[code] = self._new_slot(code)
        self._rules[self._slots[code], _NAME] += number

    def rules(self) -> dict[str, int]:
        """Return how often each rule fired."""
        numbers = self._rules[:, _NAME].astype(int).tolist()
        return {name: numbers[place] for place, name in enumerate(self._rule_names()) if numbers[place]}

    def _rule_names(self) -> list[str]:
        names = [row[:_NAME].tobytes().rstrip(b"\0").decode("ascii", "replace") for row in self._rules]
        return names[: names.index("")] if "" in names else names

    def _new_slot(self, code: str) -> int:
        place = min(len(self._rule_names()), RULE_SLOTS - 1)
        name = OTHER_RULES if place == RULE_SLOTS - 1 else code
        cells = self._rules[place, :_NAME].view(np.uint8)
        cells[:] = np.frombuffer(
            name.encode("ascii", "replace").ljust(8 * _NAME, b"\0")[: 8 * _NAME], np.uint8
        )
        return place

    def mirror_head(self, cells: CountArray, seconds: float) -> None:
        """Take over the head of a process whose clock is `seconds` behind this one's.

        Raises
        ------
        ValueError
            It holds what is no count.
        """
        numbers = np.concatenate(
            [cells[:CONNECTIONS_AT], cells[DAYS:RULES], cells[RULES + _NAME :: _NAME + 1]]
        )
        if len(cells) != HEAD or not (np.isfinite(numbers).all() and (numbers[2:] >= 0).all()):
            raise ValueError("a head that is none")
        self.head[:] = cells
        self.head[USED] = 1
        self.head[BEGAN] += seconds
        self.head[CONNECTIONS_AT] += seconds
        self._slots.clear()

    def connections(self, since: float) -> int | None:
        """Return the connections of the latest sample, None when it is from before `since`."""
        return int(self.head[CONNECTIONS]) if self.head[CONNECTIONS_AT] >= since else None

    def merge(self, other: ProcessCounts, since: float) -> None:
        """Add what `other`, of the same shape and clock, has counted; samples count from `since`."""
        self.main.merge(other.main)
        self.stages.merge(other.stages)
        for day, predictions in other._days:
            if day >= self._days[int(day) % KEPT_DAYS][0]:
                self.open_day(int(day))[0] += predictions
        for code, number in other.rules().items():
            self.count_rule(code, number)
        self.head[BEGAN] = min(self.head[BEGAN], other.head[BEGAN])
        self.head[CONNECTIONS] = (self.connections(since) or 0) + (other.connections(since) or 0)
        self.head[CONNECTIONS_AT] = max(self.head[CONNECTIONS_AT], other.head[CONNECTIONS_AT])
