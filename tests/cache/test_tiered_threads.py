"""TieredCache under many threads at once."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from morosidad.cache import TieredCache
from support import LONG

THREADS = 64
KEYS = 1000
STEPS = 500


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Worker(threading.Thread):
    """Does one thing after another, and keeps a tally of what it asked and of what was wrong."""

    def __init__(
        self, cache: TieredCache[Any, Any], seed: int, together: threading.Barrier, steps: int
    ) -> None:
        super().__init__()
        self.cache, self.random = cache, random.Random(seed)
        self.together, self.steps = together, steps
        self.lookups = 0
        self.wrong: list[object] = []

    def run(self) -> None:
        try:
            self.together.wait(LONG)
            for _ in range(self.steps):
                self.step()
        except BaseException as error:
            self.wrong.append(error)

    def owned(self, key: Any, value: Any) -> None:
        if value is not None and value[0] != key:
            self.wrong.append((key, value))

    def step(self) -> None:
        cache, key = self.cache, ("modelo", self.random.randrange(KEYS))
        kind = self.random.random()
        if kind < 0.5:
            self.lookups += 1
            self.owned(key, cache.get(key))
        elif kind < 0.7:
            cache[key] = key, self.random.random()
        elif kind < 0.8:
            self.lookups += 1
            self.owned(key, cache.get_or_compute(key, lambda: (key, 0), timeout=LONG))
        elif kind < 0.85:
            cache.set(key, (key, 1), ttl=self.random.choice([0.0005, 0.01, 60]))
        elif kind < 0.9:
            self.owned(key, cache.pop(key, None))
        elif kind < 0.93:
            self.lookups += 1
            self.owned(key, cache.setdefault(key, (key, 2)))
        elif kind < 0.95:
            cache.invalidate(key)
        elif kind < 0.97:
            for pair in cache.items():
                self.owned(*pair)
        elif kind < 0.98:
            with suppress(KeyError):
                self.owned(*cache.popitem())
        elif kind < 0.985:
            cache.trim(self.random.random() / 100)
        elif kind < 0.99:
            self.check(cache.stats())
        else:
            cache.expire()

    def check(self, stats: Any) -> None:
        gone = stats.evictions + stats.expiries + stats.removals
        if stats.insertions != stats.entries + gone:
            self.wrong.append(stats)
        if stats.l1_size > 20 or stats.l2_size > 50 or stats.entries != stats.l1_size + stats.l2_size:
            self.wrong.append(stats)


def stress(steps: int) -> TieredCache[Any, Any]:
    cache: TieredCache[Any, Any] = TieredCache(20, 50, ttl=0.05)
    together = threading.Barrier(THREADS)
    workers = [Worker(cache, seed, together, steps) for seed in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60 + steps / 100)
    assert not any(worker.is_alive() for worker in workers)
    assert [wrong for worker in workers for wrong in worker.wrong] == []
    assert cache.stats().lookups == sum(worker.lookups for worker in workers)
    return cache


def test_no_wrong_owner_no_lost_count_never_over_the_limit() -> None:
    cache = stress(STEPS)
    stats = cache.stats()
    assert min(stats.l1_hits, stats.l2_hits, stats.misses, stats.promotions, stats.demotions) > 0
    assert min(stats.evictions, stats.removals) > 0
    # The structure is sound: everything can be taken out of it, and then it is empty.
    with suppress(KeyError):
        while True:
            cache.popitem()
    assert (len(cache), cache.currsize, cache._flights) == (0, 0, {})


if __name__ == "__main__":
    sys.setswitchinterval(1e-5)
    print(stress(int(sys.argv[1])).stats())
