"""What parts do in a forked child process: one hook for all of them.

Of a process that forks only the calling thread lives on in the child. Locks that other threads held stay
locked there, threads that were to do some work are gone, and what they had in hand is half done. A part that
has locks, threads or work in hand registers itself here, and puts itself in order before the child goes on.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """A part that puts itself in order in a forked child."""

    def _after_fork(self) -> None: ...


class _Process:
    """The parts of this process, in the order in which they were registered, and the forks it came by."""

    def __init__(self) -> None:
        self.forks = 0
        self.parts: dict[int, weakref.ref[Forkable]] = {}
        self.hooked = False

    def add(self, part: Forkable) -> None:
        if not self.hooked and hasattr(os, "register_at_fork"):
            self.hooked = True
            os.register_at_fork(after_in_child=self.renew)
        key, parts = id(part), self.parts

        def forget(gone: weakref.ref[Forkable]) -> None:
            if parts.get(key) is gone:
                del parts[key]

        parts[key] = weakref.ref(part, forget)

    def renew(self) -> None:
        """Put every part in order; one that fails does not bar the others."""
        self.forks += 1
        for reference in list(self.parts.values()):
            part = reference()
            if part is None:
                continue
            try:
                part._after_fork()
            except Exception:
                import logging

                logging.getLogger(__name__).exception(
                    "a part could not be put in order after a fork: %s", type(part).__name__
                )


_process = _Process()


def renew_after_fork(part: Forkable) -> None:
    """Have ``part._after_fork()`` called in every forked child, in the order of registration.

    Parameters
    ----------
    part : object
        Held weakly; one that is registered already stays where it is.
    """
    _process.add(part)


def forks() -> int:
    """Return by how many forks this process came from the first one: a mark of who made something.

    Returns
    -------
    int
    """
    return _process.forks


def was_held(lock: contextlib.AbstractContextManager[object]) -> bool:
    """Tell in a forked child whether a thread of the parent was inside a lock: what it guards is half done.

    Parameters
    ----------
    lock : Lock or RLock
        It is not to be used afterwards.

    Returns
    -------
    bool
    """
    acquire = getattr(lock, "acquire")  # noqa: B009 - the type of an RLock is no public name
    return not acquire(blocking=False)
