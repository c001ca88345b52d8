"""A Redis server for tests, which can be killed and started again."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgspec

from support import LONG

ANA = ("modelo@1", (35, 1200.5, "propia", True, None))
EVA = ("modelo@1", (36, 1200.5, "propia", True, None))


class Answer(msgspec.Struct, frozen=True):
    probability: float
    outcome: str


class Server:
    """A redis-server of our own on a free port of this machine."""

    def __init__(self, program: str, directory: Path) -> None:
        self.program, self.directory = program, directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        import redis

        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.directory,
            "save": "",
            "appendonly": "no",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([self.program, *arguments], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port, retry=None) as client:
            pause = threading.Event()
            for _ in range(6000):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self.process.poll() is None, "redis-server ended at once"
                    pause.wait(0.01)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(LONG)
            self.process = None


def names(client: Any) -> list[bytes]:
    """Every name in Redis."""
    return list(client.scan_iter())
