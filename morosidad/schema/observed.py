"""Observed limits of a field: the range or the categories of the training data."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr


class Observed(msgspec.Struct, frozen=True):
    """What the training data held for one field; a value outside it is scored with a warning.

    Attributes
    ----------
    low, high : float or None
        The smallest and the largest number.
    categories : tuple of (str or int), or None
        Every category.
    missing : bool
        Whether some rows had no value.
    """

    low: float | None = None
    high: float | None = None
    categories: tuple[str | int, ...] | None = None
    missing: bool = True

    def __post_init__(self) -> None:
        for end in ("low", "high"):
            if getattr(self, end) is not None:
                force_setattr(self, end, float(getattr(self, end)))
