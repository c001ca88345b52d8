from __future__ import annotations

import base64
import gc
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.asgi.guards import access as module
from morosidad.asgi.guards.access import Access
from morosidad.asgi.guards.keys import Keyring, make_key
from morosidad.asgi.problems import Problem

HERE = "127.0.0.1"
LOCAL = {b"host": b"localhost:5000"}
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


def connection(client: str | None, *forwarded: str):
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    return {"client": None if client is None else (client, 1234), "headers": headers}


def refused(access: Access, headers, client=HERE, need="score") -> str:
    with pytest.raises(Problem) as caught:
        access.check(headers, client, need)
    return caught.value.code


# -- the address ---------------------------------------------------------------------------------


def test_without_trusted_proxies_no_forwarded_address_counts():
    assert Access(Keyring()).client(connection("198.51.100.7", "203.0.113.9")) == "198.51.100.7"


def test_a_forwarded_address_from_elsewhere_than_a_trusted_proxy_does_not_count():
    access = Access(Keyring(), proxies=["10.0.0.0/8"])
    assert access.client(connection("198.51.100.7", "203.0.113.9")) == "198.51.100.7"


def test_a_socket_without_addresses_has_no_client():
    assert Access(Keyring()).client(connection(None)) == ""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["1.2.3.4, 203.0.113.9"], "203.0.113.9"),  # what the client itself put there comes first
        (["1.2.3.4", "203.0.113.9"], "203.0.113.9"),  # two lines are one list
        (["203.0.113.9, 10.9.9.9, 10.8.8.8"], "203.0.113.9"),
        (["10.9.9.9"], "10.9.9.9"),  # proxies all the way
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["unknown"], "10.0.0.1"),  # no address: the proxy itself stands for it
        (["1.2.3.4, unknown"], "10.0.0.1"),
        (["1.2.3.4, unknown, 10.7.7.7"], "10.7.7.7"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_last_address_that_is_no_proxy_counts(lines, expected):
    access = Access(Keyring(), proxies=["10.0.0.0/8"])
    assert access.client(connection("10.0.0.1", *lines)) == expected


def test_a_proxy_is_trusted_by_its_ipv4_address_on_a_dual_socket_too():
    access = Access(Keyring(), proxies=["10.0.0.0/8"])
    assert access.client(connection("::ffff:10.0.0.1", "203.0.113.9")) == "203.0.113.9"


@given(st.lists(ADDRESSES | st.text("0123456789.:,[] x", max_size=20), max_size=6))
def test_nothing_that_a_client_sends_changes_who_it_is(invented):
    access = Access(Keyring(), proxies=["192.0.2.1"])
    assert access.client(connection("192.0.2.1", ", ".join([*invented, "203.0.113.9"]))) == "203.0.113.9"


# -- without keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "LOCALHOST", "127.0.0.9:5000", "[::1]:5000"])
@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_without_keys_this_machine_is_answered(host, client):
    Access(Keyring()).check_place({b"host": host.encode()}, client)


@pytest.mark.parametrize("client", ["198.51.100.7", "2001:db8::1", "no address"])
def test_without_keys_other_machines_are_refused(client):
    assert refused(Access(Keyring()), LOCAL, client) == "E403"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "[",
        "testserver",
    ],
)
def test_without_keys_a_rebound_name_is_refused(host):
    assert refused(Access(Keyring()), {b"host": host.encode()}) == "E403"


def test_without_keys_a_request_without_a_host_is_refused():
    assert refused(Access(Keyring()), {}) == "E403"


@pytest.mark.parametrize("header", [b"x-forwarded-for", b"forwarded"])
def test_without_keys_a_request_through_an_undeclared_proxy_is_refused(header):
    assert refused(Access(Keyring()), {**LOCAL, header: b"198.51.100.7"}) == "E403"


def test_without_keys_a_declared_proxy_on_this_machine_passes_on_who_asks():
    access = Access(Keyring(), proxies=["127.0.0.1"])
    headers = {**LOCAL, b"x-forwarded-for": b"198.51.100.7"}
    client = access.client({"client": (HERE, 1), "headers": list(headers.items())})
    assert refused(access, headers, client) == "E403"
    assert access.check(headers, HERE, "score") == HERE


def test_nothing_long_that_a_client_sends_is_kept():
    local, proxied = Access(Keyring()), Access(Keyring(), proxies=["10.0.0.0/8"])
    tracemalloc.start()
    for number in range(200):
        long = f"{number}" * 10_000
        assert refused(local, {b"host": f"localhost:{long}".encode()}) == "E403"
        assert refused(local, {b"host": long.encode()}) == "E403"
        assert proxied.client(connection("10.0.0.1", long)) == "10.0.0.1"
    gc.collect()  # refusals and their frames hold each other
    of_this = [tracemalloc.Filter(True, file) for file in (module.__file__, __file__)]
    kept = tracemalloc.take_snapshot().filter_traces(of_this)
    tracemalloc.stop()
    assert sum(trace.size for trace in kept.traces) < 1_000_000


def test_an_anonymous_server_answers_everybody():
    access = Access(Keyring(), anonymous=True)
    assert access.check({b"host": b"evil.example"}, "198.51.100.7", "admin") == "198.51.100.7"


# -- origins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", [None, "http://localhost:5000", "https://localhost:5000", "HTTP://LOCALHOST:5000"]
)
def test_pages_of_the_server_itself_may_use_it(origin):
    headers = LOCAL if origin is None else {**LOCAL, b"origin": origin.encode()}
    assert Access(Keyring()).check(headers, HERE, "score") == HERE


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://[", "http://localhost", "http://localhost:5001",
     "http://x@localhost:5000", "http://localhost:5000/", "file://", "\xff"],
)  # fmt: skip
def test_pages_of_other_origins_may_not(origin):
    assert refused(Access(Keyring()), {**LOCAL, b"origin": origin.encode("latin-1")}) == "E403"


@pytest.mark.parametrize("origin", [b"null", b"", b"file://"])
def test_an_origin_without_a_host_is_not_that_of_a_request_without_one(origin):
    assert refused(Access(Keyring(), anonymous=True), {b"origin": origin}) == "E403"


def test_pages_of_the_origins_in_the_settings_may():
    access = Access(Keyring(), origins=["https://www.example.org"])
    assert access.check({**LOCAL, b"origin": b"https://www.example.org"}, HERE, "score") == HERE
    assert refused(access, {**LOCAL, b"origin": b"http://www.example.org"}) == "E403"


# -- keys ------------------------------------------------------------------------------------------

KEY, LINE = make_key("banco", ["score", "metrics"])
KEYED = Access(Keyring([LINE]))


def protocol(key: bytes) -> bytes:
    return b"morosidad, clave." + base64.urlsafe_b64encode(key).rstrip(b"=")


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-api-key": KEY.encode()},
        {b"authorization": b"Bearer " + KEY.encode()},
        {b"authorization": b"bearer  " + KEY.encode() + b" "},
        {b"sec-websocket-protocol": protocol(KEY.encode())},
    ],
)
def test_a_key_is_taken_from_each_place_it_may_stand_in(headers):
    assert KEYED.check(headers, "198.51.100.7", "score") == "clave:banco"
    assert KEYED.knows(headers)


@pytest.mark.parametrize(
    "headers", [{}, {b"authorization": b"Basic YTpi"}, {b"sec-websocket-protocol": b"morosidad"}]
)
def test_without_a_key_that_is_said(headers):
    assert refused(KEYED, headers) == "E401"
    assert not KEYED.knows(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-api-key": b""},
        {b"x-api-key": KEY[:-1].encode()},
        {b"x-api-key": KEY.encode() + b" "},
        {b"x-api-key": b"\xff\xfe"},
        {b"authorization": b"Bearer"},
        {b"sec-websocket-protocol": b"clave.%"},
        {b"sec-websocket-protocol": b"clave.\xf1a"},
        {b"sec-websocket-protocol": b"clave.a"},
    ],
)
def test_a_wrong_key_is_refused(headers):
    assert refused(KEYED, headers) == "E403"
    assert not KEYED.knows(headers)


def test_a_key_does_only_what_its_scopes_say():
    headers = {b"x-api-key": KEY.encode()}
    assert KEYED.check(headers, HERE, "metrics") == "clave:banco"
    assert refused(KEYED, headers, need="admin") == "E403"


def test_where_there_are_no_keys_everybody_may_know():
    assert Access(Keyring()).knows({})


# -- who counts as one ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_limits_count_an_ipv4_address_or_an_ipv6_network(client, counted):
    assert Access(Keyring(), anonymous=True).check({}, client, "score") == counted
