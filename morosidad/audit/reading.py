"""Reading of logs: the decisions, line by line, across files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from morosidad.audit.chain.compression import read_lines
from morosidad.audit.chain.hashing import parse_line
from morosidad.audit.chain.paths import log_files
from morosidad.audit.lines import DecisionLine, EventLine

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def read(paths: Paths) -> Iterator[DecisionLine]:
    """Read the decisions of one log or several.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.

    Yields
    ------
    DecisionLine
        In the order of the log. Damaged lines are passed over; `verify` names them.

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """
    for line in read_all_lines(paths):
        if isinstance(line, DecisionLine):
            yield line


def read_all_lines(paths: Paths) -> Iterator[DecisionLine | EventLine | None]:
    """Read the lines of logs, None for one that is damaged.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs.

    Returns
    -------
    iterator of DecisionLine, EventLine or None
        In the order of the files.
    """
    decode = msgspec.json.Decoder(DecisionLine | EventLine).decode
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        for file in log_files(Path(path)):
            for text in read_lines(file):
                chained = parse_line(text, None)
                if chained is None:
                    yield None
                    continue
                try:
                    line = decode(chained.body)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    yield None
                else:
                    yield msgspec.structs.replace(line, id=chained.position.id)
