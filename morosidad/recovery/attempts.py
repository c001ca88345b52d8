"""One attempt of a call, in a thread or on an event loop, with its value or its error as the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from morosidad.errors import DeadlineExceeded
from morosidad.recovery.decorating import NotAwaitable, awaitable
from morosidad.recovery.escalation import AttemptReply


def attempt(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttemptReply:
    """Call a function; return its value or its error.

    Parameters
    ----------
    fn : callable
        The function.
    args, kwargs : tuple, mapping
        Its arguments.

    Returns
    -------
    tuple of (object, Exception or None)
    """
    try:
        return fn(*args, **kwargs), None
    except Exception as error:
        return None, error


async def attempt_async(
    fn: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: Mapping[str, Any], seconds: float
) -> AttemptReply:
    """Await a coroutine function for a limited time; return its value or its error.

    Parameters
    ----------
    fn : callable
        The coroutine function.
    args, kwargs : tuple, mapping
        Its arguments.
    seconds : float
        Time allowed; past it the call is cancelled, with `DeadlineExceeded` as its error.

    Returns
    -------
    tuple of (object, Exception or None)
    """
    import asyncio

    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await awaitable(fn(*args, **kwargs)), None
    except NotAwaitable:
        raise
    except Exception as error:
        if isinstance(error, TimeoutError) and scope.expired():
            return None, DeadlineExceeded(f"no answer in {seconds:.3g} s", seconds=seconds)
        return None, error


async def wait_async(future: Future[Any], seconds: float) -> None:
    """Wait for a future without cancelling it, since others wait for it too.

    Parameters
    ----------
    future : concurrent.futures.Future
        The future.
    seconds : float
        The longest wait.

    Returns
    -------
    None
    """
    import asyncio

    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    future.add_done_callback(wake)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
