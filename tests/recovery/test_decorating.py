"""Protection is never absent silently: what a policy decorates works under it, or is a TypeError."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing.pool
import threading
from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.recovery import RecoveryPolicy, default_levels


def policy():
    return RecoveryPolicy(default_levels(), fallback=lambda *_: {"degraded": True})


class AsyncCallable:
    def __init__(self):
        self.calls = 0

    async def __call__(self, x):
        self.calls += 1
        if self.calls == 1:
            raise OSError
        return x


@pytest.mark.parametrize(
    "wrap", [lambda fn: fn, functools.partial, lambda fn: functools.partial(functools.partial(fn))]
)
def test_an_object_with_an_asynchronous_call_is_protected(wrap):
    inner = AsyncCallable()
    decorated = policy()(wrap(inner))
    assert asyncio.run(decorated(3)) in (3, {"degraded": True})
    assert inner.calls >= 1


def generator():
    yield 1


async def asynchronous_generator():
    yield 1


class GeneratorCallable:
    def __call__(self):
        yield 1


class AsyncGeneratorCallable:
    async def __call__(self):
        yield 1


@pytest.mark.parametrize(
    "fn",
    [
        generator,
        asynchronous_generator,
        GeneratorCallable(),
        AsyncGeneratorCallable(),
        functools.partial(generator),
        GeneratorCallable().__call__,
    ],
)
def test_generators_are_refused_when_decorated(fn):
    with pytest.raises(TypeError, match="not generators"):
        policy()(fn)


async def coroutine():
    return 1


@pytest.mark.parametrize("fn", [lambda: coroutine(), lambda: generator(), lambda: asynchronous_generator()])
def test_work_that_a_plain_function_returns_undone_is_refused(fn):
    with pytest.raises(TypeError, match="protects functions that do their work"):
        policy()(fn)()


def test_plain_functions_classes_and_iterators_pass():
    assert policy()(lambda: [1])() == [1]
    assert policy()(dict)() == {}
    assert list(policy()(iter)([1, 2])) == [1, 2]


class Methods:
    @policy()
    @staticmethod
    def static(x):
        return x

    @policy()
    @classmethod
    def of_class(cls, x):
        return cls, x

    @staticmethod
    @policy()
    async def static_async(x):
        return x

    @policy()
    @classmethod
    async def of_class_async(cls, x):
        return cls, x

    @policy()
    def plain(self, x):
        return self, x

    @policy()
    async def plain_async(self, x):
        return self, x


def test_methods_of_every_kind_are_protected():
    one = Methods()
    assert (Methods.static(1), one.static(1), Methods.of_class(1)) == (1, 1, (Methods, 1))
    assert one.plain(1) == (one, 1)
    assert asyncio.run(Methods.static_async(1)) == 1
    assert asyncio.run(one.of_class_async(1)) == (Methods, 1)
    assert asyncio.run(one.plain_async(1)) == (one, 1)
    bound = policy()(functools.partial(one.plain, 2))
    assert bound() == (one, 2)


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_methods_that_are_generators_are_refused_when_decorated(kind):
    with pytest.raises(TypeError, match="not generators"):
        policy()(kind(generator))


@pytest.mark.parametrize("thing", [3, None, property(coroutine), functools.partialmethod(coroutine)])
def test_what_cannot_be_called_is_refused_when_decorated(thing):
    with pytest.raises(TypeError, match="can't be called"):
        policy()(thing)


def test_callables_of_the_standard_library_that_are_coroutine_functions_are_awaited():
    mocked = mock.AsyncMock(return_value=3)
    assert asyncio.run(policy()(mocked)()) == 3
    assert asyncio.run(policy()(functools.wraps(coroutine)(coroutine))()) == 1


def future():
    return concurrent.futures.Future()


class Eventually:
    def __await__(self):
        yield


UNDONE = [
    lambda: coroutine(),
    lambda: generator(),
    lambda: asynchronous_generator(),
    future,
    Eventually,
    contextlib.contextmanager(generator),
    contextlib.asynccontextmanager(asynchronous_generator),
    functools.lru_cache(lambda: generator()),
]


class Numbered:
    def __getitem__(self, place):
        return coroutine()


ITERATORS = [
    lambda: map(len, ["a"]),
    lambda: filter(None, [1]),
    lambda: zip([1], [2], strict=True),
    lambda: enumerate([1]),
    lambda: reversed(collections.UserList([1])),
    lambda: itertools.chain([1]),
    lambda: itertools.starmap(pow, [(2, 3)]),
    lambda: itertools.islice([1], 1),
    lambda: itertools.groupby([1]),
    lambda: iter(int, 1),
    lambda: iter(Numbered()),
]
LAZY = [*UNDONE, *ITERATORS]


@pytest.mark.parametrize("fn", ITERATORS)
def test_iterators_that_work_while_they_are_read_are_refused(fn):
    for way in (decorated, called, after_a_failure, awaited):
        with pytest.raises(TypeError, match="protects functions that do their work"):
            way(policy(), fn)


class Pair(NamedTuple):
    first: object
    second: object


@given(st.sampled_from(LAZY), st.integers(0, 3), st.integers(0, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_containers_of_undone_work_are_refused_wherever_it_stands(fn, before, after, data):
    def held():
        return [*range(before), fn(), *range(after)]

    wrap = data.draw(
        st.sampled_from(
            [
                list,
                tuple,
                set,
                frozenset,
                collections.deque,
                lambda x: dict(enumerate(x)),
                lambda x: Pair(1, x[before]),
            ]
        )
    )
    with pytest.raises(TypeError, match="protects functions that do their work when they are called, not"):
        policy().call(lambda: wrap(held()))


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
@settings(max_examples=30, deadline=None)
def test_containers_of_answers_are_answers(answer):
    assert policy().call(lambda: answer) is answer


def test_work_of_processes_is_refused():
    with multiprocessing.pool.ThreadPool(1) as pool:
        for fn in (
            lambda: pool.apply_async(int),
            lambda: pool.imap(int, "1"),
            lambda: pool.map_async(int, "1"),
        ):
            with pytest.raises(TypeError, match="protects functions that do their work"):
                policy().call(fn)
        assert policy().call(pool.map, int, "12") == [1, 2]


def decorated(one, fn):
    return one(fn)()


def called(one, fn):
    return one.call(fn)


def after_a_failure(one, fn):
    calls = []

    def failing_first():
        calls.append(1)
        if len(calls) == 1:
            raise OSError
        return fn()

    return one.call(failing_first)


def awaited(one, fn):
    async def answering():
        return fn()

    return asyncio.run(one.acall(answering))


@pytest.mark.parametrize("fn", UNDONE)
@pytest.mark.parametrize("way", [decorated, called, after_a_failure, awaited])
def test_work_that_is_still_to_be_done_is_refused_by_every_way(fn, way):
    with pytest.raises(TypeError, match="protects functions that do their work"):
        way(policy(), fn)


@pytest.mark.parametrize("fn", [lambda: 1, dict, generator])
def test_what_can_not_be_awaited_is_refused_at_the_call_and_not_recovered(fn):
    one = policy()
    with pytest.raises(TypeError, match="acall awaits coroutine functions"):
        asyncio.run(one.acall(fn))
    assert one.stats().attempts == 0
    assert one.call(lambda: 5) == 5


def test_what_only_resembles_undone_work_is_an_answer(tmp_path):
    with policy()(open)(tmp_path / "f", "w") as file:
        assert file.writable()
    lock = threading.Lock()
    assert policy().call(lambda: lock) is lock
