"""Retention: full files of a log that are old are taken away, and a stub of them stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from morosidad.audit.chain.compression import SUFFIXES, Compression, compress_file, read_lines
from morosidad.audit.chain.hashing import GENESIS, parse_line
from morosidad.audit.chain.paths import numbered_files
from morosidad.audit.chain.stubs import Stub, read_stub, write_stub
from morosidad.audit.erasure.key_file import destroy_keys, find_key_path
from morosidad.audit.lines import EventLine, key_name
from morosidad.errors import InvalidFrame

_DAY = 86_400.0
_PRUNED, _ARCHIVED = "podado", "archivado"


class Retention(msgspec.Struct, frozen=True):
    """What becomes of full files.

    Attributes
    ----------
    keep_files, keep_days : optional
        As in `due_files`.
    compress : {"gz", "zst"}, optional
        How those that stay are compressed.
    key : bytes or None
        The log's key.
    now : callable
        Gives the time in seconds since 1970.
    """

    keep_files: int | None
    keep_days: float | None
    compress: Compression | None
    key: bytes | None
    now: Callable[[], float]

    def __call__(self, path: Path) -> None:
        """Take away what is not to be kept, and compress the rest."""
        now = self.now()
        remove_leftovers(path, self.key)
        due = due_files(path, keep_files=self.keep_files, keep_days=self.keep_days, now=now)
        prune(path, due, self.key, now)
        if self.compress is not None:
            for file in numbered_files(path).values():
                if file.suffix not in SUFFIXES:
                    compress_file(file, self.compress)


def remove_leftovers(path: Path, key: bytes | None) -> None:
    """Delete full files that a signed stub stands for already: a crash left them.

    Where they were to be pruned, their keys go with them.

    Parameters
    ----------
    path : Path
        The log.
    key : bytes or None
        Its key.
    """
    stub = read_stub(path)
    if stub is not None and stub.fits(key):
        for number, file in numbered_files(path, all_of_them=True).items():
            if number <= stub.files:
                if stub.moved == _PRUNED:
                    _destroy_keys(path, [file])
                file.unlink()


def due_files(path: Path, *, keep_files: int | None, keep_days: float | None, now: float) -> dict[int, Path]:
    """Give the full files of a log that are not to be kept, by number, oldest first.

    Parameters
    ----------
    path : Path
        The log.
    keep_files : int or None
        How many full files stay; None for all.
    keep_days : float or None
        For how many days they stay after the last line was written to them; None for ever.
    now : float
        Seconds since 1970.

    Returns
    -------
    dict of int to Path
    """
    full = numbered_files(path)
    surplus = len(full) if keep_files is None else len(full) - keep_files
    due: dict[int, Path] = {}
    for place, (number, file) in enumerate(full.items()):
        old = keep_days is not None and now - file.stat().st_mtime > keep_days * _DAY
        if not (old or (keep_files is not None and place < surplus)):
            break  # what goes is the beginning of the chain
        due[number] = file
    return due


def prune(path: Path, files: dict[int, Path], key: bytes | None, now: float) -> int:
    """Delete full files from the beginning of a log, and the keys of their values; return how many.

    Parameters
    ----------
    path : Path
        The log.
    files : dict of int to Path
        Its oldest files, by number.
    key : bytes or None
        The log's key.
    now : float
        Seconds since 1970.

    Returns
    -------
    int

    Raises
    ------
    InvalidFrame
        They are not as they were written: what was altered does not go away by pruning.
    OSError
        A file can't be read, written or deleted.
    """
    return _take_away(path, files, key, now, _PRUNED, lambda _: None)


def archive(path: Path, files: dict[int, Path], folder: Path, key: bytes | None, now: float) -> int:
    """Move full files from the beginning of a log to another folder; return how many.

    Parameters
    ----------
    path, files, key, now
        As in `prune`.
    folder : Path
        Where to; it must exist, and hold no file of that name.

    Returns
    -------
    int

    Raises
    ------
    InvalidFrame, OSError
        As in `prune`.
    """

    def copy(chosen: Sequence[Path]) -> None:
        for file in chosen:
            target = folder / file.name
            with file.open("rb") as source, target.open("xb") as copied:
                shutil.copyfileobj(source, copied)
            shutil.copystat(file, target)

    return _take_away(path, files, key, now, _ARCHIVED, copy)


def _take_away(
    path: Path,
    files: dict[int, Path],
    key: bytes | None,
    now: float,
    how: str,
    first: Callable[[Sequence[Path]], None],
) -> int:
    if not files:
        return 0
    stub = _stub_of(path, files, key)
    chosen = list(files.values())
    first(chosen)
    when = datetime.fromtimestamp(now, UTC)
    write_stub(path, msgspec.structs.replace(stub, time=when, moved=how).signed(key))
    if how == _PRUNED:
        _destroy_keys(path, chosen)
    for file in chosen:  # those that a crash leaves are passed over by their numbers
        file.unlink(missing_ok=True)
    return len(chosen)


def _destroy_keys(path: Path, files: Sequence[Path]) -> None:
    """Destroy the keys of what full files hold, so that copies of them can't be read either."""
    keys = find_key_path(path)
    if keys is not None:
        lines = (parse_line(line, None) for file in files for line in read_lines(file))
        names = {name for line in lines if line is not None and (name := key_name(line.body)) is not None}
        destroy_keys(keys, names=names)


def _stub_of(path: Path, files: dict[int, Path], key: bytes | None) -> Stub:
    """Read the files that go, check that they continue what went before, and say what they hold."""
    old = read_stub(path)
    if old is not None and not old.fits(key):
        raise InvalidFrame(f"{path.name}: what is written of the files taken away earlier is not authentic")
    chain, number, digest = ("", 0, GENESIS) if old is None else (old.chain, old.lines, old.digest)
    decisions, lost = (0, 0) if old is None else (old.decisions, old.lost)
    for file in files.values():
        for line in read_lines(file):
            found = parse_line(line, key)
            fits = found is not None and found.sound and found.previous == digest
            if found is None or not fits or found.position[:2] != (chain or found.position.chain, number + 1):
                raise InvalidFrame(f"{file.name}: not as it was written; `verify` says what is wrong")
            chain, number, digest = found.position
            decisions += found.body.startswith(b'{"tipo":"decision"')
            lost += declared_lost(found.body)
    return Stub(
        time=datetime.fromtimestamp(0, UTC),
        chain=chain,
        files=max(files),
        lines=number,
        decisions=decisions,
        lost=lost,
        digest=digest,
        moved="",
    )


def declared_lost(body: bytes) -> int:
    """Return how many decisions a line declares as lost."""
    if not body.startswith(b'{"tipo":"evento"'):
        return 0
    try:
        event = msgspec.json.decode(body, type=EventLine)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0
    return event.amount if event.event == "perdidas" else 0
