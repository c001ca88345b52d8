"""A server process for tests: started on a free port, asked over loopback, ended by its pid."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import psutil

from support import PYTHONPATH

FOUND = 120.0


R = TypeVar("R")


class NoLoad:
    """An event loop that is overloaded only when a test says so, however busy the machine is."""

    overloaded = False


class Usage(NamedTuple):
    """What a server holds, all its processes together."""

    memory: int
    files: int
    threads: int


class Server:
    """``morosidad serve`` in a process of its own.

    Parameters
    ----------
    folder : Path
        Where it runs; its decision log and its output are there.
    workers : int
        Processes that share the port.
    log : str
        Its decision log, under the folder.
    script : str, optional
        What to run in place of ``-m morosidad serve``: the name of a module of the tests.
    environment
        Settings, by name.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        log: str = "decisiones.jsonl",
        script: str | None = None,
        **environment: Any,
    ) -> None:
        self.folder = folder
        self.log = folder / log
        self.output = folder / "salida.txt"
        self._port = 0
        settings = {"RATE_LIMIT_ENABLED": False, "LOG_FLUSH_INTERVAL": 0.5, "SERVER_SHUTDOWN_GRACE": 0.5}
        settings |= {"SERVER_PORT": 0, "SERVER_PROCESSES": workers, "AUDIT_FILE": log}
        settings |= environment
        what = ["-m", "morosidad", "serve"] if script is None else ["-m", script]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *what],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": PYTHONPATH,
                    **{f"MOROSIDAD_{name}": str(value) for name, value in settings.items()},
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid

    @property
    def port(self) -> int:
        """Read the port that the system gave it from what it says; 0 until it does."""
        self._port = self._port or port_in(self.output.read_text(errors="replace"))
        return self._port

    def __enter__(self) -> Server:
        try:
            wait_until(lambda: self.ready(), FOUND, lambda: self.output.read_text()[-3000:])
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """End it as an operator does; give its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(FOUND)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                process.kill()
            return self._process.wait()

    def processes(self) -> list[psutil.Process]:
        """Give its processes, the first one first."""
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def serving(self) -> list[psutil.Process]:
        """Give the processes that answer requests."""
        found = self.processes()
        return [process for process in found[1:] if _serves(process)] or found[:1]

    def usage(self) -> Usage:
        """Measure what it holds."""
        found = self.processes()
        return Usage(
            sum(p.memory_full_info().uss for p in found),
            sum(p.num_fds() for p in found),
            sum(p.num_threads() for p in found),
        )

    def ready(self) -> bool:
        """Ask whether it takes work."""
        if self._process.poll() is not None:
            raise AssertionError(
                f"it ended with {self._process.returncode}: {self.output.read_text()[-3000:]}"
            )
        try:
            return self.port > 0 and self.ask("GET", "/salud/lista")[0] == 200
        except (OSError, EOFError):
            return False

    def ask(self, method: str, path: str, body: bytes = b"", timeout: float = FOUND) -> tuple[int, Any]:
        """Send one request on a connection of its own; give the status and the decoded answer."""

        async def once() -> tuple[int, Any]:
            async with asyncio.timeout(timeout), Client(self.port) as client:
                return await client.ask(method, path, body)

        return run(once())

    def alerts(self) -> set[str]:
        """Give the codes of the open alerts."""
        status, document = self.ask("GET", "/api/metricas-tiempo-real")
        assert status == 200, document
        return {alert["codigo"] for alert in document["alertas_activas"]}


class Client(asyncio.Protocol):
    """One HTTP connection, one request at a time; it is opened anew where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = b""

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def connect(self) -> asyncio.Transport:
        """Open the connection."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        return self._transport

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """Send a request and decode its answer."""
        transport = self._transport or await self.connect()
        self._answer = asyncio.get_running_loop().create_future()
        transport.write(
            b"%b %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (method.encode(), path.encode(), len(body), body)
        )
        try:
            status, content = await self._answer
        except BaseException:
            self.close()
            raise
        return status, msgspec.json.decode(content) if content[:1] in (b"{", b"[") else content

    def data_received(self, data: bytes) -> None:
        """Put an answer together."""
        self._data += data
        head, found, content = self._data.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(content) < size:
            return
        self._data = b""
        if b"connection: close" in head.lower():
            self.close()
        if not self._answer.done():
            self._answer.set_result((int(head.split(b" ", 2)[1]), content))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        self._transport, self._data = None, b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or EOFError("the connection ended"))

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on the quickest event loop there is: the client must not be the slower side.

    What the tests before have left in memory is not looked through for garbage meanwhile: that can take long.
    """
    import uvloop

    gc.freeze()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    finally:
        gc.unfreeze()


def wait_until(holds: Callable[[], bool], seconds: float = FOUND, tell: Callable[[], object] = str) -> float:
    """Wait until something holds; give the seconds that it took."""
    start = time.perf_counter()
    while not holds():
        if time.perf_counter() - start > seconds:
            raise AssertionError(f"still not so after {seconds:g} s: {tell()}")
        time.sleep(0.05)
    return time.perf_counter() - start


def port_in(text: str) -> int:
    """Find the port that a server says it listens on; 0 where it says none."""
    found = re.search(r"http://[^\s/]*:([1-9]\d*)", text)
    return int(found[1]) if found else 0


def start_listening(
    command: Callable[[int], list[str]], port: int = 0, output: Path = Path(os.devnull)
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program that can't choose a port itself, and wait until it listens on the one that it is given.

    Another program may take a free port first: then it is started again with another one, unless it has to be
    a certain one.
    """
    end = time.perf_counter() + FOUND
    while time.perf_counter() < end:
        given = port or _free_port()
        with output.open("wb") as said:
            process = subprocess.Popen(command(given), stdout=said, stderr=said)
        while process.poll() is None and time.perf_counter() < end:
            if _listens(process.pid, given):
                return process, given
            time.sleep(0.02)
        process.kill()
        process.wait()
    raise AssertionError(f"{command(port)[0]} does not listen: {output.read_text()[-3000:]}")


def start_redis(folder: Path, port: int = 0) -> tuple[subprocess.Popen[bytes], int]:
    """Start a Redis that keeps nothing; on any free port, unless it is told one."""
    options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return start_listening(lambda given: ["redis-server", "--port", str(given), *options], port)


def _listens(pid: int, port: int) -> bool:
    """Tell whether it is this process that listens."""
    try:
        process = psutil.Process(pid)
        ask = "net_connections" if hasattr(process, "net_connections") else "connections"  # before psutil 6
        found = getattr(process, ask)("tcp")
    except psutil.Error:  # it has just ended
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr[1] == port for one in found)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _serves(process: psutil.Process) -> bool:
    try:
        return "multiprocessing.spawn" in " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return False
