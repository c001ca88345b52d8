"""Many decisions encoded column by column: the same lines as one by one."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.audit import VALUES, lines_of
from morosidad.audit import AuditContext, DecisionTable, read, verify
from morosidad.audit.encoding import LineEncoder
from morosidad.errors import Overloaded
from morosidad.policy.decision import Decision, Reason
from morosidad.policy.reason_table import ReasonTable
from support import wait_until

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
SHARES = st.floats(0, 1)


@st.composite
def decided(draw):
    fields = draw(st.lists(NAMES | st.just("nombre"), min_size=1, max_size=4, unique=True))
    number = draw(st.integers(0, 5))

    def rows(cells, size=number):
        return draw(st.lists(cells, min_size=size, max_size=size))

    kinds = [Reason(f"R{i}", draw(NAMES), draw(TEXTS), 0.0) for i in range(3)]
    reasons = None
    if draw(st.booleans()):
        which = np.array(rows(st.permutations([0, 1, 2])), dtype=np.intp).reshape(number, 3)
        given_ = np.array(rows(st.integers(0, 3)), dtype=int).reshape(number, 1)
        shares = np.array(rows(st.lists(SHARES, min_size=3, max_size=3))).reshape(number, 3)
        reasons = ReasonTable(kinds, np.where(np.arange(3) < given_, which, -1), shares)
    table = DecisionTable(
        values=[rows(CELLS) for _ in fields],
        probabilities=np.array(rows(SHARES), dtype=np.float64),
        labels=np.array(rows(st.integers(0, 1)), dtype=np.int8),
        outcomes=rows(st.sampled_from(["aprobar", "revisar", "rechazar"])),
        warnings=rows(st.lists(TEXTS, max_size=2).map(tuple)),
        seconds=draw(SHARES),
        reasons=reasons,
        request_ids=draw(st.none() | st.just(rows(st.none() | TEXTS))),
    )
    return tuple(fields), table


def one_by_one(fields, table):
    for row in range(len(table)):
        p = float(table.probabilities[row])
        reasons = ()
        if table.reasons is not None:
            kinds, shares = table.reasons.kinds, table.reasons.contributions[row].tolist()
            pairs = zip(table.reasons.which[row].tolist(), shares, strict=True)
            reasons = tuple(
                Reason(kinds[k].code, kinds[k].field, kinds[k].text, share) for k, share in pairs if k >= 0
            )
        decision = Decision(
            label=int(table.labels[row]),
            probabilities=(1.0 - p, p),
            confidence=max(p, 1.0 - p),
            outcome=table.outcomes[row],
            reasons=reasons,
            warnings=table.warnings[row],
            request_id=None if table.request_ids is None else table.request_ids[row],
        )
        yield decision, tuple(column[row] for column in table.values)


@settings(max_examples=200, deadline=None)
@given(decided(), st.sampled_from(["full", "hash", "none"]))
def test_a_table_makes_the_lines_that_its_decisions_make(found, values):
    fields, table = found
    context = AuditContext(
        model="m", version="1", digest="d", schema="s", policy="p", cutoffs={"revisar": 0.2}, fields=fields
    )
    encoder = LineEncoder(values, b"llave")
    expected = [
        encoder.decision(context, decision, row, table.seconds, 1000.5, (1.0, None))
        for decision, row in one_by_one(fields, table)
    ]
    assert encoder.decisions(context, table, 1000.5, (1.0, None)) == expected


def table_of(number):
    return DecisionTable(
        values=[np.arange(number), [None] * number, ["rural"] * number],
        probabilities=np.linspace(0, 1, number),
        labels=np.zeros(number, dtype=np.int8),
        outcomes=["revisar"] * number,
        warnings=[()] * number,
        seconds=1e-6,
        request_ids=[f"r-{i}" for i in range(number)],
    )


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("queue_size", [1, 7, 10_000])
def test_every_decision_of_a_table_is_logged_in_order(make_log, path, context, decide, durable, queue_size):
    log = make_log(queue_size=queue_size, durable=durable, wait_limit=600, timeout=600)
    number = 20 if durable and queue_size == 1 else 300
    assert log.append(context, decide(request_id="first"), VALUES, 0.1)
    assert log.append_many(context, table_of(number))
    assert log.append(context, decide(request_id="last"), VALUES, 0.1)
    log.close()
    report = verify(path)
    assert (report.ok, report.decisions, report.lost) == (True, number + 2, 0)
    assert [line.request_id for line in read(path)] == ["first", *(f"r-{i}" for i in range(number)), "last"]


def test_an_empty_table_is_nothing(make_log, context, tmp_path):
    assert make_log().append_many(context, table_of(0))
    assert list(tmp_path.iterdir()) == []


def test_what_finds_no_room_is_lost_and_counted(make_log, path, context):
    log = make_log(queue_size=5, on_full="drop")
    log._io.acquire()  # the writer can't get at the file
    assert not log.append_many(context, table_of(8))
    assert (log.stats().waiting, log.stats().lost) == (5, 3)
    log._io.release()
    log.close()
    assert (verify(path).decisions, verify(path).lost) == (5, 3)


def test_what_finds_no_room_is_an_error_where_that_is_asked_for(make_log, context):
    log = make_log(queue_size=5, on_full="error", wait_limit=0.01)
    log._io.acquire()
    with pytest.raises(Overloaded, match="3 decisions were not logged"):
        log.append_many(context, table_of(8))
    log._io.release()


def test_a_table_waits_until_the_writer_has_made_room(make_log, path, context):
    log = make_log(queue_size=5, wait_limit=600)
    log._io.acquire()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(log.append_many(context, table_of(20))))
    waiting.start()
    wait_until(lambda: log._full_since is not None)
    log._io.release()
    waiting.join()
    log.close()
    assert (answers, len(lines_of(path))) == ([True], 20)


def test_a_closed_log_takes_nothing(make_log, context):
    log = make_log()
    log.close()
    assert not log.append_many(context, table_of(3))
    assert log.stats().lost == 3


def test_a_line_that_is_too_long_is_lost_and_counted(make_log, path, context):
    log = make_log()
    table = table_of(3)
    table.request_ids[1] = "x" * 2**20
    assert log.append_many(context, table)
    log.close()
    assert [json.loads(line)["evento"] for line in path.read_bytes().splitlines()[2:]] == ["perdidas"]
    assert (verify(path).decisions, verify(path).lost) == (2, 1)
