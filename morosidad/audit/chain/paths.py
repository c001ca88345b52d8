"""The files of a log: their names, and the head file that holds the position of the last line."""

from __future__ import annotations

import errno
import hmac
import os
import re
from pathlib import Path
from typing import NamedTuple

from morosidad.audit.chain.compression import SUFFIXES
from morosidad.audit.chain.hashing import ChainPosition, digest_of
from morosidad.audit.chain.stubs import read_stub
from morosidad.processes.paths import absolute, check_regular

_HEAD = re.compile(rb"([0-9a-f]{12})-([0-9]{1,18}) ([0-9a-f]{64}) *([0-9a-f]{64})? *\n")
_HEAD_SIZE = 200


class Head(NamedTuple):
    """What the file beside a log says of its last line."""

    position: ChainPosition
    mac: str  # with the log's key, where it has one

    def fits(self, key: bytes | None) -> bool:
        """Return whether who has the key wrote it; without a key, anybody may have."""
        return key is None or hmac.compare_digest(self.mac, _mac(self.position, key))


def pack_head(position: ChainPosition, key: bytes | None = None) -> bytes:
    """Return the content of the file that remembers the last line; its length never changes."""
    mac = "" if key is None else _mac(position, key)
    return f"{position.id} {position.digest} {mac}".ljust(_HEAD_SIZE - 1).encode() + b"\n"


def read_head(path: Path) -> Head | None:
    """Return the last line that was written to a log, as remembered beside it."""
    try:
        with head_path(path).open("rb") as file:
            match = _HEAD.fullmatch(file.read(_HEAD_SIZE))
    except FileNotFoundError:
        return None
    if match is None:
        return None
    chain, number, digest, mac = (part.decode() for part in match.groups(b""))
    return Head(ChainPosition(chain, int(number), digest), mac)


def _mac(position: ChainPosition, key: bytes) -> str:
    return digest_of(f"cabeza:{position.id} {position.digest}".encode(), key)


def head_path(path: Path) -> Path:
    """Return the file that remembers a log's last line, and that its writer holds locked."""
    return path.with_name(f"{path.name}.head")


def slot_path(path: Path, slot: int) -> Path:
    """Return the log of the process that came as number `slot`."""
    return path if slot == 1 else path.with_name(f"{path.stem}-{slot}{path.suffix}")


def numbered_path(path: Path, number: int) -> Path:
    """Return the name under which a full file is kept."""
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def numbered_files(path: Path, *, all_of_them: bool = False) -> dict[int, Path]:
    """Return the full files of a log by number, oldest first, without those that were taken away.

    Of a file that is there as it was and compressed, which a crash can leave, it is the first one.
    """
    pattern = re.compile(
        rf"{re.escape(path.stem)}\.([1-9][0-9]{{0,8}}){re.escape(path.suffix)}(?:\.gz|\.zst)?"
    )
    stub = None if all_of_them else read_stub(path)
    gone = 0 if stub is None else stub.files
    names = sorted(path.parent.iterdir(), key=lambda file: file.suffix in SUFFIXES, reverse=True)
    found = {int(match[1]): file for file in names if (match := pattern.fullmatch(file.name))}
    return {number: file for number, file in sorted(found.items()) if number > gone}


def next_number(path: Path) -> int:
    """Return the number under which the next full file is kept."""
    stub = read_stub(path)
    return max([0 if stub is None else stub.files, *numbered_files(path)]) + 1


def is_numbered(path: Path) -> bool:
    """Return whether the path names one full file and not a log, which has its head beside it."""
    numbered = re.fullmatch(r".+\.[1-9][0-9]{0,8}(\.[^.]*)?(\.gz|\.zst)?", path.name) is not None
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
        There is no such folder, or it can't be read; or a folder or a pipe stands in the log's place.
    """
    base = absolute(path)
    check_regular(base)
    pattern = re.compile(rf"{re.escape(base.stem)}(?:-([0-9]{{1,6}}))?{re.escape(base.suffix)}(?:\.head)?")
    slots = {int(m[1] or 1) for file in base.parent.iterdir() if (m := pattern.fullmatch(file.name))}
    return [slot_path(base, slot) for slot in sorted(slots)]


def log_files(base: Path) -> list[Path]:
    """Return the files of a log, oldest first; of a numbered file only that one.

    Raises
    ------
    OSError
        There is no such log; or it is a folder, a pipe or a device, which can't be read again.
    """
    check_regular(base)
    if is_numbered(base):
        return [base]
    files = [*numbered_files(base).values(), *([base] if base.exists() else [])]
    if not files and read_head(base) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(base))
    return files
