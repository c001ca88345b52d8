"""The direct path answers as the ordinary endpoint does, and leaves all else to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from morosidad.asgi.endpoints.http_protocol import GuardedHTTPProtocol
from morosidad.asgi.guards.loop_load import LoopLoad
from morosidad.asgi.service import BATCHED
from wire import GOOD, RECORD, answers, post, settings, talk

REQUESTS = {
    "a good one": post(GOOD),
    "with an id": post(GOOD, "X-Request-ID: abc-1"),
    "with a bad id": post(GOOD, "X-Request-ID: a b"),
    "as JSON": post(GOOD, "Content-Type: application/json"),
    "as text": post(GOOD, "Content-Type: text/plain"),
    "with a media type that has parameters": post(GOOD, "Content-Type: application/json; charset=utf-8"),
    "for another host": post(GOOD).replace(b"localhost", b"example.org"),
    "from another page": post(GOOD, "Origin: https://example.org"),
    "forwarded": post(GOOD, "X-Forwarded-For: 192.0.2.1"),
    "an invalid record": post(b'{"datos": {"edad": 300}}'),
    "no JSON": post(b'{"datos": '),
    "nothing": post(b""),
    "a name twice": post(b'{"datos": {"edad": 30, "edad": 40}}'),
    "more in the envelope": post(json.dumps({"datos": RECORD, "session_id": "s"}).encode()),
    "a large one": post(b'{"datos": {"otro": "' + b"x" * 40_000 + b'"}}'),
    "too large a one": post(b"[" * 2**21),
    "read": post(b"", method="GET"),
    "with a query": post(GOOD, path="/predecir?a=1"),
    "HTTP 1.0": post(GOOD, http="1.0"),
    "the last on its connection": post(GOOD, "Connection: close"),
    "after 100-continue": post(GOOD, "Expect: 100-continue"),
    "two at once": post(GOOD) + post(GOOD),
    "a bad one before a good one": post(b"{") + post(GOOD),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_both_ways_answer_alike(request_: bytes) -> None:
    straight, wire = talk([request_])
    ordinary, other = talk([request_], direct=False)
    if straight.startswith(b"HTTP/1.1 100"):
        straight, ordinary = straight.split(b"\r\n\r\n", 1)[1], ordinary.split(b"\r\n\r\n", 1)[1]
    assert answers(straight) == answers(ordinary)
    assert straight
    assert wire.closed == other.closed


def test_a_request_that_comes_in_pieces_is_answered_once() -> None:
    whole = post(GOOD)
    data, _ = talk([whole[:20], whole[20:-30], whole[-30:]])
    ((first, _, document),) = answers(data)
    assert first == b"HTTP/1.1 200 OK"
    assert document == answers(talk([whole])[0])[0][2]


@pytest.mark.parametrize(
    "given",
    [{"rate_limit_enabled": True}, {"server_access_log": True}, {"server_origins": ("https://a.example",)}],
)
def test_what_looks_at_each_request_is_never_passed_by(given: dict[str, Any], monkeypatch: Any) -> None:
    from morosidad.asgi.endpoints import direct

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(direct, "decided", fail)
    data, _ = talk([post(GOOD)], settings(**given))
    assert answers(data)[0][0] == b"HTTP/1.1 200 OK"


def test_a_body_over_the_limit_is_refused_however_small_the_limit_is() -> None:
    data, _ = talk([post(GOOD)], settings(server_body_size=50))
    assert answers(data)[0][2]["codigo"] == "E413"


def test_without_time_left_in_a_turn_a_request_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopLoad, "overloaded", True)
    data, wire = talk([post(GOOD)])
    ((first, headers, document),) = answers(data)
    assert first == b"HTTP/1.1 503 Service Unavailable"
    assert headers["retry-after"] == "1"
    assert document["codigo"] == "E503"
    assert not wire.closed


@pytest.mark.parametrize("direct", [True, False])
def test_while_the_queue_of_a_slow_model_is_full_all_are_refused(direct: bool) -> None:
    seen: list[int] = []

    def fill(service: Any, protocol: GuardedHTTPProtocol) -> None:
        service.mode = BATCHED
        service._batcher.queue_size = 0
        real = service.score

        async def score(*given: Any) -> Any:
            seen.append(1)
            return await real(*given)

        service.score = score

    data, wire = talk([post(GOOD)], direct=direct, during=fill)
    [(first, headers, document)] = answers(data)
    assert first == b"HTTP/1.1 503 Service Unavailable"
    assert (document["codigo"], "retry-after" in headers) == ("E503", True)
    assert len(seen) == (0 if direct else 1)  # at once, where the request arrives, if it can be
    assert not wire.closed


class CountedLoad:
    """A loop load that has room for one request, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def overloaded(self) -> bool:
        self.asked += 1
        return self.asked > 1


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (GOOD, 200, ()),
        (b'{"datos": {"edad": 300}}', 400, ()),
        (b'{"datos": ', 400, ()),
        (GOOD, 200, ("Content-Type: application/json; charset=utf-8",)),
    ],
)
def test_a_request_is_charged_to_the_loop_once(body: bytes, status: int, headers: tuple[str, ...]) -> None:
    load = CountedLoad()

    def with_room_for_one(service: Any, _: Any) -> None:
        service.loop_load = load

    data, _ = talk([post(body, *headers)], during=with_room_for_one)
    assert int(data.split(b" ")[1]) == status
    assert load.asked == 1


def test_a_request_that_the_model_fails_on_is_charged_once_however_it_goes_on() -> None:
    load = CountedLoad()

    def failing_once(service: Any, _: Any) -> None:
        service.loop_load = load
        real = service.scorer.score_nowait
        failures = iter([RuntimeError("no")])

        def score_nowait(*given: Any) -> Any:
            for failure in failures:
                raise failure
            return real(*given)

        service.scorer.score_nowait = score_nowait

    data, _ = talk([post(GOOD)], during=failing_once)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert load.asked == 1


def test_an_invalid_record_is_counted_as_one_refusal() -> None:
    found = []

    def look(service: Any, _: Any) -> None:
        found.append(service)

    talk([post(b'{"datos": {"edad": 300}}')], during=look)
    assert found[0].refused == {("/predecir", "E002"): 1}
