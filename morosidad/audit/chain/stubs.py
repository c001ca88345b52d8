"""Stubs of logs: what is kept of full files that were taken away, so that the chain still verifies."""

from __future__ import annotations

import hmac
from datetime import datetime
from pathlib import Path

import msgspec

from morosidad.audit.chain.file_operations import replace_file
from morosidad.audit.chain.hashing import digest_of

MAX_STUB = 2**16


class Stub(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken away of a log, from its first line on.

    Attributes
    ----------
    time : datetime
        Of the last time.
    chain : str
        The chain's name.
    files : int
        The number of the last full file that was taken away.
    lines, decisions, lost : int
        What those files held: lines, which are numbered from 1 up; decisions; decisions declared lost.
    digest : str
        Of the last line taken away.
    moved : str
        How it was the last time: ``podado``, or ``archivado``.
    mac : str
        Digest of all that, with the log's key where it has one.
    """

    time: datetime = msgspec.field(name="fecha")
    chain: str = msgspec.field(name="cadena")
    files: int = msgspec.field(name="archivos")
    lines: int = msgspec.field(name="lineas")
    decisions: int = msgspec.field(name="decisiones")
    lost: int = msgspec.field(name="perdidas")
    digest: str = msgspec.field(name="huella")
    moved: str = msgspec.field(name="motivo")
    mac: str = msgspec.field(name="firma", default="")

    def signed(self, key: bytes | None) -> Stub:
        """Give the same stub with its digest."""
        text = msgspec.json.encode(msgspec.structs.replace(self, mac=""))
        return msgspec.structs.replace(self, mac=digest_of(b"resto:" + text, key))

    def fits(self, key: bytes | None) -> bool:
        """Return whether who has the key wrote it."""
        return hmac.compare_digest(self.mac, self.signed(key).mac)


def stub_path(path: Path) -> Path:
    """Return the file that says what was taken away of a log."""
    return path.with_name(f"{path.name}.stub")


def read_stub(path: Path) -> Stub | None:
    """Return what was taken away of a log; None where nothing was, or the file is damaged."""
    try:
        with stub_path(path).open("rb") as file:
            return msgspec.json.decode(file.read(MAX_STUB), type=Stub)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_stub(path: Path, stub: Stub) -> None:
    """Write down what was taken away of a log, as one step."""
    replace_file(stub_path(path), msgspec.json.encode(stub) + b"\n")
