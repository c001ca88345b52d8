from __future__ import annotations

import asyncio
import json
import tracemalloc
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.asgi.guards.bodies import (
    BOUNDED_READ,
    ClientGone,
    check_media_type,
    decode,
    read_body,
    record_of,
)
from morosidad.asgi.problems import Problem

MEGABYTE = 2**20
DOCUMENTS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def refused(call, *arguments) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


# -- reading ---------------------------------------------------------------------------------------


def read(parts, limit=100, seconds=60.0, scope=None):
    """Read a body that comes in parts; after the last one, a receive never returns."""
    waiting = list(parts)

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return asyncio.run(read_body(scope or {}, receive, limit, seconds))


def part(body: bytes, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_comes_whole_or_in_parts():
    assert read([part(b"abc")]) == b"abc"
    assert read([part(b"a", True), part(b"", True), part(b"bc")]) == b"abc"
    assert read([{"type": "http.request"}]) == b""


def test_a_body_may_be_as_large_as_the_limit_and_no_larger():
    assert len(read([part(b"x" * 60, True), part(b"x" * 40)])) == 100
    assert refused(read, [part(b"x" * 60, True), part(b"x" * 41, True)]).code == "E413"


def test_a_body_that_does_not_arrive_in_time_is_given_up():
    problem = refused(read, [part(b"a", True)], 100, 0.01)
    assert (problem.code, dict(problem.headers)[b"connection"]) == ("E001", b"close")


def test_a_server_that_ends_slow_requests_itself_is_left_to_do_so():
    assert read([part(b"abc")], seconds=0.0, scope={"extensions": {BOUNDED_READ: {}}}) == b"abc"


def test_a_client_that_leaves_is_no_problem_of_ours():
    with pytest.raises(ClientGone):
        read([part(b"a", True), {"type": "http.disconnect"}])


# -- what it is declared to be -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b"application/json; charset=utf8; x=y",
        b"application/vnd.solicitud+json",
    ],
)
def test_json_is_declared_in_several_ways(given):
    check_media_type(given)


@pytest.mark.parametrize(
    "given",
    [
        b"text/plain",
        b"",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/jsonp",
        b"text/json",
        b"application/json; charset=latin-1",
        b"application/json, text/plain",
        b"\xff",
    ],
)
def test_anything_else_is_refused(given):
    problem = refused(check_media_type, given)
    assert problem.code == "E001"
    assert "Content-Type" in problem.message


# -- decoding ----------------------------------------------------------------------------------------


@given(DOCUMENTS)
def test_what_is_json_comes_out_as_it_went_in(document):
    assert decode(json.dumps(document).encode()) == document
    assert decode(msgspec.json.encode(document)) == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"hola",
        b'{"datos": NaN}',
        b'{"datos": Infinity}',
        b'{"datos": -Infinity}',
        b'{"datos": 1e999}',
        b'{"datos": 01}',
        b'{"datos": 1,}',
        b'{"datos": 1} x',
        b'{"datos": 1}{"datos": 1}',
        b"{'datos': 1}",
        b'{"datos": "\xff"}',
        b'{"\xed\xa0\x80": 1}',
        b'{"datos": "\\ud800"}',
        b'{"datos": "\\udc00 \\ud800"}',
        b'{"datos": "\\u12"}',
        b'{"datos": "a\x00b"}',
        b"\xef\xbb\xbf{}",
        '{"datos": 1}'.encode("utf-16"),
        b"/* */ {}",
    ],
)  # fmt: skip
def test_what_is_no_json_in_utf_8_is_refused(body):
    assert refused(decode, body).code == "E001"


@pytest.mark.parametrize(
    "body",
    [
        b'{"datos": 1, "datos": 2}',
        b'{"datos": 1, "\\u0064atos": 2}',
        b'[{"a": {"b": 1, "b": 1}}]',
        b'{"a": "\\"", "a": 1}',
        b'{"": 1, "": 2}',
        b'{"a": ["x"], "a": ["x"]}',
    ],
)
def test_a_name_given_twice_is_refused(body):
    assert "repite" in refused(decode, body).message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
        b'{"a": "\\u0061", "b": "a\\"b\\"\\\\"}',
        b'{"a": ["a", "a"]}',
    ],
)
def test_a_name_may_stand_again_in_another_object(body):
    assert decode(body) == json.loads(body)


@given(st.lists(st.tuples(st.text(max_size=3), DOCUMENTS), max_size=5), st.booleans())
def test_repeated_names_are_found_however_they_are_written(pairs, escaped):
    body = ", ".join(f"{json.dumps(n, ensure_ascii=escaped)}: {json.dumps(v)}" for n, v in pairs)
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        assert decode(f"{{{body}}}".encode()) == dict(pairs)
    else:
        assert refused(decode, f"{{{body}}}".encode()).code == "E001"


HOSTILE = {
    "deep lists": b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2),
    "deep lists, open": b"[" * MEGABYTE,
    "deep objects": b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "a long number": b"1" * MEGABYTE,
    "a long fraction": b"0." + b"1" * MEGABYTE + b"e",
    "a long string, open": b'"' + b"a" * MEGABYTE,
    "backslashes": b'"' + b"\\" * MEGABYTE,
    "one name many times": b"{" + b'"a":1,' * 170_000 + b'"a":1}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bodies_are_refused_within_bounded_memory(what):
    tracemalloc.start()
    try:
        assert refused(decode, HOSTILE[what]).code == "E001"
        assert tracemalloc.get_traced_memory()[1] < 100 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [*range(900, 1010, 5), 5000, 100_000])
def test_any_depth_is_either_read_or_refused(depth):
    with suppress(Problem):
        decode(b"[" * depth + b'"a"' + b"]" * depth)


# -- the envelope ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [
        {"datos": {"a": 1}},
        {"datos": {"a": 1}, "timestamp_cliente": 1.5, "session_id": "s"},
        {"datos": {"a": 1}, "timestamp_cliente": 1, "session_id": None},
        {"datos": {"a": 1}, "timestamp_cliente": None},
    ],
)
def test_the_record_stands_under_its_name(found):
    assert record_of(found) == {"a": 1}


@pytest.mark.parametrize("found", [None, 1, "x", [], [{"datos": {}}]])
def test_a_request_that_is_no_object_is_refused(found):
    assert refused(record_of, found).code == "E001"


@pytest.mark.parametrize(
    ("found", "fields"),
    [
        ({}, ["datos"]),
        ({"dato": {}}, ["datos", "dato"]),
        ({"datos": {}, "timestamp_cliente": "ayer"}, ["timestamp_cliente"]),
        ({"datos": {}, "timestamp_cliente": True}, ["timestamp_cliente"]),
        ({"datos": {}, "session_id": 1, "x": 1}, ["session_id", "x"]),
        ({"datos": {}, "ñ" * 80: 1}, ["ñ" * 64]),
    ],
)
def test_every_mistake_in_the_envelope_is_named(found, fields):
    problem = refused(record_of, found)
    assert problem.code == "E001"
    assert [error.field for error in problem.errors] == fields


def test_of_many_strange_names_some_are_told():
    problem = refused(record_of, {"datos": {}, **{f"x{i}": 1 for i in range(100_000)}})
    assert len(problem.errors) == 20


@pytest.mark.parametrize("record", [None, 1, "x", [], True])
def test_a_record_that_is_no_object_is_invalid(record):
    problem = refused(record_of, {"datos": record})
    assert (problem.code, [error.code for error in problem.errors]) == ("E002", ["registro"])
