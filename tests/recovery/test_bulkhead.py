"""The threads that recovery runs work on: bounded, counted, and left behind when they must be."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import wait

import pytest

from morosidad.errors import DeadlineExceeded
from morosidad.recovery.bulkhead import Bulkhead, BulkheadCounts


def settle(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join()


def test_it_returns_the_value_or_the_error():
    bulkhead = Bulkhead(2, "prueba-valor")
    assert bulkhead.run(divmod, (7, 2), {}, 5.0) == ((3, 1), None)
    value, error = bulkhead.run(divmod, (7, 0), {}, 5.0)
    assert value is None
    assert isinstance(error, ZeroDivisionError)
    settle("prueba-valor")
    assert bulkhead.counts() == BulkheadCounts(0, 0, 0)


def test_work_sees_the_callers_context():
    tenant = contextvars.ContextVar[str]("tenant")
    tenant.set("coop")
    assert Bulkhead(1, "prueba").run(tenant.get, (), {}, 5.0) == ("coop", None)


def test_what_ends_the_interpreter_reaches_the_caller():
    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Bulkhead(1, "prueba").run(leave, (), {}, 5.0)


def test_no_more_threads_than_the_limit_and_the_rest_waits_in_line(stuck):
    bulkhead = Bulkhead(3, "prueba-linea")
    futures = [bulkhead.submit(stuck.wait) for _ in range(10)]
    assert bulkhead.counts().alive == 3
    assert sum(t.name.startswith("prueba-linea") for t in threading.enumerate()) == 3
    stuck.set()
    wait(futures)
    assert all(f.result() for f in futures)


def test_its_threads_do_not_keep_the_interpreter_alive(stuck):
    bulkhead = Bulkhead(1, "prueba-daemon")
    bulkhead.submit(stuck.wait)
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("prueba-daemon"))


def test_work_that_overruns_is_abandoned_and_counted_until_it_returns(stuck):
    bulkhead = Bulkhead(2, "prueba-abandono")
    value, error = bulkhead.run(stuck.wait, (), {}, 0.01)
    assert value is None
    assert isinstance(error, DeadlineExceeded)
    assert error.seconds == 0.01
    assert bulkhead.counts() == BulkheadCounts(1, 1, 1)
    stuck.set()
    settle("prueba-abandono")
    assert bulkhead.counts() == BulkheadCounts(0, 0, 1)


def test_work_still_in_line_when_its_time_is_up_never_starts(stuck):
    bulkhead, ran = Bulkhead(1, "prueba-nunca"), threading.Event()
    first = bulkhead.submit(stuck.wait)
    _, error = bulkhead.run(ran.set, (), {}, 0.01)
    assert isinstance(error, DeadlineExceeded)
    stuck.set()
    wait([first])
    settle("prueba-nunca")
    assert not ran.is_set()
    assert bulkhead.counts().abandoned_ever == 0


def test_when_all_threads_are_left_behind_work_fails_at_once(stuck):
    bulkhead = Bulkhead(2, "prueba-lleno")
    for _ in range(2):
        bulkhead.run(stuck.wait, (), {}, 0.01)
    future = bulkhead.submit(len, "x")
    assert isinstance(future.exception(timeout=0), DeadlineExceeded)
    assert bulkhead.counts() == BulkheadCounts(2, 2, 2)


def test_abandoning_work_that_is_done_changes_nothing():
    bulkhead = Bulkhead(1, "prueba")
    future = bulkhead.submit(len, "x")
    wait([future])
    bulkhead.abandon(future)
    assert bulkhead.counts().abandoned_ever == 0


def test_work_cancelled_in_line_is_skipped(stuck):
    bulkhead, ran = Bulkhead(1, "prueba-cancelada"), threading.Event()
    first = bulkhead.submit(stuck.wait)
    second = bulkhead.submit(ran.set)
    assert second.cancel()
    stuck.set()
    wait([first])
    settle("prueba-cancelada")
    assert not ran.is_set()


def test_abandoning_work_in_line_tells_whoever_waits_for_it(stuck):
    bulkhead, told = Bulkhead(1, "prueba"), threading.Event()
    bulkhead.submit(stuck.wait)
    second = bulkhead.submit(len, "x")
    second.add_done_callback(lambda _: told.set())
    bulkhead.abandon(second)
    assert told.is_set()
    assert second.cancelled()


def test_want_of_threads_does_no_harm_to_work_that_another_thread_has_taken(stuck, monkeypatch):
    bulkhead = Bulkhead(2, "prueba-tomada")
    bulkhead.submit(stuck.wait)

    def refuse(self: threading.Thread) -> None:
        stuck.set()
        settle("prueba-tomada")
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert bulkhead.run(len, ("x",), {}, 5.0) == (1, None)


def test_want_of_threads_is_the_works_own_error(monkeypatch):
    bulkhead = Bulkhead(1, "prueba")

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        _, error = bulkhead.run(len, ("x",), {}, 5.0)
    assert isinstance(error, RuntimeError)
    assert bulkhead.counts() == BulkheadCounts(0, 0, 0)
    assert bulkhead.run(len, ("x",), {}, 5.0) == (1, None)
