"""TieredCache against cachetools and theine: time per look-up, and share of look-ups that are answered.

``python benchmarks/bench_cache.py`` prints both tables; ``pytest benchmarks/bench_cache.py`` takes the times
for comparison between versions.
"""

from __future__ import annotations

import random
import threading
import timeit
from collections.abc import Callable, Iterable
from functools import partial
from itertools import accumulate, islice
from typing import Any, Protocol

import cachetools
import pytest

from measuring import full, installed
from morosidad.cache import TieredCache

L1, L2, TTL = 100, 500, 300
Record = tuple[str, tuple[Any, ...]]


class Cache(Protocol):
    def get(self, key: Any) -> Any: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...


class LockedTTLCache:
    """What one writes with cachetools: a TTLCache and a lock."""

    def __init__(self, size: int = L1 + L2) -> None:
        self.cache: cachetools.TTLCache[Any, Any] = cachetools.TTLCache(size, TTL)
        self.lock = threading.Lock()

    def get(self, key: Any) -> Any:
        with self.lock:
            return self.cache.get(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        with self.lock:
            self.cache[key] = value


class Theine:
    """theine, with as many entries."""

    def __init__(self, size: int = L1 + L2) -> None:
        import theine

        self.cache: theine.Cache[Any, Any] = theine.Cache(size)

    def get(self, key: Any) -> Any:
        return self.cache.get(key)[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.cache.set(key, value)


THEINE: dict[str, Callable[[], Any]] = {"theine": Theine} if installed("theine") else {}
CACHES: dict[str, Callable[[], Any]] = {
    "TTLCache under a lock": LockedTTLCache,
    **THEINE,
    "TieredCache": lambda: TieredCache(L1, L2, TTL),
}


def records(number: int, seed: int = 0) -> list[Record]:
    """Keys as the scorer makes them: the model, and twelve numbers and five words."""
    rng = random.Random(seed)
    words = ("propia", "alquilada", "familiar", "soltero", "casado")
    return [
        ("modelo@1", (*(rng.uniform(0, 1000) for _ in range(12)), *(rng.choice(words) for _ in range(5))))
        for _ in range(number)
    ]


def again(keys: Iterable[Record]) -> list[Record]:
    """Equal keys made of other objects, as those of a record that comes in a second time."""
    return [(model, tuple(v + 0.0 if isinstance(v, float) else v for v in values)) for model, values in keys]


def look_up(cache: Cache, keys: list[Any]) -> None:
    get = cache.get
    for key in keys:
        get(key)


def fill(cache: Cache, keys: list[Any]) -> None:
    for key in keys:
        cache[key] = 0.5


KEYS = records(L1)
SAME = again(KEYS)
OTHERS = records(L1, seed=1)
MANY = records(3000, seed=2)
WORK: dict[str, tuple[Callable[[Cache, list[Any]], None], list[Any]]] = {
    "hit in L1": (look_up, SAME),
    "miss": (look_up, OTHERS),
    "write, when full": (fill, MANY),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("name", CACHES)
def test_time(benchmark: Any, name: str, work: str) -> None:
    cache = CACHES[name]()
    fill(cache, KEYS)
    run, keys = WORK[work]
    benchmark.group = work
    benchmark(run, cache, keys)


def nanoseconds(work: str, rounds: int = full(25, 1)) -> dict[str, float]:
    """Best time of one operation for each cache, taken in turns so that all meet the same noise."""
    run, keys = WORK[work]
    caches = {name: make() for name, make in CACHES.items()}
    for cache in caches.values():
        fill(cache, KEYS)
    number = max(1, 3000 // len(keys))
    best = dict.fromkeys(caches, float("inf"))
    for _ in range(rounds):
        for name, cache in caches.items():
            seconds = timeit.timeit(partial(run, cache, keys), number=number)
            best[name] = min(best[name], seconds / number / len(keys) * 1e9)
    return best


def zipf(length: int, keys: int, seed: int = 0, first: int = 0) -> list[int]:
    """Draw keys of which the n-th is asked for in proportion to 1/n: Zipf(1.0)."""
    cumulative = list(accumulate(1 / (n + 1) for n in range(keys)))
    return [first + key for key in random.Random(seed).choices(range(keys), cum_weights=cumulative, k=length)]


def scans(length: int) -> list[int]:
    """Zipf over 2,000 keys, and after every 3,000 look-ups a batch of 3,000 keys asked for only once."""
    hot, once = iter(zipf(length, 2000, seed=1)), 1_000_000
    trace: list[int] = []
    while len(trace) < length:
        trace += islice(hot, 3000)
        trace += range(once, once + 3000)
        once += 3000
    return trace[:length]


def mixed(length: int) -> list[int]:
    """Zipf over 2,000 keys, every other look-up replaced by a key asked for only once."""
    return [key if n % 2 else 1_000_000 + n for n, key in enumerate(zipf(length, 2000, seed=2))]


def shifting(length: int) -> list[int]:
    """Zipf over 5,000 keys that are replaced by others ten times."""
    part = length // 10
    return [key for n in range(10) for key in zipf(part, 5000, seed=3 + n, first=n * 100_000)]


TRACES: dict[str, Callable[[int], list[int]]] = {
    "Zipf(1.0), 10,000 keys": lambda length: zipf(length, 10_000),
    "Zipf(1.0), 100,000 keys": lambda length: zipf(length, 100_000),
    "scan-heavy, in batches": scans,
    "scan-heavy, mixed": mixed,
    "Zipf(1.0), shifting": shifting,
}
POLICIES: dict[str, Callable[[], Any]] = {
    "plain LRU": lambda: cachetools.LRUCache(L1 + L2),
    **THEINE,
    "TieredCache": lambda: TieredCache(L1, L2, TTL),
}


def hit_ratio(cache: Any, trace: list[int]) -> float:
    hits = 0
    for key in trace:
        if cache.get(key) is None:
            cache[key] = 1
        else:
            hits += 1
    return hits / len(trace)


def main(length: int = full(200_000, 12_000)) -> None:
    print(f"{'ns per operation':26}" + "".join(f"{name:>24}" for name in CACHES) + f"{'ratio':>8}")
    for work in WORK:
        times = nanoseconds(work)
        ratio = times["TieredCache"] / times["TTLCache under a lock"]
        print(f"{work:26}" + "".join(f"{time:24.0f}" for time in times.values()) + f"{ratio:8.2f}")
    print(f"\n{f'hit ratio, {L1 + L2} entries':26}" + "".join(f"{name:>24}" for name in POLICIES))
    for title, trace in TRACES.items():
        ratios = [hit_ratio(make(), trace(length)) for make in POLICIES.values()]
        print(f"{title:26}" + "".join(f"{ratio:24.3f}" for ratio in ratios))


if __name__ == "__main__":
    main()
