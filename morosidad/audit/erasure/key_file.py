"""The file of keys beside a log: one record for each decision, of which only the key is ever changed.

A record is the name of a key, a digest of the request's id, and the key; a destroyed key is all zeros. All
processes append to the same file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from morosidad.audit.chain.file_operations import file_size, lock, sync, write_all
from morosidad.processes.private_files import open_private

NAME_SIZE, KEY_SIZE = 8, 32
_ID_SIZE = 24
_KEY_AT = NAME_SIZE + _ID_SIZE
RECORD = _KEY_AT + KEY_SIZE
DESTROYED = bytes(KEY_SIZE)
_BLOCK = RECORD * 16_384
_LONGEST_WAIT, _PAUSE = 5.0, 0.001  # seconds, for another process that writes


class KeyRecord(NamedTuple):
    """One decision's key.

    Attributes
    ----------
    name : bytes
        By which a line of the log refers to it.
    request : bytes
        Digest of the request's id.
    key : bytes
        The key itself, or zeros.
    """

    name: bytes
    request: bytes
    key: bytes


def digest_of_id(request_id: str | None) -> bytes:
    """Give the digest by which the decisions on a request are found; that of none is random."""
    if request_id is None:
        return os.urandom(_ID_SIZE)
    return hashlib.blake2b(request_id.encode(), digest_size=_ID_SIZE, person=b"morosidad keys").digest()


def key_path(log: Path) -> Path:
    """Return the file with the keys of a log."""
    return log.with_name(f"{log.name}.keys")


def find_key_path(file: Path) -> Path | None:
    """Return the file with the keys of a log, of a full file or of another process's log, if there is one."""
    name = file.name.removesuffix(".gz").removesuffix(".zst")
    whole = re.sub(r"\.[1-9][0-9]{0,8}(?=(\.[^.]*)?$)", "", name)
    for candidate in (name, whole, re.sub(r"-[0-9]{1,6}(?=(\.[^.]*)?$)", "", whole)):
        path = key_path(file.with_name(candidate))
        if path.is_file():
            return path
    return None


def append_keys(path: Path, records: Collection[KeyRecord], *, durable: bool) -> None:
    """Write keys behind the others: all of them, or none. One process at a time does.

    Raises
    ------
    OSError
        They can't be written.
    """
    with open_private(path) as file:
        until = time.monotonic() + _LONGEST_WAIT
        while not lock(file):
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(path))
            time.sleep(_PAUSE)
        start = file_size(file) // RECORD * RECORD  # a crash may have cut the last record off
        file.seek(start)
        try:
            write_all(file, b"".join(map(b"".join, records)))
            if durable:
                sync(file)
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(start)
            raise


def read_keys(path: Path) -> Iterator[tuple[int, KeyRecord]]:
    """Read the keys of a file, with the place where each record begins."""
    place = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for start in range(0, len(block) - RECORD + 1, RECORD):
                name, end = block[start : start + NAME_SIZE], start + RECORD
                key = block[start + _KEY_AT : end]
                yield place + start, KeyRecord(name, block[start + NAME_SIZE : start + _KEY_AT], key)
            place += len(block)


def destroy_keys(
    path: Path, requests: Collection[bytes] = (), *, names: Collection[bytes] = frozenset()
) -> int:
    """Overwrite keys with zeros, and wait until that is on the disk; return how many.

    Parameters
    ----------
    path : Path
        The file of keys.
    requests : collection of bytes
        Digests of the ids of requests, all of whose keys go.
    names : collection of bytes
        Names of keys that go.

    Returns
    -------
    int

    Raises
    ------
    OSError
        There is no such file, or it can't be written. Those overwritten stay so.
    """
    wanted, named, destroyed = set(requests), set(names), 0
    with open_private(path) as file:
        for place, record in read_keys(path):
            if not wanted and not named:
                break  # what is pruned stands in front
            chosen = record.request in wanted or record.name in named
            named.discard(record.name)
            if chosen and record.key != DESTROYED:
                file.seek(place + _KEY_AT)
                file.write(DESTROYED)
                destroyed += 1
        sync(file)
    return destroyed
