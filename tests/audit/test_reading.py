"""Reading a log and scoring it again."""

from __future__ import annotations

import pytest

from morosidad.audit import AuditLog, Difference, find_logs, read, replay, verify
from morosidad.audit.chain.hashing import ChainPosition, append_to_chain

VALUES = (30, None, "rural")


class Scored:
    def __init__(self, probability=0.25, label=0, outcome="revisar"):
        self.probability, self.label, self.outcome = probability, label, outcome


def test_decisions_are_read_in_order_from_all_files(fill, path):
    fill(30, rotation_size=4000)
    assert [line.request_id for line in read(path)] == [f"r-{i}" for i in range(30)]


def test_several_logs_are_read_one_after_the_other(make_log, path, context, decide):
    logs = [make_log(), make_log()]
    for i, log in enumerate(logs):
        log.append(context, decide(request_id=f"p{i}"), VALUES, 0.1)
        log.flush()
    assert [line.request_id for line in read(find_logs(path))] == ["p0", "p1"]


def test_a_log_that_is_not_there_is_an_error(path):
    with pytest.raises(FileNotFoundError):
        list(read(path))
    with pytest.raises(FileNotFoundError):
        replay(path, lambda values: 0.25)


def test_a_model_that_answers_as_it_did_makes_no_difference(fill, path):
    fill(5)
    for score in [lambda values: 0.25, lambda values: Scored(), lambda values: 0.25 + 1e-13]:
        report = replay(path, score)
        assert report.ok
        assert (report.replayed, report.differences) == (5, [])
    assert str(report).startswith("5 decisiones repetidas, 0 diferencias")


def test_missing_values_are_left_out(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), VALUES, 0.1)
    log.close()
    seen = []
    replay(path, lambda values: seen.append(dict(values)) or 0.25)
    assert seen == [{"edad": 30, "zona": "rural"}]


def test_every_difference_is_named(fill, path):
    fill(3)
    id_ = next(iter(read(path))).id

    def score(values):
        return Scored() if values["edad"] > 30 else Scored(0.6, 1, "rechazar")

    report = replay(path, score)
    assert not report.ok
    assert report.differences == [
        Difference(id_, "riesgo@3", "probabilidad", 0.25, 0.6),
        Difference(id_, "riesgo@3", "prediccion", 0, 1),
        Difference(id_, "riesgo@3", "decision", "revisar", "rechazar"),
    ]
    assert f"{id_} (riesgo@3): decision revisar → rechazar" in str(report)


def test_the_tolerance_is_settable_and_nan_is_always_a_difference(fill, path):
    fill(1)
    assert replay(path, lambda values: 0.26, tolerance=0.1).ok
    assert not replay(path, lambda values: 0.26).ok
    assert not replay(path, lambda values: float("nan"), tolerance=1).ok


def test_a_record_that_can_not_be_scored_any_more_is_a_difference(fill, path):
    fill(2)
    report = replay(path, lambda values: values["campo nuevo"])
    assert [(d.field, d.logged, d.now) for d in report.differences] == [("error", None, "KeyError")] * 2


@pytest.mark.parametrize("options", [{"values": "none"}, {"values": "hash", "key": "k"}])
def test_without_values_nothing_can_be_replayed(fill, path, options):
    fill(4, **options)
    report = replay(path, lambda values: 1 / 0)
    assert (report.replayed, report.without_values, report.ok) == (0, 4, True)


def test_degraded_decisions_are_passed_over(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(degraded=True), VALUES, 0.1)
    log.close()
    report = replay(path, lambda values: 1 / 0)
    assert (report.replayed, report.degraded) == (0, 1)


def test_events_are_passed_over_and_damaged_lines_are_counted(make_log, path, context, decide):
    log = make_log(queue_size=1, on_full="drop")
    with log._io:
        for _ in range(2):
            log.append(context, decide(), VALUES, 0.1)
    log.close()
    line, _ = append_to_chain(ChainPosition("0" * 12, 7, "0" * 64), b'{"tipo":"decision"}', None)
    with path.open("ab") as raw:
        raw.write(b"nada\n" + line)
    report = replay(path, lambda values: 0.25)
    assert (report.replayed, report.unreadable, report.ok) == (1, 2, False)
    assert len(list(read(path))) == 1


def test_values_of_a_keyed_log_are_replayed_without_the_key(path, context, decide):
    with AuditLog(path, key="una clave larga") as log:
        log.append(context, decide(), VALUES, 0.1)
    assert replay(path, lambda values: 0.25).replayed == 1


@pytest.mark.parametrize("junk", [b'"\xff"', b'"\xed\xa0\x80"'])
def test_a_line_that_is_no_text_is_unreadable_and_not_the_end(path, junk):
    line, last = append_to_chain(
        ChainPosition("a" * 12, 0, "0" * 64), b'{"tipo":"evento","evento":' + junk + b"}", None
    )
    path.write_bytes(line)
    assert list(read(path)) == []
    assert replay(path, lambda values: 0.25).unreadable == 1
    report = verify(path)
    assert (report.lines, report.lost, report.digest) == (1, 0, last.digest)
