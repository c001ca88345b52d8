"""When the event loop counts as overloaded, and which share of the requests is refused then."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from morosidad.asgi.guards.loop_load import LoopLoad


class Clocks:
    """Wall and processor time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.spent = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.wall)
        monkeypatch.setattr("time.thread_time", lambda: self.spent)

    def work(self, seconds: float) -> None:
        self.wall += seconds
        self.spent += seconds

    def wait(self, seconds: float) -> None:
        self.wall += seconds


def turns(loop_load: LoopLoad, *works: Callable[[], None], asked: int = 1) -> list[int]:
    """Ask before and some times after each piece of work, in one turn of the loop each; count refusals."""

    async def run() -> list[int]:
        found = []
        for work in works:
            assert not loop_load.overloaded
            work()
            found.append(sum(loop_load.overloaded for _ in range(asked)))
            loop_load._end()
        return found

    return asyncio.run(run())


def test_only_the_second_long_turn_is_an_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    long, short = lambda: clocks.work(0.05), lambda: clocks.work(0.001)
    assert turns(LoopLoad(), short, long, short, long, long, short, short) == [0, 0, 0, 0, 1, 1, 0]


def test_in_overload_a_share_is_refused_wherever_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()
    twice_too_long = lambda: clocks.work(0.014)  # noqa: E731
    found = turns(loop_load, *[twice_too_long] * 40, asked=100)
    assert found[:2] == [0, 0]
    assert 10 < found[2] < 40
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(found))
    assert found[-1] > 95  # as it does not help, less and less is let in


def test_the_share_is_such_that_a_turn_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()

    async def run() -> list[int]:
        served = []
        for _ in range(30):
            served.append(0)
            for _ in range(60):
                refused = loop_load.overloaded
                served[-1] += not refused
                clocks.work(0.00001 if refused else 0.0005)
            loop_load._end()
        return served

    served = asyncio.run(run())
    assert served[0] == 60
    assert all(17 <= each <= 24 for each in served[5:]), served  # of half a millisecond each: 10 ms


def test_after_a_pause_an_overload_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    loop_load = LoopLoad()
    long = lambda: clocks.work(0.05)  # noqa: E731
    assert turns(loop_load, long, long, long, asked=20)[2] == 20
    clocks.wait(0.06)
    assert turns(loop_load, long, asked=20) == [0]


def test_waiting_for_a_processor_is_no_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    wait = lambda: clocks.wait(5.0)  # noqa: E731
    assert turns(LoopLoad(), wait, wait, wait) == [0] * 3


def test_a_turn_ends_by_itself() -> None:
    async def run() -> None:
        loop_load = LoopLoad()
        assert not loop_load.overloaded
        assert loop_load._began is not None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert loop_load._began is None

    asyncio.run(run())
