"""The hash chain of the decision log: each line carries the digest of the line before it and its own.

A line is a JSON object that begins with its ``id`` and the digest of the line before (``anterior``), and ends
with its own digest (``huella``): SHA-256 over everything in front of it (FIPS 180-4,
https://doi.org/10.6028/NIST.FIPS.180-4), or HMAC-SHA256 where there is a key (FIPS 198-1,
https://doi.org/10.6028/NIST.FIPS.198-1). So an altered line no longer fits its own digest, and a line that is
removed, added or moved no longer fits its neighbours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

GENESIS = "0" * 64
_BEFORE_DIGEST = b'","anterior":"'
_DIGEST_SIZE = len(f',"huella":"{GENESIS}"}}\n')
MAX_LINE = 2**20

_LINE = re.compile(
    rb'\{"id":"([0-9a-f]{12})-([1-9][0-9]{0,17})","anterior":"([0-9a-f]{64})",(.*),"huella":"([0-9a-f]{64})"\}\n',
    re.DOTALL,
)


class ChainPosition(NamedTuple):
    """A position in a chain: the chain's name, the line's number from 1 up, the line's digest."""

    chain: str
    number: int
    digest: str

    @property
    def id(self) -> str:
        """The line's id."""
        return f"{self.chain}-{self.number}"


class ChainedLine(NamedTuple):
    """A line of a chain, parsed."""

    position: ChainPosition
    previous: str
    body: bytes
    sound: bool  # whether the line fits its own digest


def new_chain() -> ChainPosition:
    """Return the position before the first line of a new chain."""
    return ChainPosition(secrets.token_hex(6), 0, GENESIS)


def digest_of(text: bytes, key: bytes | None) -> str:
    """Return the digest of a line's text, keyed where there is a key."""
    if key is None:
        return hashlib.sha256(text).hexdigest()
    return hmac.digest(key, text, "sha256").hex()


def append_to_chain(last: ChainPosition, body: bytes, key: bytes | None) -> tuple[bytes, ChainPosition]:
    """Chain the JSON object `body` behind `last`; return the line and its position."""
    number = last.number + 1
    line, digest = make_line(last.chain, number, last.digest, body, key)
    return line, ChainPosition(last.chain, number, digest)


def make_line(chain: str, number: int, previous: str, body: bytes, key: bytes | None) -> tuple[bytes, str]:
    """Make a line of the JSON object `body`; return it and its digest."""
    text = f'{{"id":"{chain}-{number}","anterior":"{previous}",'.encode() + body[1:-1]
    digest = digest_of(text, key)
    return text + f',"huella":"{digest}"}}\n'.encode(), digest


def body_of(line: bytes) -> bytes:
    """Return the JSON object that a line was made of by `make_line`."""
    start = line.index(_BEFORE_DIGEST) + len(_BEFORE_DIGEST) + len(GENESIS) + 2
    return b"{%b}" % line[start:-_DIGEST_SIZE]


def parse_line(line: bytes, key: bytes | None) -> ChainedLine | None:
    """Parse a line; None when it is no line of a chain."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    chain, number, previous, body, digest = match.groups()
    sound = hmac.compare_digest(digest_of(line[: match.end(4)], key).encode(), digest)
    return ChainedLine(
        ChainPosition(chain.decode(), int(number), digest.decode()), previous.decode(), b"{%b}" % body, sound
    )
