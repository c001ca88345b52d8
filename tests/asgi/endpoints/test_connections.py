"""Connections to a real process: upgrades, hosts, heads, limits and handles."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys

import psutil
import pytest

from serving import FOUND, wait_until

ALIVE = b"GET /salud/viva HTTP/1.1\r\nHost: localhost\r\n\r\n"
PERSON = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
BODY = json.dumps({"datos": PERSON}).encode()
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), FOUND)


def read_all(open_: socket.socket) -> bytes:
    """Read until the server closes."""
    data = b""
    try:
        while piece := open_.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def ask(port: int, *pieces: bytes) -> bytes:
    """Send pieces, one segment each, and read until the server closes."""
    with connected(port) as open_:
        open_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            open_.sendall(piece)
        return read_all(open_)


def statuses(data: bytes) -> list[int]:
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]


def head(method: bytes, path: bytes, *lines: bytes, host: bytes = b"Host: localhost") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", host, *lines, b"", b""])


UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket", KEY.strip())


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [(b"GET", b"/", [b"Content-Length: 1"]), (b"GET", b"/ws/metricas", [b"Content-Length: 1"]),
     (b"GET", b"/ws/metricas", [b"Transfer-Encoding: chunked"]), (b"POST", b"/ws/metricas", []),
     (b"GET", b"/", []), (b"GET", b"/predecir", []), (b"HEAD", b"/ws/kpis", []),
     (b"POST", b"/predecir", [b"Content-Length: 9"])],
)  # fmt: skip
def test_an_upgrade_that_opens_no_websocket_is_refused_and_closed(run, method, path, more) -> None:
    server = run()
    assert statuses(ask(server.port, head(method, path, *UPGRADE, *more))) == [400]


def test_a_tunnel_is_refused_and_closed(run) -> None:
    server = run()
    assert statuses(ask(server.port, head(b"CONNECT", b"localhost:443"))) == [405]


@pytest.mark.parametrize(
    "host", [b"X: y", b"Host: localhost\r\nHost: localhost", b"Host: a b", b"Host: a, b"]
)
def test_a_request_has_one_host(run, host) -> None:
    server = run()
    assert statuses(ask(server.port, head(b"GET", b"/salud/viva", host=host) + ALIVE)) == [400]


@pytest.mark.parametrize("protocol", [b"h2c", b"HTTP/2.0", b"TLS/1.2", b"h2c, TLS/1.0"])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_an_upgrade_that_is_not_spoken_is_ignored(run, protocol, pieces) -> None:
    server = run()
    upgrade = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + protocol, b"HTTP2-Settings: AAMAAABk"]
    first = head(b"POST", b"/predecir", *upgrade, b"Content-Length: %d" % len(BODY))
    last = head(b"POST", b"/predecir", b"Connection: close", b"Content-Length: %d" % len(BODY)) + BODY
    sent = {1: [first + BODY + last], 2: [first, BODY + last], 3: [first[:40], first[40:], BODY, last]}
    data = ask(server.port, *sent[pieces])
    assert statuses(data) == [200, 200]
    assert data.count(b'"prediccion"') == 2


def test_heads_over_the_limit_are_refused_however_they_arrive(run) -> None:
    server = run()
    for large in (b"A: " + b"x" * 40_000, b"\r\n".join(b"A%d: %s" % (i, b"x" * 90) for i in range(400))):
        whole = head(b"GET", b"/salud/viva", large)
        for pieces in ([whole], [whole[:100], whole[100:]], [whole[:-2], whole[-2:]], [ALIVE + whole]):
            assert statuses(ask(server.port, *pieces))[-1:] in ([431], []), "no other answer"
    whole = head(b"GET", b"/" + b"x" * 40_000)
    assert statuses(ask(server.port, whole)) in ([431], [])


def test_a_handshake_that_is_not_finished_ends(run) -> None:
    server = run(MOROSIDAD_SERVER_READ_TIMEOUT="300ms")
    part = head(b"GET", b"/ws/metricas", *UPGRADE)[:-2]
    assert statuses(ask(server.port, part)) == [408]


def handles(pid: int) -> int:
    return psutil.Process(pid).num_fds()


def test_more_connections_than_are_allowed_are_refused_and_counted(run) -> None:
    server = run(
        MOROSIDAD_SERVER_CONNECTIONS="100",
        MOROSIDAD_SERVER_CONNECTIONS_PER_CLIENT="20",
        MOROSIDAD_SERVER_READ_TIMEOUT="60s",
    )
    before = handles(server.process.pid)
    many = [connected(server.port) for _ in range(60)]
    try:
        refused = [open_ for open_ in many if select.select([open_], [], [], 0.0)[0]]
        wait_until(lambda: len([o for o in many if select.select([o], [], [], 0)[0]]) == 40)
        refused = [open_ for open_ in many if select.select([open_], [], [], 0)[0]]
        assert {tuple(statuses(read_all(open_))) for open_ in refused} == {(429,)}
    finally:
        for open_ in many:
            open_.close()
    wait_until(lambda: handles(server.process.pid) <= before)
    closing = head(b"GET", b"/metrics", b"Connection: close")
    text = ask(server.port, closing).decode()
    assert 'codigo="E429"' in text or 'code="E429"' in text, text[-500:]
    code, _, err = server.stop()
    assert (code, "connections refused" in err, "Traceback" in err) == (0, True, False)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["morosidad", *sys.argv[2:]]
from morosidad.__main__ import main
sys.exit(main())
"""


def test_few_handles_are_not_exhausted(run) -> None:
    server = run(command=[sys.executable, "-c", LIMITED, "256", "serve"], MOROSIDAD_SERVER_READ_TIMEOUT="60s")
    before = handles(server.process.pid)
    many = [connected(server.port) for _ in range(400)]
    try:
        wait_until(lambda: handles(server.process.pid) < 256)  # those refused are given back
    finally:
        for open_ in many:
            open_.close()
    wait_until(lambda: handles(server.process.pid) <= before)
    assert statuses(ask(server.port, head(b"GET", b"/salud/viva", b"Connection: close"))) == [200]
    code, _, err = server.stop()
    assert (code, "Traceback" in err) == (0, False), err


def test_too_few_handles_are_told_at_the_start(tmp_path) -> None:
    for arguments, said in ((["100"], "ulimit -n"), (["300"], "server_connections")):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, *arguments, "serve", "--port", "0"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
                 "MOROSIDAD_SERVER_CONNECTIONS": "1000"},
            capture_output=True, text=True, timeout=FOUND, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
