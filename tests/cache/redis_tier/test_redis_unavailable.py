"""RedisTier when Redis is dead, hangs or comes back, alone and under a TieredCache."""

from __future__ import annotations

import socket
import threading
from functools import partial
from typing import Any

import pytest

from helpers.redis_server import ANA, EVA, Answer, Server, names
from morosidad.cache import RedisTier, TieredCache
from support import LONG, FakeClock


@pytest.mark.redis
class TestDeadRedis:
    def test_it_is_left_alone_for_a_while_then_tried_once(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        server.kill()
        # The client makes no attempts of its own behind our back.
        monkeypatch.setattr("redis.retry.sleep", pytest.fail)
        for _ in range(5):
            assert tier.get(ANA) is None
            tier.set(EVA, Answer(0.5, "revisar"), 60)
        assert (tier.failures, tier.available) == (1, False)
        clock.advance(1)
        for _ in range(5):
            assert tier.get(ANA) is None
        assert tier.failures == 2

    def test_a_hanging_redis_costs_one_time_out(self, clock: FakeClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
            tier: RedisTier[Any] = RedisTier.from_url(url, timeout=0.02, clock=clock)
            for _ in range(200):
                assert tier.get(ANA) is None
            assert tier.failures == 1
            tier.close()

    def test_it_is_used_again_when_it_is_back(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        server.kill()
        assert tier.get(ANA) is None
        server.start()
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        assert tier.get(ANA) is None
        clock.advance(1)
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        assert tier.available
        assert tier.get(ANA) is not None
        assert tier.failures == 1

    def test_what_could_not_be_removed_is_not_believed_afterwards(
        self, server: Server, tier: RedisTier[Any], client: Any, clock: FakeClock
    ) -> None:
        old = Answer(0.25, "revisar")
        other = ("modelo@1", (99,))
        for key in (ANA, EVA, other):
            tier.set(key, old, 60)
        kept = {name: client.get(name) for name in names(client)}
        server.kill()
        tier.delete(ANA)
        tier.set(EVA, Answer(0.5, "rechazar"), 60)
        # It comes back with all it held, as after a cut of the network.
        server.start()
        client.mset(kept)
        clock.advance(1)
        assert tier.get(ANA) is None
        assert tier.get(EVA) is None
        assert tier.get(other) is not None

    def test_a_clear_that_did_not_get_through_is_made_up_for(
        self, server: Server, tier: RedisTier[Any], client: Any, clock: FakeClock
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        kept = {name: client.get(name) for name in names(client)}
        server.kill()
        tier.clear("modelo@1")
        clock.advance(1)
        # Tried and failed again, which must not be forgotten either.
        tier.get(ANA)
        server.start()
        client.mset(kept)
        clock.advance(1)
        assert tier.get(ANA) is None
        assert names(client) == []

    def test_too_many_missed_writes_become_one_clear(
        self,
        server: Server,
        tier: RedisTier[Any],
        client: Any,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("morosidad.cache.redis.MAX_MISSED_WRITES", 5)
        server.kill()
        for number in range(7):
            tier.delete(("modelo@1", (number,)))
        assert len(tier._missed_writes) == 1
        server.start()
        client.set("morosidad:modelo@1:00", "old")
        clock.advance(1)
        tier.get(ANA)
        assert names(client) == []

    def test_a_write_missed_while_another_call_mends_is_mended_next(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        server.kill()
        tier.get(ANA)
        server.start()
        clock.advance(1)
        mend = tier._remove_missed

        def meanwhile() -> None:
            mend()
            clock.advance(5)
            assert tier.get(ANA) is None, "one call at a time tries, however long it takes"
            tier.delete(EVA)

        tier._remove_missed = meanwhile  # type: ignore[method-assign]
        tier.get(ANA)
        assert not tier.available
        tier._remove_missed = mend  # type: ignore[method-assign]
        tier.get(ANA)
        assert tier.available
        assert not tier._missed_writes


@pytest.mark.redis
class TestUnderTieredCache:
    def test_processes_share_what_one_has_computed(self, server: Server, tier: RedisTier[Any]) -> None:
        here: TieredCache[Any, Answer] = TieredCache(2, tier)
        second: RedisTier[Any] = RedisTier.from_url(server.url, type=Answer, timeout=LONG)
        there: TieredCache[Any, Answer] = TieredCache(2, second)
        here[ANA] = Answer(0.25, "revisar")
        assert there.get(ANA) == Answer(0.25, "revisar")
        assert there.stats().l2_hits == 1
        here.invalidate(ANA)
        there.trim(0)
        assert there.get(ANA) is None
        second.close()

    def test_scoring_goes_on_while_redis_is_killed_and_brought_back(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        cache: TieredCache[Any, Answer] = TieredCache(2, tier)
        keys = [("modelo@1", (number,)) for number in range(6)]

        def ask() -> list[float]:
            return [
                cache.get_or_compute(key, partial(Answer, number / 10, "aprobar")).probability
                for number, key in enumerate(keys)
            ]

        expected = [number / 10 for number in range(6)]
        assert ask() == expected
        assert ask() == expected
        assert cache.stats().l2_hits == 6
        server.kill()
        assert ask() == expected
        assert tier.failures == 1
        server.start()
        clock.advance(1)
        assert ask() == expected
        before = cache.stats().l2_hits
        assert ask() == expected
        assert cache.stats().l2_hits - before >= 4
        cache.clear()
        assert tier.get(keys[0]) is None

    def test_many_threads_at_the_moment_it_dies_wait_no_longer_than_one(
        self, server: Server, tier: RedisTier[Any]
    ) -> None:
        cache: TieredCache[Any, Answer] = TieredCache(2, tier)
        cache[ANA] = Answer(0.25, "revisar")
        server.kill()
        wrong: list[BaseException] = []
        together = threading.Barrier(16)

        def ask(number: int) -> None:
            try:
                together.wait(LONG)
                for step in range(50):
                    assert cache.get(("modelo@1", (number, step))) is None
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert wrong == []
        # At worst each had one call under way; 800 were made.
        assert 1 <= tier.failures <= 16
