"""What a function to be decorated is: one whose call does the work, a coroutine function, or neither."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

_MESSAGE = "a recovery policy protects functions that do their work when they are called, not {}"


def is_async(fn: Callable[..., Any]) -> bool:
    """Return whether the call of a function or of a callable object gives a coroutine.

    Raises
    ------
    TypeError
        Its call gives a generator, plain or asynchronous, which runs only after it has returned.
    """
    called = fn
    while isinstance(called, functools.partial):
        called = called.func
    if not (inspect.isroutine(called) or inspect.isclass(called)):
        called = getattr(type(called), "__call__", called)  # noqa: B004 - the method itself is asked for
    for one in (fn, called):
        if inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one):
            raise TypeError(_MESSAGE.format("generators"))
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(called)


def finished(answer: T) -> T:
    """Return what a function answered, if it is an answer and not work still to be done.

    Raises
    ------
    TypeError
        It is a coroutine, another awaitable or a generator: its failures would come after the policy is left.
    """
    if isinstance(answer, Awaitable) or inspect.isgenerator(answer) or inspect.isasyncgen(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise TypeError(_MESSAGE.format(f"ones that return a {type(answer).__name__}; see acall"))
    return answer
