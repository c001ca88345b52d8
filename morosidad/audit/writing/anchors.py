"""Anchors: the digest of a log's last line, sent elsewhere as it arises, out of reach."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from morosidad.alerts import LOG_NOT_ANCHORED
from morosidad.audit.alerts import AlertNotifier
from morosidad.audit.chain.file_operations import sync, write_all
from morosidad.audit.chain.hashing import ChainPosition
from morosidad.errors import SettingsError
from morosidad.processes.paths import absolute, no_regular_file
from morosidad.processes.private_files import open_private
from morosidad.settings.setting_types import ANCHOR

_SECONDS = 5.0
_PORT = 514
_PRIORITY = 13 * 8 + 6  # log audit, informational (RFC 5424, 6.2.1)
_SYSLOG = {"syslog", "syslog+udp", "syslog+tcp", "syslog+unix"}

Send = Callable[[str], None]


def anchor_target(target: str) -> Send:
    """Give what sends a line to a place.

    Parameters
    ----------
    target : str
        A file, or the address of a syslog or web server.

    Returns
    -------
    callable
        Takes a line; raises OSError where it could not be sent within 5 s.

    Raises
    ------
    SettingsError
        It is neither.
    """
    wrong = SettingsError([f"anchor: expected {ANCHOR}"])  # the address may hold a password
    if "://" not in target:
        place = absolute(target)
        if no_regular_file(place):
            raise wrong
        return lambda line: _to_file(place, line)
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme in _SYSLOG and (parts.path if parts.scheme.endswith("unix") else parts.hostname):
        return lambda line: _to_syslog(parts, line)
    if parts.scheme in ("http", "https") and parts.hostname:
        return lambda line: _to_web(parts, line)
    raise wrong


class AnchorSender:
    """Sends the newest position of a log, once in each interval, from a thread of its own.

    Parameters
    ----------
    send : callable
        As `anchor_target` gives it.
    interval : float
        Seconds between two lines; after a failure the newest position is tried again then.
    name : callable
        Gives the name of the log.
    notifier : AlertNotifier
        Where failures are shown.
    now : callable
        Gives the time in seconds since 1970.

    Attributes
    ----------
    sent, failures : int
        Lines that were sent, and that could not be.
    """

    def __init__(
        self,
        send: Send,
        interval: float,
        name: Callable[[], str],
        notifier: AlertNotifier,
        now: Callable[[], float],
    ) -> None:
        self._send = send
        self._interval = interval
        self._name = name
        self._notifier = notifier
        self._now = now
        self._newest: ChainPosition | None = None
        self._offered = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.sent: int = 0
        self.failures: int = 0

    def offer(self, position: ChainPosition) -> None:
        """Take the newest position; nothing waits for it to be sent."""
        self._newest = position
        self._offered.set()
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                thread = threading.Thread(target=self._run, name="morosidad-anchors", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no thread to be had: the next position tries again
                    return
                self._thread = thread

    def close(self) -> None:
        """Send the last position, as far as that is possible within the time limit."""
        self._closing.set()
        self._offered.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(2 * _SECONDS)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._offered.wait()
            self._send_newest()
            self._closing.wait(self._interval)
        self._send_newest()

    def _send_newest(self) -> None:
        self._offered.clear()
        position, self._newest = self._newest, None
        if position is None:
            return
        when = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        try:
            self._send(f"{when} {self._name()} {position.id} {position.digest}")
        except Exception as error:  # whatever a server answers: the log goes on
            self.failures += 1
            self._put_back(position)
            self._notifier.open(*LOG_NOT_ANCHORED.fill(reason=type(error).__name__))
        else:
            self.sent += 1
            self._notifier.close(LOG_NOT_ANCHORED.code)
        self._notifier.send()

    def _put_back(self, position: ChainPosition) -> None:
        """Keep what could not be sent, unless a newer position has come."""
        if self._newest is None:
            self._newest = position
        self._offered.set()


def _to_file(path: Path, line: str) -> None:
    with open_private(path, os.O_APPEND) as file:
        write_all(file, f"{line}\n".encode())
        sync(file)


def _to_syslog(parts: SplitResult, line: str) -> None:
    """Send a message as RFC 5424 writes it; over TCP with its length in front (RFC 6587, 3.4.1)."""
    when, *rest = line.split(" ")
    host = socket.gethostname()[:255] or "-"
    message = f"<{_PRIORITY}>1 {when} {host} morosidad {os.getpid()} anchor - {' '.join(rest)}".encode()
    if parts.scheme == "syslog+tcp":
        address = (parts.hostname or "", parts.port or _PORT)
        with socket.create_connection(address, _SECONDS) as stream:
            stream.sendall(b"%d %b" % (len(message), message))
            return
    if parts.scheme == "syslog+unix":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
            local.settimeout(_SECONDS)
            local.connect(parts.path)
            local.sendall(message)
            return
    found = socket.getaddrinfo(parts.hostname, parts.port or _PORT, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as datagrams:
        datagrams.sendto(message, target)


def _to_web(parts: SplitResult, line: str) -> None:
    """Post a line; no redirect is followed, as it is for who was named."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    headers = {"Content-Type": "text/plain; charset=utf-8"}
    user, at, host = parts.netloc.rpartition("@")
    if at:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(user).encode()).decode()
    secure = parts.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(host, timeout=_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, f"{line}\n".encode(), headers)
        if connection.getresponse().status // 100 != 2:
            raise ConnectionRefusedError
    except HTTPException as error:
        raise OSError(type(error).__name__) from None
    finally:
        connection.close()
