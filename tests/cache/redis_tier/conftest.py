"""Fixtures of the tests of the Redis tier: a server, a tier and a client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.redis_server import Answer, Server
from morosidad.cache import RedisTier
from support import LONG, FakeClock, needed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("redis")
    needed(shutil.which("redis-server") is not None, "redis-server")
    running = Server(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def tier(server: Server, clock: FakeClock) -> Iterator[RedisTier[Any]]:
    made: RedisTier[Any] = RedisTier.from_url(server.url, type=Answer, timeout=LONG, clock=clock)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    import redis

    with redis.Redis(port=server.port) as made:
        yield made
