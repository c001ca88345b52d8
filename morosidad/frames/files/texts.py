"""The text of a stream of bytes, taken line by line or block by block, in bounded memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any

from morosidad.errors import InvalidFrame

LONGEST_LINE = 1 << 24
"""Signs in a line; a longer one is no line of a table."""
_PIECE = 1 << 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")


class TextSource:
    """Text that is decoded as it is taken.

    Parameters
    ----------
    file : file
        With ``read(size)``.
    encoding : str
        How the text is written; a byte order mark is no part of it.
    path : str
        The file's name, for errors.

    Attributes
    ----------
    line : int
        How many lines were taken.

    Raises
    ------
    InvalidFrame
        If there is no such encoding; and by each method, if the text is written in another.
    """

    def __init__(self, file: IO[bytes], encoding: str, path: str) -> None:
        self._file, self._encoding, self._path = file, encoding, path
        self._decoder = _decoder(encoding)
        if self._decoder is None:
            raise InvalidFrame(f"{path}: there is no encoding {encoding!r}")
        self._text, self._at = "", 0
        self._begun = self._over = False
        self.line: int = 0

    def lines(self) -> Iterator[str]:
        """Take line after line.

        Yields
        ------
        str
            With its own end: a newline, a carriage return, both, or nothing at the end of the file.
        """
        while line := self._readline():
            self.line += 1
            yield line

    def block(self, size: int) -> str:
        """Take all that is decoded already, and more.

        Parameters
        ----------
        size : int
            Signs to take at least, where there are as many.

        Returns
        -------
        str
            Empty at the end of the file.
        """
        while len(self._text) - self._at < size and not self._over:
            self._read_more(max(_PIECE, size - len(self._text) + self._at))
        taken, self._text, self._at = self._text[self._at :], "", 0
        return taken

    def give_back(self, text: str) -> None:
        """Put back what was taken and not used.

        Parameters
        ----------
        text : str
            The end of what `block` gave.
        """
        self._text, self._at = text + self._text[self._at :], 0

    @property
    def over(self) -> bool:
        """Whether the file has no more text than what is decoded already."""
        return self._over

    def _readline(self) -> str:
        while True:
            found = _LINE.match(self._text, self._at)
            # a carriage return at the end of a piece may be half the end of a line
            if found and (self._over or not (found[0][-1] == "\r" and found.end() == len(self._text))):
                self._at = found.end()
                return found[0]
            if self._over:
                rest, self._at = self._text[self._at :], len(self._text)
                return rest
            if len(self._text) - self._at > LONGEST_LINE:
                raise InvalidFrame(
                    f"{self._path}: line {self.line + 1}: longer than {LONGEST_LINE} characters"
                )
            self._read_more(_PIECE)

    def _read_more(self, size: int) -> None:
        raw = self._file.read(size)
        self._over = not raw
        try:
            text = self._decoder.decode(raw, self._over)
            if not text.isascii():
                text.encode()  # some encodings can write half a character
        except UnicodeError as error:
            before = raw[: error.start] if isinstance(error, UnicodeDecodeError) else b""
            raise self._other_encoding(before) from None
        if not self._begun and text:
            text, self._begun = text.removeprefix("\ufeff"), True
        self._text, self._at = self._text[self._at :] + text, 0

    def _other_encoding(self, before: bytes) -> InvalidFrame:
        line = self.line + self._text.count("\n", self._at) + before.count(b"\n") + 1
        return InvalidFrame(
            f"{self._path}: line {line}: not written in {self._encoding}; "
            "give --encoding, for example latin-1"
        )


def _decoder(encoding: str) -> Any:
    """Give what decodes text piece by piece; None where no encoding of text has this name."""
    try:
        found: Any = codecs.lookup(encoding)
    except LookupError:
        return None
    return found.incrementaldecoder() if found.incrementaldecoder and found._is_text_encoding else None
