"""TieredCache against a model that says what it does in the plainest way, time included."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from morosidad.cache import TieredCache
from support import FakeClock

L1, L2, TTL = 4, 6, 10
KEYS = st.integers(0, 14)
VALUES = st.integers(1, 3)
TTLS = st.sampled_from([None, 1, 5, 40, math.inf])


class Model:
    """Three lists of keys, oldest first, and what belongs to each key."""

    def __init__(self, clock: FakeClock, sized: bool, stale: float, l2: int) -> None:
        self.clock, self.sized, self.stale, self.l2_limit = clock, sized, stale, l2
        self.l1: list[int] = []
        self.proven: list[int] = []
        self.unproven: list[int] = []
        self.recent: list[int] = []
        self.used: set[int] = set()
        self.value: dict[int, int] = {}
        self.deadline: dict[int, float] = {}
        self.stored: dict[int, float] = {}
        self.count: Counter[str] = Counter()

    def size(self, keys: list[int]) -> int:
        return sum(self.value[k] for k in keys) if self.sized else len(keys)

    def alive(self, key: int) -> bool:
        return key in self.value and self.clock() < self.deadline[key]

    def items(self) -> list[tuple[int, int]]:
        return [(k, self.value[k]) for k in self.unproven + self.proven + self.l1 if self.alive(k)]

    def leave(self, key: int, how: str) -> None:
        for queue in (self.l1, self.proven, self.unproven):
            if key in queue:
                queue.remove(key)
        for table in (self.value, self.deadline, self.stored):
            del table[key]
        self.used.discard(key)
        self.count[how] += 1

    def expire(self) -> None:
        for key in list(self.value):
            if self.deadline[key] + self.stale <= self.clock():
                self.leave(key, "expiries")

    def evict(self, key: int) -> None:
        known = len(self.value)
        self.leave(key, "evictions")
        self.recent = [k for k in self.recent if k != key] + [key]
        if 2 * len(self.recent) > known:
            self.recent.pop(0)

    def make_room(self, size: int) -> None:
        while self.size(self.l1) + size > L1:
            key = self.l1.pop(0)
            if not self.l2_limit and key in self.used:
                self.used.remove(key)
                self.l1.append(key)
            elif self.size([key]) > self.l2_limit:
                self.evict(key)
            else:
                (self.proven if key in self.used else self.unproven).append(key)
                self.used.discard(key)
                self.count["demotions"] += 1
                while self.size(self.proven + self.unproven) > self.l2_limit:
                    self.evict((self.unproven or self.proven)[0])

    def set(self, key: int, value: int, ttl: float | None) -> None:
        self.expire()
        known = key in self.value
        if known:
            self.leave(key, "rewritten")
        else:
            self.count["insertions"] += 1
        proven = known or key in self.recent
        if not known and key in self.recent:
            self.recent.remove(key)
        self.make_room(value if self.sized else 1)
        self.value[key] = value
        self.stored[key] = self.clock()
        self.deadline[key] = self.clock() + (TTL if ttl is None else ttl)
        self.l1.append(key)
        if proven:
            self.used.add(key)

    def get(self, key: int) -> int | None:
        if not self.alive(key):
            self.count["misses"] += 1
            return None
        if key in self.l1:
            self.count["l1_hits"] += 1
        else:
            self.expire()
            self.count["l2_hits"] += 1
            self.count["promotions"] += 1
            for queue in (self.proven, self.unproven):
                if key in queue:
                    queue.remove(key)
            self.make_room(self.size([key]))
            self.l1.append(key)
        self.used.add(key)
        return self.value[key]

    def remove(self, key: int) -> int | None:
        self.expire()
        value = self.value[key] if self.alive(key) else None
        if key in self.value:
            self.leave(key, "removals")
        return value


class CacheMachine(RuleBasedStateMachine):
    @initialize(sized=st.booleans(), stale=st.sampled_from([0, 7]), l2=st.sampled_from([L2, L2, 2, 0]))
    def start(self, sized: bool, stale: float, l2: int) -> None:
        self.clock = FakeClock()
        self.model = Model(self.clock, sized, stale, l2)
        measure = (lambda value: value) if sized else None
        self.cache: TieredCache[int, int] = TieredCache(
            L1, l2, TTL, getsizeof=measure, stale=stale, clock=self.clock
        )

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: int, value: int, ttl: float | None) -> None:
        self.cache.set(key, value, ttl)
        self.model.set(key, value, ttl)

    @rule(key=KEYS, value=VALUES)
    def setitem(self, key: int, value: int) -> None:
        self.cache[key] = value
        self.model.set(key, value, None)

    @rule(key=KEYS)
    def set_with_no_life_left(self, key: int) -> None:
        self.cache.set(key, 1, 0)
        self.model.remove(key)

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        assert self.cache.get(key) == self.model.get(key)

    @rule(key=KEYS)
    def getitem(self, key: int) -> None:
        expected = self.model.get(key)
        if expected is None:
            with pytest.raises(KeyError):
                self.cache[key]
        else:
            assert self.cache[key] == expected

    @rule(key=KEYS)
    def contains(self, key: int) -> None:
        assert (key in self.cache) == self.model.alive(key)

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key: int, value: int) -> None:
        expected = self.model.get(key)
        if expected is None:
            self.model.set(key, value, None)
        assert self.cache.setdefault(key, value) == (expected or value)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def get_or_compute(self, key: int, value: int, ttl: float | None) -> None:
        expected = self.model.get(key)
        if expected is None:
            self.model.set(key, value, ttl)
        assert self.cache.get_or_compute(key, lambda: value, ttl=ttl) == (expected or value)

    @rule(key=KEYS)
    def pop(self, key: int) -> None:
        assert self.cache.pop(key, None) == self.model.remove(key)

    @rule(key=KEYS)
    def delitem(self, key: int) -> None:
        if self.model.remove(key) is None:
            with pytest.raises(KeyError):
                del self.cache[key]
        else:
            del self.cache[key]

    @rule(key=KEYS)
    def invalidate(self, key: int) -> None:
        self.cache.invalidate(key)
        self.model.remove(key)

    @rule()
    def popitem(self) -> None:
        items = self.model.items()
        if not items:
            with pytest.raises(KeyError):
                self.cache.popitem()
        else:
            assert self.cache.popitem() == items[0]
            self.model.remove(items[0][0])

    @rule(values=st.dictionaries(KEYS, VALUES, max_size=4))
    def update(self, values: dict[int, int]) -> None:
        self.cache.update(values)
        for key, value in values.items():
            self.model.set(key, value, None)

    @rule(age=st.integers(0, 20))
    def trim(self, age: int) -> None:
        old = [k for k, stored in self.model.stored.items() if self.clock() - stored >= age]
        assert self.cache.trim(age) == len(old)
        for key in old:
            self.model.leave(key, "removals")

    @precondition(lambda self: len(self.model.value) > 6)
    @rule()
    def clear(self) -> None:
        self.cache.clear()
        for key in list(self.model.value):
            self.model.leave(key, "removals")
        self.model.recent.clear()

    @rule(seconds=st.integers(1, 12))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def expire(self) -> None:
        before = dict(self.model.value)
        self.model.expire()
        gone = {key: value for key, value in before.items() if key not in self.model.value}
        assert dict(self.cache.expire()) == gone

    @rule()
    def count(self) -> None:
        self.model.expire()
        assert len(self.cache) == len(self.model.items())
        assert self.cache.currsize == self.model.size(list(self.model.value))
        stats = self.cache.stats()
        del self.model.count["rewritten"]
        for name, value in self.model.count.items():
            assert getattr(stats, name) == value, name
        gone = stats.evictions + stats.expiries + stats.removals
        assert stats.insertions == stats.entries + gone

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        # Through iter, because list() asks for the length, which lets go of what has expired.
        assert list(iter(self.cache.items())) == self.model.items()

    @invariant()
    def never_exceeds_its_limits(self) -> None:
        tiers = self.cache._tiers
        assert tiers.l1.size <= L1
        assert tiers.l2_size <= tiers.l2_limit


TestCacheMachine = CacheMachine.TestCase
TestCacheMachine.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
