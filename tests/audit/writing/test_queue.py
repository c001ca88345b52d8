"""An encode_in_caller log: its lines are made where the decisions are taken, and say the same."""

from __future__ import annotations

import errno
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import morosidad.audit.chain.chained_lines as chained_lines_module
import morosidad.audit.chain.file as file_module
import morosidad.audit.chain.hashing as hashing_module
import morosidad.audit.encoding as encoding_module
import morosidad.audit.log as log_module
import morosidad.audit.writing.queue as queue_module
from morosidad.audit import AuditContext, AuditLog, read, verify

VALUES = (30, 1500.5, "rural")
in_caller = pytest.mark.parametrize("make_log", ["by the caller"], indirect=True)


@pytest.fixture
def made(monkeypatch):
    """How often a line was made, by its number."""
    counts = {}
    real = hashing_module.make_line

    def make_line(chain, number, *rest):
        counts[number] = counts.get(number, 0) + 1
        return real(chain, number, *rest)

    monkeypatch.setattr(chained_lines_module, "make_line", make_line)
    monkeypatch.setattr(hashing_module, "make_line", make_line)
    return counts


@in_caller
def test_lines_are_made_ahead_once_and_only_written_then(make_log, path, context, decide, made):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    log.flush()  # from here on the chain is known
    for _ in range(7):
        log.append(context, decide(), VALUES, 0.1)
    assert [made.get(number) for number in range(2, 9)] == [1] * 6 + [None]
    assert log.stats().waiting == 7
    log.flush()
    assert [made[number] for number in range(2, 9)] == [1] * 7
    assert (verify(path).ok, verify(path).decisions) == (True, 8)


@in_caller
def test_lines_that_no_longer_fit_are_made_anew(make_log, path, context, decide, made):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    log.flush()
    for _ in range(4):
        log.append(context, decide(), VALUES, 0.1)
    path.unlink()
    log.flush()
    report = verify(path)
    assert (report.decisions, report.lost) == (4, 0)
    numbers = [line.id.split("-")[1] for line in read(path)]
    assert numbers == ["3", "4", "5", "6"]  # the second tells of the gap
    assert made[5] == 2


@in_caller
def test_an_append_returns_while_the_disk_hangs(make_log, path, context, decide):
    log = make_log(buffer_size=3, queue_size=20, on_full="drop")
    with log._io:  # as a writer would hold it in a write that does not end
        taken = [log.append(context, decide(), VALUES, 0.1) for _ in range(25)]
    assert taken == [True] * 20 + [False] * 5
    log.flush()
    assert (verify(path).decisions, verify(path).lost) == (20, 5)


@in_caller
def test_who_finds_another_thread_making_lines_leaves_them_to_it(make_log, path, context, decide):
    log = make_log()
    with log._encoding:
        assert all(log.append(context, decide(), VALUES, 0.1) for _ in range(9))
    log.flush()
    assert verify(path).decisions == 9


@in_caller
def test_no_more_is_made_ahead_than_one_batch_holds(make_log, path, context, decide, made, monkeypatch):
    monkeypatch.setattr(queue_module, "_BATCH_SIZE", 4)
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.flush()
    log.flush()
    for _ in range(20):
        log.append(context, decide(), VALUES, 0.1)
    assert max(made) == 5
    log.flush()
    assert verify(path).decisions == 21


@in_caller
def test_the_writer_goes_first_when_the_buffer_is_full(make_log, context, decide, monkeypatch):
    monkeypatch.setattr(log_module, "_YIELD_SECONDS", 60.0)  # longer than the test may take
    log = make_log(buffer_size=10)
    for turn in range(1, 4):
        for _ in range(10):
            log.append(context, decide(), VALUES, 0.1)
        assert log.stats().written == 10 * turn


@in_caller
def test_a_field_that_json_has_to_escape_is_written(make_log, path, decide):
    context = AuditContext(
        model="m", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=('dicho "así"', "b")
    )
    log = make_log()
    log.append(context, decide(), (1.5, None), 0.1)
    log.flush()
    (line,) = read(path)
    assert line.values == {'dicho "así"': 1.5, "b": None}


@in_caller
def test_what_many_models_share_is_not_kept_for_ever(make_log, path, decide, monkeypatch):
    monkeypatch.setattr(encoding_module, "_MODELS", 2)
    log = make_log()
    for number in range(5):
        context = AuditContext(
            model=f"m{number}", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=("edad",)
        )
        log.append(context, decide(), (number,), 0.1)
    log.flush()
    assert [(line.model.name, line.values) for line in read(path)] == [
        (f"m{number}", {"edad": number}) for number in range(5)
    ]
    assert len(log._encoder._constants) <= 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 12)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("break"), st.just(0)),
        st.tuples(st.just("mend"), st.just(0)),
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=STEPS,
    encode_in_caller=st.booleans(),
    rotation=st.sampled_from([None, 700, 2500, 10_000]),
    at_once=st.integers(1, 5),
    batch=st.integers(1, 30),
)
def test_whatever_happens_the_lines_are_there_in_order(
    tmp_path_factory, context, decide, steps, encode_in_caller, rotation, at_once, batch
):
    path = tmp_path_factory.mktemp("log") / "decisiones.jsonl"
    broken = False
    real = file_module.write_all

    def write_all(file, data):
        if broken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file, data)

    total = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_module, "write_all", write_all)
        patch.setattr(queue_module, "_ENCODE_CHUNK", at_once)
        patch.setattr(queue_module, "_BATCH_SIZE", batch)
        log = AuditLog(
            path,
            encode_in_caller=encode_in_caller,
            rotation_size=rotation,
            flush_interval=3600,
            buffer_size=10_000,
            on_alert=lambda alert: None,
        )
        for step, amount in steps:
            if step == "append":
                for _ in range(amount):
                    assert log.append(context, decide(request_id=str(total)), VALUES, 0.1)
                    total += 1
            elif step == "flush":
                assert log.flush() == (not broken or log.stats().waiting == 0)
            else:
                broken = step == "break"
            stats = log.stats()
            assert (stats.written + stats.waiting, stats.lost) == (total, 0)
        broken = False
        log.close()
    if total:
        found = verify(path)
        assert (found.ok, found.decisions, found.lost) == (True, total, 0)
        assert [line.request_id for line in read(path)] == [str(number) for number in range(total)]


@in_caller
def test_eager_appends_of_many_threads_beside_flushes_stay_one_chain(make_log, path, context, decide):
    log = make_log(buffer_size=7, queue_size=100_000, rotation_size=50_000)
    barrier = threading.Barrier(5)

    def append(thread):
        barrier.wait()
        for number in range(500):
            assert log.append(context, decide(request_id=f"{thread}-{number}"), VALUES, 0.1)

    def flush():
        barrier.wait()
        for _ in range(50):
            log.flush()

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    threads.append(threading.Thread(target=flush))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    report = verify(path)
    assert (report.ok, report.decisions, report.lost) == (True, 2000, 0)
    assert len({line.request_id for line in read(path)}) == 2000
