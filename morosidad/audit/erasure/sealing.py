"""Values sealed for the log, each with a key of its own, and opened again as long as there is the key.

The cipher is AES-256 in Galois/counter mode (NIST SP 800-38D, https://doi.org/10.6028/NIST.SP.800-38D). A key
encrypts one text and no other, so that its nonce may be constant.
"""

from __future__ import annotations

import binascii
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morosidad.audit.erasure.key_file import (
    DESTROYED,
    KEY_SIZE,
    NAME_SIZE,
    RECORD,
    KeyRecord,
    append_keys,
    digest_of_id,
    find_key_path,
)
from morosidad.errors import MissingExtra
from morosidad.processes.forking import renew_after_fork
from morosidad.processes.paths import check_regular

_NONCE = bytes(12)


class Sealed(NamedTuple):
    """What a line holds in the place of values: the name of their key, and the encrypted text."""

    name: str
    text: str


class Sealer:
    """Encrypts values, and keeps the keys until they are in the file. Safe for threads and forks.

    Parameters
    ----------
    path : Path
        The file of keys.
    durable : bool
        Whether `write` waits until the keys are on the disk.

    Raises
    ------
    MissingExtra
        The cipher is not installed.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path: Path = path
        self._durable = durable
        self._cipher = cipher()
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Begin without keys: those that wait are the parent's to write, as their lines are."""
        self._lock = threading.Lock()
        self._waiting: list[KeyRecord] = []

    def seal(self, values: bytes, request_id: str | None) -> Sealed:
        """Encrypt values with a key of their own."""
        name, key = os.urandom(NAME_SIZE), os.urandom(KEY_SIZE)
        text = self._cipher(key).encrypt(_NONCE, values, None)
        with self._lock:
            self._waiting.append(KeyRecord(name, digest_of_id(request_id), key))
        return Sealed(name.hex(), binascii.b2a_base64(text, newline=False).decode())

    def write(self) -> None:
        """Write the keys of all that was sealed; comes before the lines that refer to them.

        Raises
        ------
        OSError
            They can't be written; the next call tries again.
        """
        with self._lock:
            if self._waiting:
                append_keys(self.path, self._waiting, durable=self._durable)
                self._waiting = []


class KeyRing:
    """The keys of logs, read when they are asked for.

    Parameters
    ----------
    keys : Path, optional
        The file of keys; by default the one beside each log.

    Raises
    ------
    OSError
        There is no such file, or it is no regular one: all values would seem to be forgotten.
    """

    def __init__(self, keys: Path | None = None) -> None:
        if keys is not None:
            check_regular(keys)
            keys.stat()
        self._keys = keys
        self._found: dict[Path | None, _KeyIndex | None] = {}

    def key(self, log: Path, name: str) -> bytes | None:
        """Give a key of a log by name; `DESTROYED` where it was, None where there is none."""
        path = self._keys or find_key_path(log)
        if path not in self._found:
            self._found[path] = None if path is None else _KeyIndex(path)
        index = self._found[path]
        return None if index is None else index.find(bytes.fromhex(name))

    def open(self, log: Path, sealed: Sealed) -> bytes | None:
        """Decrypt values of a log; None where their key is gone or does not fit.

        Raises
        ------
        MissingExtra
            The cipher is not installed.
        """
        key = self.key(log, sealed.name)
        if key is None or key == DESTROYED:
            return None
        from cryptography.exceptions import InvalidTag

        try:
            values: bytes = cipher()(key).decrypt(_NONCE, binascii.a2b_base64(sealed.text), None)
        except (InvalidTag, ValueError):
            return None
        return values


class _KeyIndex:
    """Where the keys of a file stand, by name: 16 bytes for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        records = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        whole = records[: len(records) // RECORD * RECORD].reshape(-1, RECORD)
        names = np.ascontiguousarray(whole[:, :NAME_SIZE]).view(np.uint64).ravel()
        self._order = np.argsort(names, kind="stable")
        self._names = names[self._order]

    def find(self, name: bytes) -> bytes | None:
        if len(name) != NAME_SIZE:
            return None
        wanted = np.frombuffer(name, np.uint64)[0]
        at = int(np.searchsorted(self._names, wanted))
        if at == len(self._names) or self._names[at] != wanted:
            return None
        with self._path.open("rb") as file:
            file.seek(int(self._order[at]) * RECORD)
            return file.read(RECORD)[-KEY_SIZE:]


def cipher() -> Any:
    """Give the class of the cipher.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MissingExtra("erasure of logged values", "erasure") from None
    return AESGCM


def seal_all(
    sealer: Sealer, texts: Iterable[bytes], ids: Iterable[str | None]
) -> tuple[list[bytes], list[bytes]]:
    """Seal many values; give the names of their keys and the encrypted texts as JSON.

    Parameters
    ----------
    sealer : Sealer
        What encrypts.
    texts : iterable of bytes
        The values of each decision, encoded.
    ids : iterable of (str or None)
        The ids of the requests.

    Returns
    -------
    names, texts : list of bytes
    """
    sealed = [sealer.seal(text, request_id) for text, request_id in zip(texts, ids, strict=False)]
    return [b'"%b"' % one.name.encode() for one in sealed], [b'"%b"' % one.text.encode() for one in sealed]
