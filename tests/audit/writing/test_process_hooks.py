"""The end of a process, in every way it can come: nothing that was taken is lost."""

from __future__ import annotations

import atexit
import contextlib
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

from morosidad.audit import find_logs, read, verify
from morosidad.audit.writing.process_hooks import ProcessHooks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

THREADS = 8

PRELUDE = """
import mmap, os, signal, struct, sys, threading, time, types
from morosidad.audit import AuditContext, AuditLog

folder = sys.argv[1]
context = AuditContext(
    model="m", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=("edad",))

def decision(request_id):
    return types.SimpleNamespace(
        probability=0.1, probabilities=(0.9, 0.1), label=0, confidence=0.9, outcome="aprobar", reasons=(),
        warnings=(), cached=None, degraded=False, request_id=request_id)

def make(**options):
    return AuditLog(folder + "/d.jsonl", usage=lambda: (None, None), **options)

def append(log, request_id):
    return log.append(context, decision(request_id), (30,), 0.1)
"""

# Each thread counts what was taken in shared memory, which outlives the process.
BUSY = """
log = make(durable=%r, rotation_size=200_000, timeout=60)
with open(folder + "/taken", "r+b") as file:
    taken = mmap.mmap(file.fileno(), 64)

def work(thread):
    count = 0
    while True:
        if append(log, f"{thread}-{count}"):
            count += 1
            struct.pack_into("q", taken, 8 * thread, count)
        if count %% 100 == 0:
            time.sleep(0.002)

for thread in range(8):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""

AFTERWARDS = """
alerts = []
log = make(durable=True, timeout=60, on_alert=alerts.append)
assert append(log, "after")
log.close()
sent = [(alert.code, alert.closed is None) for alert in alerts]
assert sent == [("lineas_cortadas", True), ("lineas_cortadas", False)]
"""


def start(script, folder, **options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + script, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(script, folder):
    process = start(script, folder)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert not err
    return process.returncode, out


@contextlib.contextmanager
def busy(folder, *, durable, enough):
    """Run eight threads that log without end; give control when they have got somewhere."""
    (folder / "taken").write_bytes(bytes(64))
    process = start(BUSY % durable, folder)
    with (folder / "taken").open("r+b") as file, mmap.mmap(file.fileno(), 64) as shared:
        try:
            while sum(struct.unpack("8q", shared[:])) < enough:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.005)
            yield process, lambda: struct.unpack("8q", shared[:])
        finally:
            process.kill()
            process.communicate(timeout=60)


def logged_by_thread(folder):
    logged = [0] * THREADS
    for line in read(folder / "d.jsonl"):
        thread, count = map(int, line.request_id.split("-"))
        assert count == logged[thread]
        logged[thread] += 1
    return logged


def test_sigterm_in_the_middle_loses_nothing(tmp_path):
    with busy(tmp_path, durable=False, enough=3000) as (process, taken):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == -signal.SIGTERM
        counts = taken()
    report = verify(tmp_path / "d.jsonl")
    assert (report.ok, report.torn) == (True, 0)
    assert all(logged >= count for logged, count in zip(logged_by_thread(tmp_path), counts, strict=True))


def test_kill_9_in_the_middle_loses_nothing_that_a_durable_log_acknowledged(tmp_path):
    with busy(tmp_path, durable=True, enough=300) as (process, taken):
        process.kill()
        process.wait(timeout=60)
        counts = taken()
    report = verify(tmp_path / "d.jsonl")
    assert report.ok
    assert all(logged >= count for logged, count in zip(logged_by_thread(tmp_path), counts, strict=True))
    with (tmp_path / "d.jsonl").open("ab") as file:
        file.write(b'{"id":"torn by the crash')
    assert verify(tmp_path / "d.jsonl").torn == 24 + report.torn
    assert run(AFTERWARDS, tmp_path) == (0, "")
    after = verify(tmp_path / "d.jsonl")
    assert (after.ok, after.torn, after.decisions) == (True, 0, report.decisions + 1)


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise SystemExit", "1 / 0"])
def test_the_exit_of_the_interpreter_writes_what_waits(tmp_path, end):
    process = start(f"log = make()\nfor i in range(50): append(log, str(i))\n{end}", tmp_path)
    process.communicate(timeout=60)
    assert verify(tmp_path / "d.jsonl").decisions == 50


def test_a_program_with_a_handler_of_its_own_ends_in_its_own_time(tmp_path):
    script = """
signal.signal(signal.SIGTERM, lambda *_: (append(log, "in the handler"), sys.exit(5)))
log = make()
append(log, "before")
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
    assert run(script, tmp_path) == (5, "")
    assert [line.request_id for line in read(tmp_path / "d.jsonl")] == ["before", "in the handler"]


def test_sigterm_finds_the_main_thread_inside_append_or_close(tmp_path):
    script = """
log, other = make(), make()
for each in (log, other):
    append(each, "first"); each.flush(); append(each, "second")
with log._lock, other._io:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
time.sleep(60)
"""
    assert run(script, tmp_path) == (-signal.SIGTERM, "")
    assert [verify(log).decisions for log in find_logs(tmp_path / "d.jsonl")] == [2, 2]


def test_sigterm_is_given_back_when_the_log_is_closed(tmp_path):
    script = """
first, second = make(), make()
first.close()
assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
second.close()
third = make()
third.close()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
    assert run(script, tmp_path) == (-signal.SIGTERM, "")


FORKED = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of forks beside threads
log = make()
append(log, "parent before")
log.flush()
"""


def test_a_forked_child_has_a_log_of_its_own_and_leaves_the_parents_alone(tmp_path):
    script = (
        FORKED
        + """
child = os.fork()
append(log, "parent" if child else "child")
if child:
    os.waitpid(child, 0)
"""
    )
    assert run(script, tmp_path) == (0, "")
    logs = {log.name: [line.request_id for line in read(log)] for log in find_logs(tmp_path / "d.jsonl")}
    assert sorted(logs.values()) == [["child"], ["parent before", "parent"]]
    assert all(verify(tmp_path / name).ok for name in logs)


def test_workers_of_a_pool_write_what_waits_when_they_end(tmp_path):
    script = (
        FORKED
        + """
import multiprocessing
context_ = multiprocessing.get_context("fork")
started = context_.Barrier(3)
def work():
    append(log, "child")
    started.wait()
children = [context_.Process(target=work) for _ in range(3)]
for child in children: child.start()
for child in children: child.join()
"""
    )
    assert run(script, tmp_path) == (0, "")
    logged = sorted(line.request_id for line in read(find_logs(tmp_path / "d.jsonl")))
    assert logged == ["child"] * 3 + ["parent before"]


def test_a_killed_process_gives_its_file_back(tmp_path):
    script = 'log = make(); append(log, "x"); log.flush(); os.kill(os.getpid(), signal.SIGKILL)'
    for _ in range(3):
        assert run(script, tmp_path) == (-signal.SIGKILL, "")
    assert find_logs(tmp_path / "d.jsonl") == [tmp_path / "d.jsonl"]
    assert (verify(tmp_path / "d.jsonl").ok, verify(tmp_path / "d.jsonl").decisions) == (True, 3)


def test_importing_does_nothing_and_loads_little(tmp_path):
    script = """
import morosidad.settings
assert not {"psutil", "pandas", "sklearn", "multiprocessing"} & sys.modules.keys()
assert (threading.active_count(), signal.getsignal(signal.SIGTERM)) == (1, signal.SIG_DFL)
"""
    assert run(script, tmp_path) == (0, "")


class Owner:
    def __init__(self):
        self.closed = 0
        self.forked = 0

    def close(self):
        self.closed += 1

    def after_fork(self):
        self.forked += 1


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
    hooks = ProcessHooks(owner.close, owner.after_fork)
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
    hooks = ProcessHooks(owner.close, owner.after_fork)
    hooks._close_and_repeat(signal.SIGTERM)
    assert signals == [os.getpid()]
    hooks.unregister()


def test_a_second_sigterm_does_not_hurry_the_first(signals):
    owner = Owner()
    closing, release = threading.Event(), threading.Event()

    def close():
        closing.set()
        release.wait()

    hooks = ProcessHooks(close, owner.after_fork)
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
    lifetimes = [ProcessHooks(owner.close, owner.after_fork) for owner in (first, second)]
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
    lifetimes = [ProcessHooks(owner.close, owner.after_fork) for _ in range(3)]
    for hooks in lifetimes:
        hooks.unregister()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_sigterm_while_the_interpreter_ends_leaves_it_to_the_exit(signals, monkeypatch):
    owner = Owner()
    hooks = ProcessHooks(owner.close, owner.after_fork)
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no")))
    hooks(signal.SIGTERM, None)
    assert (owner.closed, signals) == (0, [])
    hooks.unregister()


def test_another_handler_or_another_thread_leaves_sigterm_alone(monkeypatch):
    owner = Owner()
    made = []
    thread = threading.Thread(target=lambda: made.append(ProcessHooks(owner.close, owner.after_fork)))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        ProcessHooks(owner.close, owner.after_fork).unregister()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_forked_child_is_told_as_long_as_the_log_lives(monkeypatch):
    registered = []
    monkeypatch.setattr(os, "register_at_fork", lambda *, after_in_child: registered.append(after_in_child))
    owner = Owner()
    hooks = ProcessHooks(owner.close, owner.after_fork)
    registered[0]()
    assert owner.forked == 1
    hooks.unregister()
    del owner, hooks
    registered[0]()


def test_where_there_are_no_forks_none_are_watched(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    owner = Owner()
    ProcessHooks(owner.close, owner.after_fork).unregister()


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
    hooks = ProcessHooks(owner.close, owner.after_fork)
    hooks.watch_exit()
    assert (registered, finalized) == ([owner.close], [])
    monkeypatch.setattr(multiprocessing.process, "parent_process", object)
    hooks.watch_exit()
    assert finalized == [(None, owner.close, 0)]
    monkeypatch.delitem(sys.modules, "multiprocessing.process")
    hooks.watch_exit()
    assert len(finalized) == 1
    hooks.unregister()
