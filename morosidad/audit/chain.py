"""The chain: how lines hang together, and which files hold them.

A line is a JSON object that begins with its ``id`` and the digest of the line before
(``anterior``), and ends with its own digest (``huella``): SHA-256 over everything in front of it,
or HMAC-SHA256 where there is a key. So an altered line no longer fits its own digest, and a line
that is removed, added or moved no longer fits its neighbours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import NamedTuple

GENESIS = "0" * 64
_BEFORE_DIGEST = b'","anterior":"'
_SEAL_SIZE = len(f',"huella":"{GENESIS}"}}\n')
MAX_LINE = 2**20

_LINE = re.compile(
    rb'\{"id":"([0-9a-f]{12})-([1-9][0-9]{0,17})","anterior":"([0-9a-f]{64})",(.*),"huella":"([0-9a-f]{64})"\}\n',
    re.DOTALL,
)
_HEAD = re.compile(rb"([0-9a-f]{12})-([0-9]{1,18}) ([0-9a-f]{64}) *\n")


class Link(NamedTuple):
    """A place in a chain: the chain's name, the line's number from 1 up, the line's digest."""

    chain: str
    number: int
    digest: str

    @property
    def id(self) -> str:
        """The line's id."""
        return f"{self.chain}-{self.number}"


class SealedLine(NamedTuple):
    """A line taken apart."""

    link: Link
    previous: str
    body: bytes
    sound: bool  # whether the line fits its own digest


def new_chain() -> Link:
    """Return the place before the first line of a new chain."""
    return Link(secrets.token_hex(6), 0, GENESIS)


def digest_of(text: bytes, key: bytes | None) -> str:
    """Return the digest of a line's text, keyed where there is a key."""
    if key is None:
        return hashlib.sha256(text).hexdigest()
    return hmac.digest(key, text, "sha256").hex()


def seal(last: Link, body: bytes, key: bytes | None) -> tuple[bytes, Link]:
    """Hang the JSON object `body` behind `last`; return the line and its place."""
    number = last.number + 1
    line, digest = make_line(last.chain, number, last.digest, body, key)
    return line, Link(last.chain, number, digest)


def make_line(chain: str, number: int, previous: str, body: bytes, key: bytes | None) -> tuple[bytes, str]:
    """Make a line of the JSON object `body`; return it and its digest."""
    text = f'{{"id":"{chain}-{number}","anterior":"{previous}",'.encode() + body[1:-1]
    digest = digest_of(text, key)
    return text + f',"huella":"{digest}"}}\n'.encode(), digest


def body_of(line: bytes) -> bytes:
    """Give back the JSON object that a line was made of by `make_line`."""
    start = line.index(_BEFORE_DIGEST) + len(_BEFORE_DIGEST) + len(GENESIS) + 2
    return b"{%b}" % line[start:-_SEAL_SIZE]


def unseal(line: bytes, key: bytes | None) -> SealedLine | None:
    """Take a line apart; None when it is no line of a chain."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    chain, number, previous, body, digest = match.groups()
    sound = hmac.compare_digest(digest_of(line[: match.end(4)], key).encode(), digest)
    return SealedLine(
        Link(chain.decode(), int(number), digest.decode()), previous.decode(), b"{%b}" % body, sound
    )


def pack_head(link: Link) -> bytes:
    """Return the content of the file that remembers the last line; its length never changes."""
    return f"{link.id} {link.digest}".ljust(99).encode() + b"\n"


def read_head(path: Path) -> Link | None:
    """Return the last line that was written to a log, as remembered beside it."""
    try:
        with head_path(path).open("rb") as file:
            match = _HEAD.fullmatch(file.read(100))
    except FileNotFoundError:
        return None
    return Link(match[1].decode(), int(match[2]), match[3].decode()) if match else None


def head_path(path: Path) -> Path:
    """Return the file that remembers a log's last line, and that its writer holds locked."""
    return path.with_name(f"{path.name}.head")


def slot_path(path: Path, slot: int) -> Path:
    """Return the log of the process that came as number `slot`."""
    return path if slot == 1 else path.with_name(f"{path.stem}-{slot}{path.suffix}")


def numbered_path(path: Path, number: int) -> Path:
    """Return the name under which a full file is kept."""
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def numbered_files(path: Path) -> dict[int, Path]:
    """Return the full files of a log by number, oldest first."""
    pattern = re.compile(rf"{re.escape(path.stem)}\.([1-9][0-9]{{0,8}}){re.escape(path.suffix)}")
    found = {int(match[1]): file for file in path.parent.iterdir() if (match := pattern.fullmatch(file.name))}
    return dict(sorted(found.items()))


def is_numbered(path: Path) -> bool:
    """Tell whether the path names one full file and not a log, which has its head beside it."""
    numbered = re.fullmatch(r".+\.[1-9][0-9]{0,8}(\.[^.]*)?", path.name) is not None
    return numbered and not head_path(path).exists()


def find_logs(path: str | Path) -> list[Path]:
    """Find the logs that processes wrote under one name.

    Parameters
    ----------
    path : path
        What was given to `AuditLog`.

    Returns
    -------
    list of Path
        ``decisiones.jsonl`` first, then ``decisiones-2.jsonl`` and so on, as far as they are there.

    Raises
    ------
    OSError
        There is no such folder, or it can't be read.
    """
    base = Path(path)
    pattern = re.compile(rf"{re.escape(base.stem)}(?:-([0-9]{{1,6}}))?{re.escape(base.suffix)}(?:\.head)?")
    slots = {int(m[1] or 1) for file in base.parent.iterdir() if (m := pattern.fullmatch(file.name))}
    return [slot_path(base, slot) for slot in sorted(slots)]
