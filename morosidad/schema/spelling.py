"""How often a request is helped with the names of its fields: looking for what was meant takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_left: ContextVar[list[int] | None] = ContextVar("spelling_help_left", default=None)


@contextmanager
def limited_help(times: int) -> Iterator[None]:
    """Give help a number of times at most, however many records are read.

    Parameters
    ----------
    times : int
        How many names that are no fields get one that is near.
    """
    token = _left.set([times])
    try:
        yield
    finally:
        _left.reset(token)


def may_help() -> bool:
    """Tell whether there is help left, and take some of it."""
    left = _left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0
