"""Upgrades drawn at random, cut into segments anywhere: one answer for one request, and never a WebSocket."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.asgi.guards.upgrades import asks_for_websocket, head_bytes, opens_websocket, without_upgrade
from wire import GOOD, answers, post, talk

PROTOCOLS = st.lists(
    st.sampled_from(["h2c", "HTTP/2.0", "TLS/1.0", "irc/6.9", "websocketx", "x-web"]), min_size=1, max_size=3
)
CONNECTION = st.permutations(["Upgrade", "HTTP2-Settings", "keep-alive"]).map(", ".join)


@settings(max_examples=25, deadline=None)
@given(protocols=PROTOCOLS, connection=CONNECTION, cuts=st.lists(st.integers(1, 400), max_size=4))
def test_what_is_not_spoken_is_ignored_wherever_it_is_cut(protocols, connection, cuts) -> None:
    headers = [f"Upgrade: {', '.join(protocols)}", f"Connection: {connection}", "HTTP2-Settings: AAMAAABk"]
    whole = post(GOOD, *headers) + post(GOOD)
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    data, wire = talk(pieces)
    assert [first for first, _, _ in answers(data)] == [b"HTTP/1.1 200 OK"] * 2
    assert not wire.closed


TOKENS = st.lists(st.sampled_from([b"upgrade", b"Upgrade", b"close", b"keep-alive"]), max_size=4)


@given(tokens=TOKENS, upgrade=st.sampled_from([b"h2c", b"websocket", b"WebSocket", b"h2c, websocket"]))
def test_a_head_without_its_upgrade_asks_for_none_and_says_the_rest(tokens, upgrade) -> None:
    headers = [(b"host", b"a"), (b"connection", b", ".join(tokens)), (b"upgrade", upgrade), (b"x", b"y")]
    assert asks_for_websocket(headers) == (b"websocket" in upgrade.lower())
    kept = dict(without_upgrade(headers))
    assert b"upgrade" not in kept
    assert b"upgrade" not in kept.get(b"connection", b"").lower()
    assert (b"close" in kept.get(b"connection", b"")) == (b"close" in tokens)
    assert head_bytes(b"GET", b"/", "1.1", [*kept.items()]).endswith(b"x: y\r\n\r\n")


@given(
    method=st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT"]),
    version=st.sampled_from(["1.0", "1.1"]),
    url=st.sampled_from([b"/ws/kpis", b"/ws/kpis?a=b", b"/", b"/ws", b"/ws/kpis/", b"/ws%2fkpis", b"*"]),
    body=st.sampled_from(
        [
            (),
            ((b"content-length", b"0"),),
            ((b"content-length", b"1"),),
            ((b"transfer-encoding", b"chunked"),),
        ]
    ),
)
def test_a_websocket_is_opened_by_a_get_without_a_body_at_its_path(method, version, url, body) -> None:
    empty = all(value == b"0" for _, value in body)
    right = method == b"GET" and version == "1.1" and url.startswith(b"/ws/kpis") and len(url) in (8, 12)
    assert opens_websocket(method, version, url, body, {"/ws/kpis"}) == (right and empty)
