"""The log at the end of real processes: SIGTERM, kill -9, exit, forks and pools."""

from __future__ import annotations

import contextlib
import mmap
import signal
import struct
import sys
import time

import pytest

from helpers.processes import start
from morosidad.audit import find_logs, read, verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

THREADS = 8

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
while True:  # a signal that comes just before a wait without end does not wake Python's main thread
    time.sleep(0.1)
"""

AFTERWARDS = """
alerts = []
log = make(durable=True, timeout=60, on_alert=alerts.append)
assert append(log, "after")
log.close()
sent = [(alert.code, alert.closed is None) for alert in alerts]
assert sent == [("lineas_cortadas", True), ("lineas_cortadas", False)]
"""


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
