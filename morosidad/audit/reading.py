"""Reading of logs: the decisions, line by line, across files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from morosidad.audit.chain.compression import read_lines
from morosidad.audit.chain.hashing import parse_line
from morosidad.audit.chain.paths import log_files
from morosidad.audit.erasure.sealing import KeyRing, Sealed
from morosidad.audit.lines import DecisionLine, EventLine
from morosidad.processes.paths import absolute

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def read(paths: Paths, *, keys: str | os.PathLike[str] | None = None) -> Iterator[DecisionLine]:
    """Read the decisions of one log or several.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.
    keys : path, optional
        The file with the keys of values that may be erased; by default the one beside each log.

    Returns
    -------
    iterator of DecisionLine
        In the order of the log. Damaged lines are passed over; `verify` names them.

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """
    lines = read_all_lines(paths, keys=keys)
    return (line for line in lines if isinstance(line, DecisionLine))


def read_all_lines(
    paths: Paths, *, keys: str | os.PathLike[str] | None = None
) -> Iterator[DecisionLine | EventLine | None]:
    """Read the lines of logs, None for one that is damaged.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs.
    keys : path, optional
        As in `read`.

    Returns
    -------
    iterator of DecisionLine, EventLine or None
        In the order of the files.

    Raises
    ------
    OSError
        There is no such log, or it is no regular file.
    """
    ring, found = KeyRing(None if keys is None else absolute(keys)), absolute_paths(paths)
    for path in found:
        log_files(path)  # what can't be read is said at once
    return _lines(found, ring)


def absolute_paths(paths: Paths) -> list[Path]:
    """Give the paths of one log or several as they are now, whatever the working directory will be."""
    return [absolute(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]


def _lines(paths: Iterable[Path], ring: KeyRing) -> Iterator[DecisionLine | EventLine | None]:
    decode = msgspec.json.Decoder(DecisionLine | EventLine).decode
    for path in paths:
        for file in log_files(path):
            for text in read_lines(file):
                chained = parse_line(text, None)
                if chained is None:
                    yield None
                    continue
                try:
                    line = decode(chained.body)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    yield None
                    continue
                if isinstance(line, DecisionLine) and line.key is not None:
                    line = _opened(line, ring, file)
                yield msgspec.structs.replace(line, id=chained.position.id)


def _opened(line: DecisionLine, ring: KeyRing, file: Path) -> DecisionLine:
    """Put values and contributions in the place of what is encrypted, or say that they are forgotten."""
    text = ring.open(file, Sealed(line.key or "", line.sealed_values or ""))
    if text is None:
        return msgspec.structs.replace(line, forgotten=True)
    values, shares = msgspec.json.decode(text, type=tuple[dict[str, Any], list[float]])
    reasons = [
        msgspec.structs.replace(reason, contribution=share)
        for reason, share in zip(line.reasons, shares, strict=False)
    ]
    return msgspec.structs.replace(line, values=values, reasons=reasons, key=None, sealed_values=None)
