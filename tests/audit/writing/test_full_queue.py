"""A full queue: `append` waits for room, raises, or counts the decision as lost."""

from __future__ import annotations

import threading

import pytest

import morosidad.audit.writing.queue as queue_module
from helpers.audit import VALUES
from morosidad.audit import read, verify
from morosidad.errors import Overloaded
from support import wait_until

EACH, EACH_LONG = 500, 20_000


@pytest.mark.parametrize("encode_in_caller", [False, True])
@pytest.mark.parametrize("queue_size", [1, 7, 100, 10_000])
@pytest.mark.parametrize("durable", [False, True])
def test_eight_threads_lose_nothing_however_short_the_queue_is(
    make_log, path, context, decide, queue_size, durable, encode_in_caller, pytestconfig
):
    log = make_log(
        queue_size=queue_size,
        durable=durable,
        encode_in_caller=encode_in_caller,
        wait_limit=600,
        timeout=600,
    )
    each = 20 if durable else EACH_LONG if pytestconfig.getoption("--long") else EACH
    barrier = threading.Barrier(8)
    answers = []

    def append(thread):
        barrier.wait()
        answers.extend(
            log.append(context, decide(request_id=f"{thread}-{i}"), VALUES, 0.1) for i in range(each)
        )

    threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert answers == [True] * (8 * each)
    report = verify(path)
    assert (report.ok, report.decisions, report.lost) == (True, 8 * each, 0)
    assert {line.request_id for line in read(path)} == {f"{n}-{i}" for n in range(8) for i in range(each)}


def test_an_append_waits_until_the_writer_has_made_room(make_log, path, context, decide):
    log = make_log(queue_size=2, wait_limit=600)
    log._io.acquire()  # the writer can't get at the file
    assert [log.append(context, decide(), VALUES, 0.1) for _ in range(2)] == [True, True]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(log.append(context, decide(), VALUES, 0.1)))
    waiting.start()
    wait_until(lambda: log._full_since is not None)
    assert (answers, log.stats().lost) == ([], 0)
    log._io.release()
    waiting.join()
    log.close()
    assert (answers, verify(path).decisions, verify(path).lost) == ([True], 3, 0)


@pytest.mark.parametrize("on_full", ["wait", "error"])
def test_what_finds_no_room_in_time_is_counted_and_is_an_error_where_that_is_asked(
    make_log, path, context, decide, on_full, alerts
):
    log = make_log(queue_size=1, wait_limit=0.01, on_full=on_full)
    with log._io:
        assert log.append(context, decide(), VALUES, 0.1)
        for _ in range(3):
            if on_full == "error":
                with pytest.raises(Overloaded, match="was not logged"):
                    log.append(context, decide(), VALUES, 0.1)
            else:
                assert not log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert (verify(path).ok, verify(path).decisions, verify(path).lost) == (True, 1, 3)
    assert alerts[0] == ("decisiones_perdidas", True)


def test_a_file_that_takes_nothing_delays_only_the_first_caller(make_log, path, context, decide, monkeypatch):
    clock = [0.0]
    log = make_log(queue_size=1, wait_limit=5)
    waits = []

    def wait(seconds):
        waits.append(seconds)
        clock[0] += seconds

    with log._io:
        assert log.append(context, decide(), VALUES, 0.1)
        monkeypatch.setattr(queue_module.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(log._room, "wait", wait)
        assert not any(log.append(context, decide(), VALUES, 0.1) for _ in range(10))
        assert sum(waits) == 5
        monkeypatch.undo()
    log.close()
    assert (verify(path).decisions, verify(path).lost) == (1, 10)


def test_closing_ends_the_wait(make_log, path, context, decide):
    log = make_log(queue_size=1, wait_limit=600)
    log._io.acquire()
    assert log.append(context, decide(), VALUES, 0.1)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(log.append(context, decide(), VALUES, 0.1)))
    waiting.start()
    wait_until(lambda: log._full_since is not None)
    closing = threading.Thread(target=log.close)
    closing.start()
    waiting.join()
    log._io.release()
    closing.join()
    assert answers == [False]


def test_without_a_thread_the_caller_writes(make_log, path, context, decide, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    log = make_log(queue_size=2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert all(log.append(context, decide(), VALUES, 0.1) for _ in range(9))
    log.close()
    assert (verify(path).decisions, verify(path).lost) == (9, 0)


def test_a_listener_that_logs_in_the_writers_thread_does_not_wait_for_itself(make_log, path, context, decide):
    answers = []

    def listen(alert):
        if threading.current_thread().name == "morosidad-audit":
            answers.extend(log.append(context, decide(), VALUES, 0.1) for _ in range(3))

    log = make_log(queue_size=2, buffer_size=1, wait_limit=600, on_alert=listen)
    assert log.append(context, object(), VALUES, 0.1)  # can't be encoded: an alert opens
    wait_until(lambda: answers)
    log.close()
    assert answers[:3] == [True, True, False]
