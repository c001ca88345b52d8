"""Background threads for work that would block the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

_THREADS = 2


class BackgroundThreads:
    """Runs functions in threads beside the event loop; when it is not started, in the loop's own threads."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        """Make the threads now, so that a server that has begun to answer grows no more."""
        self._pool = ThreadPoolExecutor(_THREADS, "morosidad-background")
        meeting = threading.Barrier(_THREADS)
        await asyncio.gather(*(self.run(meeting.wait) for _ in range(_THREADS)))

    async def run(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """Call a function in a thread."""
        call = (lambda: work(*args, **kwargs)) if args or kwargs else work
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def stop(self) -> None:
        """Let the threads finish."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()
