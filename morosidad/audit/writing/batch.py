"""Batches of encoded decisions on their way to the file, and the acknowledgements that callers wait for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from morosidad.audit.chain.chained_lines import ChainedLines
from morosidad.audit.chain.hashing import body_of
from morosidad.audit.lines import AuditContext
from morosidad.audit.protocols import DecisionLike


class Acknowledgement:
    """The acknowledgement of a written line, which a durable `append` waits for."""

    __slots__ = ("_done", "_on_disk")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._on_disk = False

    def resolve(self, on_disk: bool) -> None:
        """Let the waiting `append` go on. One thread calls it, the first time counts."""
        if self._done.locked():
            self._on_disk = on_disk
            self._done.release()

    def wait(self, seconds: float) -> bool:
        """Wait until the line is on the disk; False when it isn't in time."""
        return self._done.acquire(timeout=seconds) and self._on_disk


# The model, the decision, the values, how long it took, when it was, and who waits for it.
DecisionItem = tuple[
    AuditContext, DecisionLike, Sequence[Any] | Mapping[str, Any], float, float, Acknowledgement | None
]
# A decision that is encoded already, and who waits for it.
EncodedItem = tuple[bytes, Acknowledgement | None]
LogItem = DecisionItem | EncodedItem


class LineBatch:
    """Decisions on their way into the file, encoded.

    Parameters
    ----------
    chained : ChainedLines, optional
        Takes their lines, where they are chained before they are written.

    Attributes
    ----------
    bodies : list of bytes
        What their lines will say, where they are not chained yet.
    acknowledgements : list of (Acknowledgement or None)
        Who waits for each.
    unreadable : int
        How many decisions could not be encoded.
    """

    __slots__ = ("acknowledgements", "bodies", "chained", "unreadable")

    def __init__(self, chained: ChainedLines | None = None) -> None:
        self.bodies: list[bytes] = []
        self.acknowledgements: list[Acknowledgement | None] = []
        self.unreadable: int = 0
        self.chained = chained

    def __len__(self) -> int:
        return len(self.acknowledgements) + self.unreadable

    def add(self, body: bytes, acknowledgement: Acknowledgement | None) -> None:
        """Put a decision behind the others."""
        self.acknowledgements.append(acknowledgement)
        if self.chained is None:
            self.bodies.append(body)
        else:
            self.chained.add(body)

    def chain(self, chained: ChainedLines | None) -> None:
        """Chain the lines, or chain them again where they were chained behind another line."""
        bodies = self.unchain()
        if chained is not None:
            for body in bodies:
                chained.add(body)
            self.chained, self.bodies = chained, []

    def unchain(self) -> list[bytes]:
        """Parse the chained lines, and return their JSON objects."""
        if self.chained is not None:
            self.bodies, self.chained = [body_of(line) for line in self.chained.lines], None
        return self.bodies

    def written(self, number: int) -> None:
        """Remove the first lines: they are in the file."""
        resolve_all(self.acknowledgements[:number], True)
        del self.bodies[:number], self.acknowledgements[:number]
        self.chained = None  # those were all, where they were chained

    def join(self, later: LineBatch) -> None:
        """Take the decisions of a later batch behind one's own."""
        self.unchain().extend(later.unchain())
        self.acknowledgements += later.acknowledgements
        self.unreadable += later.unreadable


def resolve_all(acknowledgements: Sequence[Acknowledgement | None], on_disk: bool) -> None:
    """Resolve the acknowledgements that callers wait for."""
    for acknowledgement in acknowledgements:
        if acknowledgement is not None:
            acknowledgement.resolve(on_disk)
