"""SIGHUP: the settings are read again, in every process of a server."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from morosidad.asgi.adjusting.adjuster import Adjuster, digest_of
from morosidad.asgi.problems import Problem
from morosidad.asgi.runtime.logs import write_action
from morosidad.settings import Settings

HANGUP: int | None = getattr(signal, "SIGHUP", None)
"""The signal; there is none on Windows."""


class OnHangup:
    """While it is entered, SIGHUP has the settings read again, unless the program has a handler of its own.

    Parameters
    ----------
    adjuster : Adjuster
        Reads and applies them.
    settings : callable
        Gives the settings in place.
    """

    def __init__(self, adjuster: Adjuster, settings: Callable[[], Settings]) -> None:
        self._adjuster = adjuster
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._before: Any = None
        self._handles = False

    def __enter__(self) -> None:
        if HANGUP is None or not self._adjuster.rereads:
            return
        if threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(HANGUP)
        if before in (signal.SIG_DFL, signal.SIG_IGN):
            self._before, self._handles = before, True
            signal.signal(HANGUP, self._receive)

    def __exit__(self, *_: object) -> None:
        if HANGUP is not None and self._handles and signal.getsignal(HANGUP) == self._receive:
            signal.signal(HANGUP, self._before)

    def _receive(self, *_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended: so does the process
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        task = self._loop.create_task(self._adjust())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adjust(self) -> None:
        before, status = digest_of(self._settings()), 200
        try:
            await self._adjuster.adjust()
        except Problem as problem:  # it is in the log already
            status = problem.status
        write_action("ajustar", who="SIGHUP", before=before, after=digest_of(self._settings()), status=status)
