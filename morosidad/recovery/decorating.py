"""What a policy may protect: functions whose call does the work, and coroutine functions."""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncContextDecorator, ContextDecorator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

_MESSAGE = "a recovery policy protects functions that do their work when they are called, not {}"


class _Items:
    """What is iterated over by asking for one item after another."""

    def __getitem__(self, place: int) -> object:
        raise IndexError(place)


_UNDONE = (
    CoroutineType,
    GeneratorType,
    AsyncGeneratorType,
    ContextDecorator,
    AsyncContextDecorator,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    type(iter(int, 1)),  # what calls a function until it gives something
    type(iter(_Items())),
)
_UNDONE_MODULES = {"itertools", "multiprocessing.pool"}  # whose objects do their work later, or elsewhere
_UNDONE_MARKS = ("__await__", "add_done_callback", "__dask_graph__")
_CONTAINERS = (list, tuple, set, frozenset, dict, deque)


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
        It is a coroutine, another awaitable, a future, a generator or a context manager made of one, an
        iterator that calls functions or reads another iterator, or a container that holds such things: its
        failures would come after the policy is left.
    """
    kind = type(answer)
    if _is_undone(kind):
        held, where = [cast(object, answer)], ""
    elif isinstance(answer, _CONTAINERS):
        items = answer.values() if isinstance(answer, dict) else answer
        if not any(map(_is_undone, set(map(type, items)))):
            return answer
        held, where = [item for item in items if _is_undone(type(item))], f" in a {kind.__name__}"
    else:
        return answer
    for each in held:
        if inspect.iscoroutine(each):
            each.close()
    raise TypeError(_MESSAGE.format(f"ones that return a {type(held[0]).__name__}{where}; see acall"))


def _works_later(kind: type[object]) -> bool:
    return (
        issubclass(kind, _UNDONE)
        or any(hasattr(kind, mark) for mark in _UNDONE_MARKS)
        or any(base.__module__ in _UNDONE_MODULES for base in kind.__mro__)
    )


_is_undone = cast(Callable[[type[object]], bool], functools.lru_cache(maxsize=256)(_works_later))


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
