from __future__ import annotations

import asyncio
import builtins
import logging

import pytest
from limits.aio.storage import MemoryStorage

from morosidad.asgi.guards.rates import WEIGHTS, RateLimiter
from morosidad.asgi.problems import Problem
from morosidad.errors import MissingExtra, SettingsError


def ask(limiter: RateLimiter, kind: str, client: str, times: int) -> list[str]:
    """Ask so many times; give the code of each answer, empty when let through."""

    async def all_of_them():
        found, waits = [], []
        for _ in range(times):
            try:
                await limiter.hit(kind, client)
                found.append("")
            except Problem as problem:
                waits.append(int(dict(problem.headers)[b"retry-after"]))
                found.append(problem.code)
        await limiter.close()
        assert all(1 <= wait <= 120 for wait in waits)
        return found

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_client_is_let_through_as_often_as_its_kind_may(kind):
    allowed = 2 * WEIGHTS[kind]
    assert ask(RateLimiter(2), kind, "a", allowed + 2) == [""] * allowed + ["E429"] * 2


def test_clients_and_kinds_are_counted_apart():
    limiter = RateLimiter(1)
    assert ask(limiter, "score", "a", 2) == ["", "E429"]
    assert ask(limiter, "score", "b", 1) == [""]
    assert ask(limiter, "admin", "a", 1) == [""]


class Broken(MemoryStorage):
    """A storage that fails while `down`, and counts how often it was asked."""

    down = True
    asked = 0

    async def acquire_sliding_window_entry(self, *arguments, **options):
        self.asked += 1
        if self.down:
            raise ConnectionError("10.0.0.7 refused")
        return await super().acquire_sliding_window_entry(*arguments, **options)


def test_a_storage_that_fails_lets_requests_through_and_is_not_waited_for(monkeypatch, clock, caplog):
    storage = Broken()
    monkeypatch.setattr("morosidad.asgi.guards.rates._storage", lambda _: storage)
    limiter = RateLimiter(1, "redis://x", clock=clock)
    assert ask(limiter, "score", "a", 50) == [""] * 50
    assert limiter.failing
    assert storage.asked == 1
    clock.advance(1.5)
    assert ask(limiter, "score", "a", 50) == [""] * 50
    assert storage.asked == 2
    assert [r.getMessage() for r in caplog.records] == ["the rate limit does not work: ConnectionError"]

    storage.down = False
    clock.advance(1.5)
    assert ask(limiter, "score", "a", 3) == ["", "E429", "E429"]
    assert not limiter.failing


def test_a_storage_that_comes_back_is_believed_when_it_refuses_too(monkeypatch, clock):
    storage = Broken()
    storage.down = False
    monkeypatch.setattr("morosidad.asgi.guards.rates._storage", lambda _: storage)
    limiter = RateLimiter(1, clock=clock)
    assert ask(limiter, "score", "a", 1) == [""]
    storage.down = True
    assert ask(limiter, "score", "a", 1) == [""]
    storage.down = False
    clock.advance(2)
    assert ask(limiter, "score", "a", 1) == ["E429"]
    assert not limiter.failing


# -- Redis -------------------------------------------------------------------------------------------


@pytest.mark.redis
def test_processes_that_share_a_redis_share_the_limit_and_survive_its_end(redis_server, caplog, monkeypatch):
    for limit in ("_TIMEOUT", "_AT_MOST"):  # a busy machine is no Redis that is down
        monkeypatch.setattr(f"morosidad.asgi.guards.rates.{limit}", 60.0)
    one, other = RateLimiter(3, redis_server.url), RateLimiter(3, redis_server.url)
    assert ask(one, "score", "a", 2) == [""] * 2
    assert ask(other, "score", "a", 2) == ["", "E429"]
    redis_server.kill()
    with caplog.at_level(logging.WARNING):
        assert ask(one, "score", "a", 5) == [""] * 5
    assert one.failing
    assert "127.0.0.1" not in caplog.text


@pytest.mark.parametrize("address", ["http://localhost", "redis://localhost:puerto/0", "solo texto"])
def test_an_address_of_no_redis_is_a_mistake_in_the_settings(address):
    pytest.importorskip("redis")
    with pytest.raises(SettingsError, match="rate_limit_storage") as caught:
        RateLimiter(1, address)
    assert address not in str(caught.value)


def test_without_the_redis_library_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name == "redis":
            raise ModuleNotFoundError(name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"morosidad\[redis\]"):
        RateLimiter(1, "redis://localhost/0")
