"""The application in this process, and the server in one of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from starlette.testclient import TestClient

from morosidad import Field, Schema, Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.guards.keys import make_key
from morosidad.errors import NotCompiledWarning
from serving import FOUND, NoLoad, port_in, wait_until
from support import small_frame

PATH = os.pathsep.join(os.path.abspath(place) for place in sys.path)
"""For processes that this one starts: they find what it finds."""

QUIET: dict[str, Any] = {
    "audit_file": None,
    "rate_limit_enabled": False,
    "metrics_enabled": False,
    "metrics_interval": 3600.0,
}
APPLICANT = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
KEYS = {scope: make_key(scope, [scope]) for scope in ("score", "metrics", "admin")}


@pytest.fixture
def applicant() -> dict[str, Any]:
    return dict(APPLICANT)


@pytest.fixture(scope="session")
def keys() -> dict[str, str]:
    """A key for each scope, as clients send it."""
    return {scope: key for scope, (key, _) in KEYS.items()}


@pytest.fixture(scope="session")
def key_lines() -> tuple[str, ...]:
    """The same keys as settings hold them."""
    return tuple(line for _, line in KEYS.values())


def in_process(stack: ExitStack, scorer: Scorer, transport: dict[str, Any], **settings: Any) -> TestClient:
    """Serve a scorer in this process: quiet, without limits and never overloaded, unless asked for."""
    given = Settings(**{**QUIET, **settings})
    app = create_app(scorer, given, reread=lambda: given)
    client = stack.enter_context(TestClient(app, **transport))
    app.state.service.loop_load = NoLoad()  # a busy machine is no part of these tests
    return client


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """Serve as the test says."""
    with ExitStack() as stack:

        def serve(
            scorer: Scorer | None = None, *, transport: dict[str, Any] | None = None, **settings: Any
        ) -> TestClient:
            return in_process(stack, scorer or Scorer.default(), transport or {}, **settings)

        yield serve


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A server that many tests share: none of them changes it."""
    with ExitStack() as stack:
        yield in_process(stack, Scorer.default(), {})


SCHEMA = Schema([Field("ingresos", "number", ge=0), Field("moras", "integer", ge=0, required=True)])


class Moody(ClassifierMixin, BaseEstimator):
    """Answers a half, unless it is told to fail or to wait."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 2
        self.failing = False
        self.entered, self.go_on = Event(), Event()
        self.go_on.set()

    def fit(self, X: Any, y: Any) -> Moody:
        return self

    def predict_proba(self, X: Any) -> Any:
        self.entered.set()
        assert self.go_on.wait(60)
        if self.failing:
            raise ValueError(f"singular matrix near {X.to_numpy().tolist()}")
        return np.full((len(X), 2), 0.5)


def make_moody(**parts: Any) -> tuple[Moody, Scorer]:
    """Make a scorer that scikit-learn answers for, and the model in it."""
    model = Moody()
    X, _ = small_frame()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(model, schema=SCHEMA, reference=X[["ingresos", "moras"]].head(20), **parts)
    return model, scorer


@pytest.fixture
def moody() -> Callable[..., tuple[Moody, Scorer]]:
    return make_moody


class Running:
    """A server process on a port that the system gives it, and that it says."""

    def __init__(self, command: list[str], folder: Path, number: int, env: dict[str, str]) -> None:
        self.port, self.url, self.folder = 0, "", folder
        self._out, self._err = folder / f"salida-{number}.txt", folder / f"errores-{number}.txt"
        quiet = {"MOROSIDAD_AUDIT_FILE": "none", "RATE_LIMIT_ENABLED": "false", "PYTHONPATH": PATH}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **quiet, **env}, stdout=out, stderr=err
            )

    def said(self) -> tuple[str, str]:
        """Give what it has written."""
        return self._out.read_text("utf-8"), self._err.read_text("utf-8")

    def wait(self) -> None:
        """Wait until it listens."""
        wait_until(self._listens, tell=self.said)

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.said()
        self.port = self.port or port_in("".join(self.said()))
        if not self.port:
            return False
        self.url = f"http://127.0.0.1:{self.port}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; give the exit code and what was written."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(FOUND)
        return code, *self.said()


@pytest.fixture(scope="session")
def python_path() -> str:
    return PATH


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Run a server process and wait until it listens; it ends with the test."""
    started: list[Running] = []

    def run(*arguments: str, command: list[str] | None = None, **env: str) -> Running:
        whole = [*(command or [sys.executable, "-m", "morosidad", "serve"]), *arguments, "--port", "0"]
        started.append(Running(whole, tmp_path, len(started), env))
        started[-1].wait()
        return started[-1]

    yield run
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
