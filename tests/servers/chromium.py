"""A real browser, and real servers for it to talk to."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving import FOUND, NoLoad, port_in
from support import ROOT, needed

PATIENCE = 90_000  # ms; for a machine that is busy with something else
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """Start Debian's chromium under playwright."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    needed(importlib.util.find_spec("playwright") is not None, "playwright")
    needed(program is not None, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


class ThreadedServer:
    """An application served from a thread of this process, as `morosidad serve` would."""

    def __init__(self, app: Any) -> None:
        import uvicorn

        from morosidad.asgi.runtime.server import options

        self.app = app
        app.state.service.loop_load = NoLoad()  # a busy test machine is no overloaded server
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        how = {**options(app.state.service.settings), "log_config": None, "workers": None}
        self._server = uvicorn.Server(uvicorn.Config(app, **how))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> ThreadedServer:
        self._thread.start()
        wait_until_ready(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    @property
    def service(self) -> Any:
        return self.app.state.service

    def predict(self, record: dict[str, Any], times: int = 1) -> None:
        """Ask for decisions, as an application would."""
        body = json.dumps({"datos": record}).encode()
        for _ in range(times):
            request = urllib.request.Request(
                f"{self.url}/predecir", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                assert answer.status == 200


class ServerProcess:
    """``morosidad serve`` in a process of its own, which can be killed and started again.

    Parameters
    ----------
    folder : Path
        Where it runs.
    settings
        By name.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.url = ""
        self._port = 0
        self._folder = folder
        self._settings = {f"MOROSIDAD_{name}": str(value) for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, always on the port of the first time, and wait until it takes work."""
        deadline = time.monotonic() + FOUND
        while not self._started(deadline):
            assert time.monotonic() < deadline, "it does not start"
        wait_until_ready(self.url)

    def _started(self, deadline: float) -> bool:
        """Start it once and wait for its address; False when its port is not free."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MOROSIDAD_")}
        said = self._folder / "salida.txt"
        with said.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "morosidad", "serve", "--port", str(self._port)],
                cwd=self._folder,
                env={**plain, **self._settings, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        while time.monotonic() < deadline and self._process.poll() is None:
            if port := port_in(said.read_text()):
                self._port, self.url = port, f"http://127.0.0.1:{port}"
                return True
            time.sleep(0.05)
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            self._process.wait()
            self._process = None


def wait_until_ready(url: str, seconds: float = FOUND) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{url}/salud/lista", timeout=FOUND) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)
