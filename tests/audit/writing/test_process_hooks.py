"""ProcessHooks: SIGTERM handlers and exit hooks."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time

import pytest

from morosidad.audit.writing.process_hooks import ProcessHooks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Owner:
    def __init__(self):
        self.closed = 0

    def close(self):
        self.closed += 1


@pytest.fixture
def signals(monkeypatch):
    """Signals that would have been sent, and the exits that would have followed."""
    sent = []
    monkeypatch.setattr(signal, "pthread_kill", lambda thread, number: sent.append(number))
    monkeypatch.setattr(signal, "raise_signal", sent.append)
    monkeypatch.setattr(os, "_exit", lambda code: sent.append(f"exit {code}"))
    return sent


def test_sigterm_closes_first_and_is_passed_on_then(signals):
    owner = Owner()
    hooks = ProcessHooks(owner.close)
    hooks(signal.SIGTERM, None)
    while len(signals) < 2:  # the main thread is told again until it hears
        time.sleep(0.001)
    assert (owner.closed, set(signals)) == (1, {signal.SIGTERM})
    hooks(signal.SIGTERM, None)
    hooks._closer.join()
    assert signals[-2:] == [signal.SIGTERM, "exit 143"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    count = len(signals)
    hooks(signal.SIGTERM, None)
    assert (owner.closed, len(signals)) == (1, count)


def test_where_one_thread_can_not_be_signalled_the_process_is(signals, monkeypatch):
    hooks = None

    def kill(pid, number):
        signals.append(pid)
        hooks._passed_on.set()

    monkeypatch.delattr(signal, "pthread_kill")
    monkeypatch.setattr(os, "kill", kill)
    owner = Owner()
    hooks = ProcessHooks(owner.close)
    hooks._close_and_repeat(signal.SIGTERM)
    assert signals == [os.getpid()]
    hooks.unregister()


def test_a_second_sigterm_does_not_hurry_the_first(signals):
    closing, release = threading.Event(), threading.Event()

    def close():
        closing.set()
        release.wait()

    hooks = ProcessHooks(close)
    hooks(signal.SIGTERM, None)
    closing.wait()
    hooks(signal.SIGTERM, None)
    assert signals == []
    release.set()
    while not signals:
        time.sleep(0.001)
    hooks(signal.SIGTERM, None)
    hooks._closer.join()
    assert signals[-1] == "exit 143"


def test_two_logs_are_closed_one_after_the_other(signals):
    first, second = Owner(), Owner()
    lifetimes = [ProcessHooks(owner.close) for owner in (first, second)]
    lifetimes[1](signal.SIGTERM, None)
    while not signals:
        time.sleep(0.001)
    lifetimes[1](signal.SIGTERM, None)
    lifetimes[1]._closer.join()
    assert signal.getsignal(signal.SIGTERM) is lifetimes[0]
    assert (first.closed, second.closed, set(signals)) == (0, 1, {signal.SIGTERM})
    lifetimes[0].unregister()


def test_logs_closed_out_of_turn_give_sigterm_back(signals):
    owner = Owner()
    lifetimes = [ProcessHooks(owner.close) for _ in range(3)]
    for hooks in lifetimes:
        hooks.unregister()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_sigterm_while_the_interpreter_ends_leaves_it_to_the_exit(signals, monkeypatch):
    owner = Owner()
    hooks = ProcessHooks(owner.close)
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no")))
    hooks(signal.SIGTERM, None)
    assert (owner.closed, signals) == (0, [])
    hooks.unregister()


def test_another_handler_or_another_thread_leaves_sigterm_alone(monkeypatch):
    owner = Owner()
    made = []
    thread = threading.Thread(target=lambda: made.append(ProcessHooks(owner.close)))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        ProcessHooks(owner.close).unregister()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_forked_child_begins_as_if_no_signal_had_come(signals):
    owner = Owner()
    hooks = ProcessHooks(owner.close)
    hooks(signal.SIGTERM, None)
    hooks._passed_on.set()
    hooks._closer.join()
    hooks._after_fork()
    hooks(signal.SIGTERM, None)
    hooks._passed_on.set()
    hooks._closer.join()
    assert owner.closed == 2
    hooks.unregister()


def test_the_exit_is_watched_and_in_a_worker_its_end_too(monkeypatch):
    import multiprocessing.process
    import multiprocessing.util

    registered, finalized = [], []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(
        multiprocessing.util,
        "Finalize",
        lambda obj, call, exitpriority: finalized.append((obj, call, exitpriority)),
    )
    owner = Owner()
    hooks = ProcessHooks(owner.close)
    hooks.watch_exit()
    assert (registered, finalized) == ([owner.close], [])
    monkeypatch.setattr(multiprocessing.process, "parent_process", object)
    hooks.watch_exit()
    assert finalized == [(None, owner.close, 0)]
    monkeypatch.delitem(sys.modules, "multiprocessing.process")
    hooks.watch_exit()
    assert len(finalized) == 1
    hooks.unregister()
