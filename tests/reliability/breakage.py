"""What may go wrong around a server, to be switched on and off."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Protocol

from serving import Server, start_redis, wait_until

_turn = count(1)


class Bench(Protocol):
    """What faults need: a server, the folder it runs in, the Redis it asks."""

    server: Server
    folder: Path
    redis: Redis


class Fault:
    """Something that goes wrong from `start` to `stop`.

    Attributes
    ----------
    alerts : set of str
        Codes of which at least one must show while it lasts; none when nothing is to be told.
    statuses : set of int
        What may be answered while it lasts.
    breaks : bool
        Whether connections may end without an answer.
    """

    alerts: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset({200})
    breaks: bool = False

    def start(self, bench: Bench) -> None:
        """Break something."""
        raise NotImplementedError

    def stop(self, bench: Bench) -> None:
        """Mend it, as an operator would."""
        raise NotImplementedError


class ModelRaises(Fault):
    """The model fails on each record, and on what it is asked anew."""

    alerts = frozenset({"recuperacion"})
    statuses = frozenset({200, 503, 504})

    def start(self, bench: Bench) -> None:
        put(bench.folder / "falla", "raise")

    def stop(self, bench: Bench) -> None:
        (bench.folder / "falla").unlink()


class ModelHangs(ModelRaises):
    """The model does not come back."""

    alerts = frozenset({"plazos"})

    def start(self, bench: Bench) -> None:
        put(bench.folder / "falla", "hang")


class ProcessKilled(Fault):
    """A process of several is killed at once, with all that it was about."""

    breaks = True

    def start(self, bench: Bench) -> None:
        self._victim = bench.server.serving()[0]
        self._victim.kill()

    def stop(self, bench: Bench) -> None:
        wait_until(lambda: self._victim not in bench.server.serving() and len(bench.server.serving()) == 2)
        wait_until(bench.server.ready)


class TruncatedModel(Fault):
    """Half of a model file lies where the whole one should, and somebody reloads it."""

    alerts = frozenset({"recarga"})

    def start(self, bench: Bench) -> None:
        self._path = bench.folder / "modelo.morosidad"
        self._whole = self._path.read_bytes()
        self._path.write_bytes(self._whole[: len(self._whole) // 2])
        status, answer = bench.server.ask("POST", "/admin/recargar", timeout=30.0)
        assert (status, answer["codigo"]) == (500, "E500")

    def stop(self, bench: Bench) -> None:
        self._path.write_bytes(self._whole)
        status, answer = bench.server.ask("POST", "/admin/recargar", timeout=30.0)
        assert status == 200, answer


class RedisGone(Fault):
    """The Redis that counts requests is killed, and comes back."""

    alerts = frozenset({"limites"})

    def start(self, bench: Bench) -> None:
        bench.redis.kill()

    def stop(self, bench: Bench) -> None:
        bench.redis.start()


class DiskFull(Fault):
    """There is no room for the decision log: on a small disk of its own, or by a limit on the file."""

    alerts = frozenset({"registro:disco_lleno", "registro:sin_escritura"})

    def start(self, bench: Bench) -> None:
        disk = bench.server.log.parent.parent
        if os.path.ismount(disk):
            with contextlib.suppress(OSError), (disk / "relleno").open("wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 65536)
        else:
            for process in bench.server.serving():
                process.rlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    def stop(self, bench: Bench) -> None:
        (bench.server.log.parent.parent / "relleno").unlink(missing_ok=True)
        for process in bench.server.serving():
            process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class FolderGone(Fault):
    """The folder of the decision log is moved away, and another one put in its place later."""

    alerts = frozenset({"registro:sin_carpeta"})

    def start(self, bench: Bench) -> None:
        folder = bench.server.log.parent
        folder.rename(folder.with_name(f"antes-{next(_turn)}"))

    def stop(self, bench: Bench) -> None:
        bench.server.log.parent.mkdir()


class ClockMoves(Fault):
    """The wall clock jumps: a day ahead, then two days back, then home."""

    def start(self, bench: Bench) -> None:
        put(bench.folder / "reloj", "86400")

    def stop(self, bench: Bench) -> None:
        put(bench.folder / "reloj", "-86400")
        wait_until(lambda: bench.server.ask("GET", "/api/kpis")[0] == 200)
        (bench.folder / "reloj").unlink()


class BadClients(Fault):
    """Clients that ask and never read, on both protocols, and clients that send a byte now and then."""

    def start(self, bench: Bench) -> None:
        self._sockets = [deaf_stream(bench.server.port) for _ in range(5)]
        for _ in range(5):
            asking = socket.create_connection(("127.0.0.1", bench.server.port))
            asking.setblocking(False)
            with contextlib.suppress(OSError):  # it blocks, or the server has had enough
                while True:
                    asking.send(b"GET /salud/lista HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            slow = socket.create_connection(("127.0.0.1", bench.server.port))
            slow.send(b"P")
            self._sockets += [asking, slow]

    def stop(self, bench: Bench) -> None:
        for one in self._sockets:
            one.close()


def put(path: Path, text: str) -> None:
    """Put a file in place whole: the server may look at any moment, and an empty one says nothing."""
    new = path.with_suffix(".nuevo")
    new.write_text(text)
    new.replace(path)


def deaf_stream(port: int) -> socket.socket:
    """Open a WebSocket that is never read from."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    found.connect(("127.0.0.1", port))
    found.sendall(
        b"GET /ws/kpis HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    return found


class Redis:
    """A Redis that keeps nothing, on a free port."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, always on the same port, and wait until it answers."""
        self._process, self.port = start_redis(Path(tempfile.gettempdir()), self.port)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(60)


def small_disk(folder: Path) -> bool:
    """Make a disk of some megabytes of a folder, where that is allowed."""
    if os.geteuid() or shutil.which("mount") is None:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True
    )
    return done.returncode == 0


def logged(folders: list[Path]) -> dict[str, float]:
    """Read all decision logs in some folders: the request ids and their probabilities."""
    found = {}
    for folder in folders:
        for path in folder.glob("decisiones*.jsonl"):
            for line in path.read_bytes().splitlines():
                entry = json.loads(line)
                if entry["tipo"] == "decision":
                    found[entry["request_id"]] = entry["probabilidad"]
    return found
