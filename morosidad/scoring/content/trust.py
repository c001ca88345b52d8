"""What a caller allows a model file to hold."""

from __future__ import annotations

from typing import NamedTuple


class Trust(NamedTuple):
    """What the caller allows a model file to hold.

    Attributes
    ----------
    types : tuple of str
        Types in a skops member, besides those that are harmless.
    pickles : bool
        Whether a pickle may be read.
    signed : bool
        Whether the file is signed with the caller's key.
    """

    types: tuple[str, ...] = ()
    pickles: bool = False
    signed: bool = False
