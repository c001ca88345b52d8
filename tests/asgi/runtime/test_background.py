"""Threads beside the event loop: all there from the start, and no more of them later."""

from __future__ import annotations

import asyncio
import threading

import pytest

from morosidad.asgi.runtime.background import BackgroundThreads


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("morosidad-background")}


def test_the_threads_are_there_from_the_start_and_stay_two() -> None:
    async def run() -> None:
        background = BackgroundThreads()
        await background.start()
        first = threads()
        assert len(first) == 2
        found = await asyncio.gather(*(background.run(pow, 2, exp=n) for n in range(20)))
        assert found == [2**n for n in range(20)]
        assert threads() == first
        background.stop()
        assert threads() == set()
        background.stop()

    asyncio.run(run())


def test_work_is_done_before_the_start_and_after_the_stop_too() -> None:
    async def run() -> None:
        background = BackgroundThreads()
        assert await background.run(threading.get_ident) != threading.get_ident()
        await background.start()
        background.stop()
        assert await background.run(threading.get_ident) != threading.get_ident()

    asyncio.run(run())


def test_what_fails_fails_where_it_is_waited_for() -> None:
    async def run() -> None:
        background = BackgroundThreads()
        await background.start()
        with pytest.raises(ZeroDivisionError):
            await background.run(divmod, 1, 0)
        background.stop()

    asyncio.run(run())
