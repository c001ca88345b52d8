"""Output on terminals and pipes that can't show every sign: what they can't show is written in others."""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_INSTEAD = {
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "´": "'",
    "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "…": "...", "·": "-", "•": "*",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+/-",
    "×": "x", "÷": "/", "µ": "u", "μ": "u", "Δ": "d", "√": "sqrt", "∞": "inf", "¿": "?", "¡": "!",
    "€": "EUR", "£": "GBP", "°": "deg", "º": "o", "ª": "a", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o",
    "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "█": "#", "▏": "|", "▎": "|", "▍": "|", "▌": "|",
    "▋": "|", "▊": "#", "▉": "#",
}  # fmt: skip


def shown(text: str, encoding: str) -> str:
    """Write a text in the signs of an encoding.

    Parameters
    ----------
    text : str
        Any text.
    encoding : str
        The name of an encoding.

    Returns
    -------
    str
        Letters without their accents, signs in others, and what has no like in it as its number.
    """
    return "".join(sign if _has(encoding, sign) else _instead(sign, encoding) for sign in text)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _instead(sign: str, encoding: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    for other in (_INSTEAD.get(sign, ""), plain):
        if other and other != sign and _has(encoding, other):
            return other
    if unicodedata.combining(sign):
        return ""
    return sign.encode("ascii", "backslashreplace").decode("ascii")


def _handler(encoding: str, before: str | None) -> str:
    """Register the error handler that writes what an encoding lacks in other signs, and give its name.

    An error names code pages by what they have in common: so each encoding has a handler of its own. Where
    the stream gave back the bytes of a file's name that is in no encoding, it still does.
    """

    def handle(error: UnicodeError) -> tuple[str | bytes, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        if before == "surrogateescape" and "\udc80" <= error.object[error.start] <= "\udcff":
            return bytes([ord(error.object[error.start]) - 0xDC00]), error.start + 1
        return shown(error.object[error.start], encoding), error.start + 1

    name = f"morosidad-{encoding}-{before}"
    codecs.register_error(name, handle)
    return name


@contextmanager
def readable_output() -> Iterator[None]:
    """Let standard output and standard error write whatever they are given, as well as they can.

    Yields
    ------
    None
    """
    changed: list[tuple[io.TextIOWrapper, str | None]] = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            changed.append((stream, stream.errors))
            stream.reconfigure(errors=_handler(stream.encoding, stream.errors))
    try:
        yield
    finally:
        for stream, errors in changed:
            if not stream.closed:
                stream.reconfigure(errors=errors)


def print_json(text: str) -> None:
    """Print JSON; where standard output lacks a sign of it, every sign beyond ASCII as its number.

    Parameters
    ----------
    text : str
        JSON, which means the same afterwards.
    """
    if not _has(getattr(sys.stdout, "encoding", None) or "utf-8", text):
        found: Any = json.loads(text)
        text = json.dumps(found, indent=2)
    print(text)
