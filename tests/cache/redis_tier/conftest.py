"""Fixtures of the tests of the Redis tier: a server, a tier and a client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from helpers.redis_server import Answer, Server
from morosidad.cache import RedisTier
from support import LONG, FakeClock


@pytest.fixture
def server(redis_server: Server) -> Server:
    return redis_server


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
