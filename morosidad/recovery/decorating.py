"""What a policy may protect: functions whose call does the work, and coroutine functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncContextDecorator, ContextDecorator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

_MESSAGE = "a recovery policy protects functions that do their work when they are called, not {}"
_UNDONE = (CoroutineType, GeneratorType, AsyncGeneratorType, ContextDecorator, AsyncContextDecorator)


class NotAwaitable(TypeError):
    """A function that was to be awaited is none that can be."""


class Protecting(Protocol):
    """A policy that calls a function, or awaits a coroutine function."""

    def call(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function."""
        ...

    async def acall(self, fn: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """Await a coroutine function."""
        ...


def decorated(policy: Protecting, fn: Callable[P, T]) -> Callable[P, T]:
    """Give a function, a coroutine function, a static or a class method that goes through the policy.

    Raises
    ------
    TypeError
        It can't be called, or gives a generator.
    """
    method: Any = fn
    if isinstance(method, staticmethod | classmethod):
        return cast("Callable[P, T]", type(method)(decorated(policy, method.__func__)))
    if not callable(fn):
        raise TypeError(_MESSAGE.format(f"a {type(fn).__name__}, which can't be called"))
    if is_async(fn):

        @functools.wraps(fn)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await policy.acall(cast("Callable[P, Awaitable[Any]]", fn), *args, **kwargs)

        return cast("Callable[P, T]", awaited)

    @functools.wraps(fn)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, policy.call(fn, *args, **kwargs))

    return called


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
        It is a coroutine, another awaitable, a future, a generator or a context manager made of one: its
        failures would come after the policy is left.
    """
    kind = type(answer)
    undone = isinstance(answer, _UNDONE) or hasattr(kind, "__await__") or hasattr(kind, "add_done_callback")
    if undone:
        if inspect.iscoroutine(answer):
            answer.close()
        raise TypeError(_MESSAGE.format(f"ones that return a {kind.__name__}; see acall"))
    return answer


def awaitable(answer: Awaitable[T]) -> Awaitable[T]:
    """Return what a function gave to be awaited.

    Raises
    ------
    NotAwaitable
        It can't be: its work was done without a limit on its time, and its failures were not seen.
    """
    if not isinstance(answer, Awaitable):
        raise NotAwaitable(
            f"acall awaits coroutine functions; this function returned a {type(answer).__name__}; see call"
        )
    return answer
