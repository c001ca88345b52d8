"""Lines chained in memory before they are written."""

from __future__ import annotations

from morosidad.audit.chain.hashing import ChainPosition, make_line


class ChainedLines:
    """Lines chained to a position and to each other, before they are written.

    Parameters
    ----------
    behind : ChainPosition
        The position that the first of them is chained to.
    key : bytes or None
        Keys the digests.
    """

    __slots__ = ("_digest", "_key", "behind", "lines", "size")

    def __init__(self, behind: ChainPosition, key: bytes | None) -> None:
        self.behind: ChainPosition = behind
        self.lines: list[bytes] = []
        self.size: int = 0
        self._key = key
        self._digest = behind.digest

    def add(self, body: bytes) -> None:
        """Chain an object behind the others."""
        chain, number, _ = self.behind
        lines = self.lines
        line, self._digest = make_line(chain, number + len(lines) + 1, self._digest, body, self._key)
        lines.append(line)
        self.size += len(line)

    @property
    def last(self) -> ChainPosition:
        """The position of the last of them."""
        chain, number, _ = self.behind
        return ChainPosition(chain, number + len(self.lines), self._digest)
