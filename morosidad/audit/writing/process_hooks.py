"""Hooks for the end of a process and SIGTERM."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from morosidad.processes.forking import renew_after_fork

# A signal that comes just before the main thread begins to wait for something does not wake it.
_REPEAT_SECONDS = 0.05


class ProcessHooks:
    """Hooks that call `close` when the process ends, on SIGTERM too.

    SIGTERM is taken only from the default action, which would end the process at once, and only
    in the main thread. A program with a handler of its own ends in its own time, by way of the
    interpreter's exit.

    Parameters
    ----------
    close : callable
        Idempotent.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._after_fork()
        self._unregistered = False
        self._previous: Any = None
        if _in_main_thread():
            present: Any = signal.getsignal(signal.SIGTERM)
            if present is signal.SIG_DFL or isinstance(present, ProcessHooks):
                self._previous = present
                signal.signal(signal.SIGTERM, self)
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Begin as if no signal had come: a thread that closes is the parent's."""
        self._closer: threading.Thread | None = None
        self._closed = False
        self._passed_on = threading.Event()

    def watch_exit(self) -> None:
        """Close at the interpreter's exit, or at the end of a forked worker, which skips that."""
        atexit.register(self._close)
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self._close, exitpriority=0)

    def unregister(self) -> None:
        """Give SIGTERM back and watch the exit no more."""
        self._unregistered = True
        atexit.unregister(self._close)
        handler: object = signal.getsignal(signal.SIGTERM)
        if handler is self and _in_main_thread():
            signal.signal(signal.SIGTERM, self._take_items())

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: close in another thread, which no lock held in this one can bar for good."""
        if self._closer is None:
            self._closer = threading.Thread(target=self._close_and_repeat, args=(number,), daemon=True)
            with contextlib.suppress(RuntimeError):  # the interpreter is already on its way out
                self._closer.start()
        elif self._closed and not self._passed_on.is_set():
            self._passed_on.set()
            self._pass_on(number)

    def _close_and_repeat(self, number: int) -> None:
        self._close()
        self._closed = True
        while not self._passed_on.is_set():
            _signal_main_thread(number)
            self._passed_on.wait(_REPEAT_SECONDS)

    def _pass_on(self, number: int) -> None:
        handler = self._take_items()
        signal.signal(number, handler)
        signal.raise_signal(number)
        if handler is signal.SIG_DFL:
            os._exit(128 + number)  # process 1 of a container does not die of its own signals

    def _take_items(self) -> Any:
        """Return the handler from before, leaving out those of logs that were closed."""
        handler = self._previous
        while isinstance(handler, ProcessHooks) and handler._unregistered:
            handler = handler._previous
        return handler


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _signal_main_thread(number: int) -> None:
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, number)
    else:
        os.kill(os.getpid(), number)
