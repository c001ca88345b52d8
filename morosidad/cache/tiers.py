"""The two tiers in memory and their eviction policy, 2Q with lazy promotion.

L1 and the two halves of L2 are queues, first in, first out. A hit in L1 only marks the entry, so it costs
one look-up and no reordering. What leaves L1 moves to the *proven* half of L2 if it was asked for again, else
to the *unproven* half; a hit in L2 moves the entry up. L2 drops the oldest unproven entry first, so a scan of
keys asked for once passes through without driving out what is asked for often. The hashes of the entries last
dropped are remembered: a key that comes back soon after it left has proven itself.

This is 2Q (Johnson and Shasha, *2Q: A Low Overhead High Performance Buffer Management Replacement Algorithm*,
VLDB 1994), with the lazy promotion of S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, SOSP 2023,
https://doi.org/10.1145/3600006.3613147).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, count
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import cachetools

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class QueueNode:
    """A node of a doubly linked queue."""

    __slots__ = ("next", "prev")
    next: Any
    prev: Any


class Entry(QueueNode, Generic[K, V]):
    """A value with its expiry times and the queue that holds it (None once it has left)."""

    __slots__ = ("deadline", "end", "hash", "key", "queue", "size", "stored", "used", "value")

    def __init__(self, key: K, value: V, size: int, stored: float, deadline: float, end: float) -> None:
        self.key: K = key
        self.value: V = value
        self.size: int = size
        self.stored: float = stored
        self.deadline: float = deadline
        self.end: float = end
        self.hash: int = hash(key)
        self.used: bool = False
        self.queue: Queue[K, V] | None = None


class Queue(QueueNode, Generic[K, V]):
    """First in, first out; an entry leaves from anywhere without being searched for."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.next: Any = self
        self.prev: Any = self
        self.size: int = 0

    def append(self, entry: Entry[K, V]) -> None:
        """Put `entry` at the end."""
        last = self.prev
        entry.prev = last
        entry.next = self
        last.next = self.prev = entry
        entry.queue = self
        self.size += entry.size

    def remove(self, entry: Entry[K, V]) -> None:
        """Take `entry` out."""
        before, after = entry.prev, entry.next
        before.next = after
        after.prev = before
        entry.queue = None
        self.size -= entry.size

    def __iter__(self) -> Iterator[Entry[K, V]]:
        node = self.next
        while node is not self:
            following = node.next
            yield node
            node = following

    def __bool__(self) -> bool:
        return self.next is not self


class Tiers(cachetools.Cache[K, "Entry[K, V] | None"]):
    """The entries of both tiers by key; not safe for threads by itself.

    A key that is absent reads as ``None``. Counters are plain attributes.
    """

    def __init__(self, l1: int, l2: int, *, sized: bool) -> None:
        super().__init__(l1 + l2, attrgetter("size") if sized else None)
        self.l1_limit = l1
        self.l2_limit = l2
        self.l1: Queue[K, V] = Queue()
        self.proven: Queue[K, V] = Queue()
        self.unproven: Queue[K, V] = Queue()
        self.insertions: int = 0
        self.promotions: int = 0
        self.demotions: int = 0
        self.evictions: int = 0
        self.expiries: int = 0
        self.removals: int = 0
        self._recent: OrderedDict[int, None] = OrderedDict()
        self._expiry_heap: list[tuple[float, int, Entry[K, V]]] = []
        self._heap_limit = 64
        self._serial = count()

    def __missing__(self, key: K) -> None:
        return None

    @property
    def l2_size(self) -> int:
        """How much of L2 is taken."""
        return self.proven.size + self.unproven.size

    def put(self, entry: Entry[K, V]) -> None:
        """Place an entry in L1, in the place of one with the same key."""
        self.expire(entry.stored)
        if entry.key in self:
            self.discard(cast("Entry[K, V]", self[entry.key]))
            entry.used = True
        else:
            self.insertions += 1
            if entry.hash in self._recent:
                del self._recent[entry.hash]
                entry.used = True
        while self.l1.size + entry.size > self.l1_limit:
            self._demote_oldest(self.l1.next)
        self._insert(entry, self.l1)
        if len(self._expiry_heap) > self._heap_limit:
            self._expiry_heap = [item for item in self._expiry_heap if item[2].queue is not None]
            heapify(self._expiry_heap)
            self._heap_limit = 2 * len(self._expiry_heap) + 64

    def promote(self, entry: Entry[K, V], now: float) -> None:
        """Move an entry that was hit in L2 up to L1."""
        self.expire(now)
        cast("Queue[K, V]", entry.queue).remove(entry)
        entry.used = True
        self.promotions += 1
        while self.l1.size + entry.size > self.l1_limit:
            self._demote_oldest(self.l1.next)
        self.l1.append(entry)

    def discard(self, entry: Entry[K, V]) -> tuple[K, V]:
        """Take an entry out of its queue, and drop its key and value."""
        key, value = entry.key, entry.value
        cachetools.Cache.__delitem__(self, key)
        cast("Queue[K, V]", entry.queue).remove(entry)
        del entry.key, entry.value
        return key, value

    def remove(self, entry: Entry[K, V]) -> tuple[K, V]:
        """Take an entry out because it was deleted."""
        self.removals += 1
        return self.discard(entry)

    def popitem(self) -> tuple[K, None]:
        """Evict the next entry; cachetools calls this too."""
        return self._drop((self.unproven or self.proven or self.l1).next), None

    def expire(self, now: float) -> list[tuple[K, V]]:
        """Take out every expired entry."""
        gone: list[tuple[K, V]] = []
        while self._expiry_heap and self._expiry_heap[0][0] <= now:
            entry = heappop(self._expiry_heap)[2]
            if entry.queue is not None:
                gone.append(self.discard(entry))
        self.expiries += len(gone)
        return gone

    def clear(self) -> None:
        """Take out everything, the history of evicted keys too."""
        for entry in self.entries():
            self.remove(entry)
        self._expiry_heap.clear()
        self._recent.clear()

    def entries(self) -> Iterator[Entry[K, V]]:
        """Every entry, the one to be dropped next first; it may be taken out as it is met."""
        return chain(self.unproven, self.proven, self.l1)

    def dump(self, now: float) -> dict[str, list[tuple[Any, ...]]]:
        """Return what each queue holds, with ages and lives left in the place of times."""
        return {
            name: [
                (e.key, e.value, e.size, now - e.stored, e.deadline - now, e.end - now, e.used)
                for e in getattr(self, name)
            ]
            for name in ("unproven", "proven", "l1")
        }

    def load(self, queues: dict[str, list[tuple[Any, ...]]], now: float) -> None:
        """Fill empty tiers with what `dump` gave."""
        for name, rows in queues.items():
            for key, value, size, age, left, end, used in rows:
                entry: Entry[K, V] = Entry(key, value, size, now - age, now + left, now + end)
                entry.used = used
                self._insert(entry, getattr(self, name))
                self.insertions += 1

    def _insert(self, entry: Entry[K, V], queue: Queue[K, V]) -> None:
        cachetools.Cache.__setitem__(self, entry.key, entry)
        queue.append(entry)
        if entry.end < math.inf:
            heappush(self._expiry_heap, (entry.end, next(self._serial), entry))

    def _demote_oldest(self, entry: Entry[K, V]) -> None:
        """Move L1's oldest entry to L2, and evict what L2 then has no room for."""
        if entry.used and not self.l2_limit:
            # Nothing lies below, so what was asked for again gets a second round in L1 itself.
            self.l1.remove(entry)
            entry.used = False
            self.l1.append(entry)
        elif entry.size > self.l2_limit:
            self._drop(entry)
        else:
            self.l1.remove(entry)
            (self.proven if entry.used else self.unproven).append(entry)
            entry.used = False
            self.demotions += 1
            while self.proven.size + self.unproven.size > self.l2_limit:
                self.popitem()

    def _drop(self, entry: Entry[K, V]) -> K:
        self.evictions += 1
        self._recent[entry.hash] = None
        if 2 * len(self._recent) > cachetools.Cache.__len__(self):
            self._recent.popitem(last=False)
        return self.discard(entry)[0]
