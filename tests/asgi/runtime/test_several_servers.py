"""Two servers behind nginx with one Redis: figures, limits and reloads are those of one."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers.redis_server import Server as Redis
from morosidad import Scorer
from proxies import proxy_before
from serving import FOUND, Server, wait_until
from support import small_frame, small_pipeline

ROUNDS, LIMIT = 6, 100


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two versions of a model, as files."""
    folder = tmp_path_factory.mktemp("models")
    X, y = small_frame()
    for version, target in (("1", y), ("2", 1 - y)):
        Scorer(small_pipeline(X, target), reference=X, name="cartera", version=version).save(
            folder / f"{version}.morosidad"
        )
    return folder / "1.morosidad", folder / "2.morosidad"


@pytest.fixture
def shared(redis_server: Redis) -> dict[str, Any]:
    return {
        "KPI_SHARING": redis_server.url,
        "CACHE_KEY": "sixteen bytes or more",
        "RATE_LIMIT_STORAGE": redis_server.url,
        "METRICS_INTERVAL": 0.2,
        "SERVER_PROXIES": "127.0.0.1",
    }


@pytest.fixture
def servers(tmp_path: Path, shared: dict[str, Any], models: tuple[Path, Path]) -> Iterator[list[Server]]:
    """Two servers, each with a model file of its own, as on two machines."""
    made = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(models[0], folder / "modelo.morosidad")
        options = shared | {"SERVER_MODEL": folder / "modelo.morosidad"}
        made.append(Server(folder, RATE_LIMIT_ENABLED=True, RATE_LIMIT_PER_MINUTE=LIMIT, **options))
    try:
        for server in made:
            server.__enter__()
        yield made
    finally:
        for server in made:
            server.stop()


def panel(server: Server) -> dict[str, Any]:
    """Ask for the panel, again where it was asked for too often: the limit is part of what is tried."""
    found: list[tuple[int, Any]] = []

    def answered() -> bool:
        found.append(server.ask("GET", "/api/panel"))
        return found[-1][0] != 429

    wait_until(answered)
    status, document = found[-1]
    assert status == 200
    return dict(document)


def models_of(server: Server) -> set[str]:
    return {each["modelo"] for each in panel(server)["servidores"]}


def record(number: int) -> bytes:
    X, _ = small_frame()
    return json.dumps({"datos": json.loads(X.iloc[[number]].to_json(orient="records"))[0]}).encode()


def test_two_servers_are_one_to_their_clients_and_operators(
    servers: list[Server], models: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = servers
    with (
        proxy_before("nginx", [server.port for server in servers], tmp_path) as url,
        httpx.Client(base_url=url, timeout=FOUND) as client,
    ):
        post = {"headers": {"Host": "localhost", "Content-Type": "application/json"}}
        seen = [client.post("/predecir", content=record(0), **post).json() for _ in range(ROUNDS)]
        assert all("probabilidades" in answer for answer in seen), seen
        assert len({answer["probabilidades"][1] for answer in seen}) == 1
        for server in servers:
            wait_until(lambda server=server: panel(server)["predicciones"] == ROUNDS)
        shown = panel(first)["servidores"]
        assert [server["propio"] for server in shown] == [True, False]
        assert sum(server["predicciones"] for server in shown) == ROUNDS
        assert len({server["modelo"] for server in shown}) == 1
        # the limit is one for both
        statuses = [client.post("/predecir", content=record(1), **post).status_code for _ in range(LIMIT)]
        assert statuses.count(200) == LIMIT - ROUNDS
        assert set(statuses) == {200, 429}
        # Prometheus asks each, and adds up by itself
        asked = [client_figure(server, "morosidad_predicciones_total") for server in servers]
        assert sum(asked) == LIMIT
        # a reload of one is followed by the other
        for server in servers:
            shutil.copy(models[1], server.folder / "modelo.morosidad")
        assert first.ask("POST", "/admin/recargar", b"{}")[0] == 200
        for server in servers:
            wait_until(lambda server=server: not models_of(server) & {shown[0]["modelo"]})
        # one dies: what it had counted stays in the sum, and it is shown as gone
        for process in second.processes():
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: panel(first)["servidores"][1]["sin_noticias"] > 2)
        assert panel(first)["predicciones"] == LIMIT


def client_figure(server: Server, name: str) -> float:
    status, text = server.ask("GET", "/metrics")
    assert status == 200
    lines = text.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_without_their_redis_both_answer_and_say_so(servers: list[Server], redis_server: Redis) -> None:
    redis_server.kill()
    for number, server in enumerate(servers):
        assert server.ask("POST", "/predecir", record(number))[0] == 200
        wait_until(lambda server=server: "servidores" in server.alerts())
    redis_server.start()
    for server in servers:
        wait_until(lambda server=server: "servidores" not in server.alerts())
        wait_until(lambda server=server: panel(server)["predicciones"] == len(servers))
