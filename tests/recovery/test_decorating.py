"""Protection is never absent silently: what a policy decorates works under it, or is a TypeError."""

from __future__ import annotations

import asyncio
import functools

import pytest

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
