"""Anchors go to files, syslog and web servers as they arise; whatever becomes of them, the log goes on."""

from __future__ import annotations

import http.server
import os
import re
import socket
import threading

import pytest

from morosidad.__main__ import main
from morosidad.alerts import LOG_NOT_ANCHORED
from morosidad.audit import AuditLog
from morosidad.errors import SettingsError
from serving import FOUND, wait_until

LINE = re.compile(r"\S+ decisiones\.jsonl [0-9a-f]{12}-[1-9][0-9]* [0-9a-f]{64}\n?")
VALUES = (30, 1500.5, "rural")


@pytest.fixture
def write(path, context, decide):
    """Write decisions to a log, and close it."""

    def write(anchor, number=3, **options):
        seen = []
        with AuditLog(path, anchor=anchor, anchor_interval=0.01, on_alert=seen.append, **options) as log:
            for _ in range(number):
                assert log.append(context, decide(), VALUES, 0.001)
                assert log.flush()
            log.close()
            return log.stats(), [(alert.code, alert.closed is None) for alert in seen]

    return write


def test_a_file_takes_a_line_an_interval_and_the_log_is_checked_against_all_of_them(
    write, path, tmp_path, capsys
):
    file = tmp_path / "anchors.txt"
    for _ in range(3):
        stats, _ = write(str(file))
        assert stats.anchors >= 1
    lines = file.read_text().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert lines[-1].split()[-1] == stats.digest
    assert (file.stat().st_mode & 0o777) == 0o600
    command = ["audit", "verify", str(path), "--anchor-file", str(file)]
    assert main(command) == 0
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept[:-1]))  # cut, and its head with it
    path.with_name(f"{path.name}.head").unlink()
    assert main(command) == 1
    capsys.readouterr()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_place_that_is_no_file_of_ones_own_is_not_written_to(write, tmp_path, kind):
    place, other = tmp_path / "anchors", tmp_path / "other"
    other.write_text("")
    if kind == "link":
        place.symlink_to(other)
        stats, alerts = write(str(place))
        assert (stats.anchors, other.read_text()) == (0, "")
        assert (LOG_NOT_ANCHORED.code, True) in alerts
        return
    os.mkfifo(place) if kind == "fifo" else place.mkdir()
    with pytest.raises(SettingsError, match="anchor"):
        write(str(place))


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_syslog_gets_messages_as_the_standard_writes_them(write, kind):
    stream = kind == "tcp"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as server:
        server.settimeout(FOUND)
        server.bind(("127.0.0.1", 0))
        if stream:
            server.listen()
        stats, _ = write(f"syslog{'+tcp' if stream else ''}://127.0.0.1:{server.getsockname()[1]}", 1)
        if stream:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as file:
                size, _, message = file.read().partition(b" ")
            assert int(size) == len(message)
        else:
            message = server.recv(4096)
    found = re.fullmatch(rb"<110>1 (\S+) \S+ morosidad [0-9]+ anchor - decisiones.jsonl \S+ (\S+)", message)
    assert found is not None
    assert found[2].decode() == stats.digest


class Taking(http.server.BaseHTTPRequestHandler):
    taken: list[tuple[str, str | None, str]]
    status = 204

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.taken.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    handler = type("Handler", (Taking,), {"taken": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], handler
        server.shutdown()
        thread.join(FOUND)


def test_a_web_server_gets_a_line_and_no_redirect_is_followed(write, web):
    port, handler = web
    stats, _ = write(f"http://ann:pass%20word@127.0.0.1:{port}/anchors?log=1", 1)
    ((place, authorization, body),) = handler.taken
    assert (place, authorization) == ("/anchors?log=1", "Basic YW5uOnBhc3Mgd29yZA==")
    assert LINE.fullmatch(body)
    assert body.split()[-1] == stats.digest
    handler.status = 302
    stats, alerts = write(f"http://127.0.0.1:{port}/", 1)
    assert stats.anchor_failures >= 1
    assert (LOG_NOT_ANCHORED.code, True) in alerts


def test_what_fails_is_counted_told_and_tried_again_with_the_newest(path, context, decide, tmp_path):
    folder, seen = tmp_path / "disk", []
    anchor = str(folder / "anchors")
    with AuditLog(path, anchor=anchor, anchor_interval=0.01, on_alert=seen.append) as log:
        for _ in range(3):
            assert log.append(context, decide(), VALUES, 0.001)
            assert log.flush()
        wait_until(lambda: log.stats().anchor_failures > 1)
        assert [alert.code for alert in log.alerts()] == [LOG_NOT_ANCHORED.code]
        assert "anchors" not in seen[0].message
        folder.mkdir()
        wait_until(lambda: log.stats().anchors == 1)
        assert (folder / "anchors").read_text().split()[-1] == log.stats().digest
        wait_until(lambda: not log.alerts())


@pytest.mark.parametrize(
    "anchor", ["ftp://host/secret", "syslog://", "http://", "http://h:port/secret", "syslog+unix://"]
)
def test_what_is_no_place_is_refused_without_a_word_of_it(path, anchor):
    with pytest.raises(SettingsError) as refused:
        AuditLog(path, anchor=anchor)
    assert "secret" not in str(refused.value)
