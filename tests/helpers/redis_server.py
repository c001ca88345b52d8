"""A Redis server for tests, which can be killed and started again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from serving import start_redis
from support import LONG

ANA = ("modelo@1", (35, 1200.5, "propia", True, None))
EVA = ("modelo@1", (36, 1200.5, "propia", True, None))


class Answer(msgspec.Struct, frozen=True):
    probability: float
    outcome: str


class Server:
    """A redis-server of our own; it keeps the port that it has first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process, self.port = start_redis(self.directory, self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(LONG)
            self.process = None


def names(client: Any) -> list[bytes]:
    """Every name in Redis."""
    return list(client.scan_iter())
