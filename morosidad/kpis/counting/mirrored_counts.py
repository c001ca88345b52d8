"""The counts of one process as another server tells them: what changed is encoded there and mirrored here.

The clocks of two machines begin at different times, so that the sub-windows of the one are brought to the
numbers of the other by what both know: the time since 1970.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from math import floor

import msgspec
import numpy as np

from morosidad.kpis.counting.columns import COLUMNS, STAGE_COLUMNS, STAGES
from morosidad.kpis.counting.process_counts import ProcessCounts, WindowShape
from morosidad.kpis.counting.ring_buffer import RingBuffer
from morosidad.sketch import CountArray

MAIN, OF_STAGES = "m", "s"
_WIDTHS = {MAIN: COLUMNS, OF_STAGES: STAGE_COLUMNS * len(STAGES)}
_CELL = 8
MOST_ROW_BYTES = 1 << 17
"""What an encoded row has at most: deflated, no row is longer than this."""


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What a process tells besides its rows.

    Attributes
    ----------
    wall, clock : float
        The same moment in seconds since 1970, and by the clock that its sub-windows are numbered by.
    window, subwindows, stage_subwindows
        How it cuts time.
    latest : dict of str to int
        The latest sub-window of each ring.
    head : bytes
        Its cells that are no counts of predictions.
    lifetimes : dict of str to bytes
        All that each ring ever counted, encoded as a row.
    """

    wall: float
    clock: float
    window: float
    subwindows: int
    stage_subwindows: int
    latest: dict[str, int]
    head: bytes
    lifetimes: dict[str, bytes]

    @property
    def shape(self) -> WindowShape:
        """How it cuts time."""
        return WindowShape(self.window, self.subwindows, self.stage_subwindows)


def standing_of(counts: ProcessCounts, shape: WindowShape, clock: float, wall: float) -> Standing:
    """Describe the counts of a process as they stand.

    Parameters
    ----------
    counts : ProcessCounts
        Of this process.
    shape : WindowShape
        How they are cut.
    clock, wall : float
        Now, by the clock of the counts and since 1970.

    Returns
    -------
    Standing
    """
    rings = {MAIN: counts.main, OF_STAGES: counts.stages}
    return Standing(
        wall,
        clock,
        shape.window,
        shape.subwindows,
        shape.stage_subwindows,
        {name: ring.subwindow(clock) for name, ring in rings.items()},
        counts.head.tobytes(),
        {name: encode_row(ring.lifetime()) for name, ring in rings.items()},
    )


def encoded_rows(counts: ProcessCounts, name: str, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Encode the rows of a ring from one sub-window to another, where anything was counted.

    Yields
    ------
    subwindow, row : int, bytes
    """
    ring = counts.main if name == MAIN else counts.stages
    for subwindow, row in enumerate(ring.by_subwindow(first, last), first):
        if row.any():
            yield subwindow, encode_row(row)


def encode_row(row: CountArray) -> bytes:
    """Deflate a row: most of its counts are zero."""
    return zlib.compress(row.tobytes(), 1)


def decode_row(encoded: bytes, width: int) -> CountArray:
    """Read a row that another process encoded.

    Raises
    ------
    ValueError
        It is no row of `width` counts.
    """
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(encoded, width * _CELL + 1)
    except zlib.error as error:
        raise ValueError("no deflated row") from error
    return _counts(plain, width)


def _counts(plain: bytes, width: int) -> CountArray:
    if len(plain) != width * _CELL:
        raise ValueError("a row of another width")
    row = np.frombuffer(plain, dtype=np.float64)
    if not (np.isfinite(row).all() and (row >= 0).all()):
        raise ValueError("counts that are none")
    return row


class MirroredCounts:
    """The counts of a process of another server, as it told them last.

    Parameters
    ----------
    standing : Standing
        The first that was heard of it.
    clock, wall : float
        Now, by the clock of the counts here and since 1970.

    Attributes
    ----------
    counts : ProcessCounts
        With the numbers of sub-windows of the clock here.
    """

    def __init__(self, standing: Standing, clock: float, wall: float) -> None:
        shape = standing.shape
        self.counts: ProcessCounts = ProcessCounts(np.zeros(shape.cells), shape)
        ahead = (standing.wall - standing.clock) - (wall - clock)
        # rounded down: no row may lie ahead of the clock here
        self._shifts = {name: floor(ahead / ring.width) for name, ring in self._rings()}
        self._seconds = ahead
        self._heard: dict[str, int] = {}

    def _rings(self) -> Iterator[tuple[str, RingBuffer]]:
        yield MAIN, self.counts.main
        yield OF_STAGES, self.counts.stages

    def wanted(self, standing: Standing) -> Iterator[tuple[str, int]]:
        """Name the rows that may have changed since they were heard last, at most those of the window.

        Yields
        ------
        name, subwindow : str, int
            As the other process numbers them.
        """
        for name, ring in self._rings():
            latest = standing.latest[name]
            oldest = latest - ring.subwindows + 1
            for subwindow in range(max(oldest, self._heard.get(name, oldest)), latest + 1):
                yield name, subwindow

    def hear(self, standing: Standing, rows: Mapping[tuple[str, int], bytes]) -> None:
        """Take over what was told.

        Raises
        ------
        ValueError
            Something of it is no count; what came before it is kept.
        """
        lifetimes = {name: decode_row(standing.lifetimes[name], _WIDTHS[name]) for name, _ in self._rings()}
        found = {key: decode_row(row, _WIDTHS[key[0]]) for key, row in rows.items()}
        head = np.frombuffer(standing.head, dtype=np.float64)
        rings = dict(self._rings())
        self.counts.mirror_head(head, self._seconds)
        for (name, subwindow), row in found.items():
            rings[name].mirror(subwindow + self._shifts[name], row)
        for name, ring in rings.items():
            ring.mirror_lifetime(lifetimes[name])
            self._heard[name] = standing.latest[name]
