"""The protocol of a second tier outside the process, and the locks that keep it and memory equal."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import RLock
from typing import Protocol, TypeVar

from morosidad.processes.forking import renew_after_fork

K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Store(Protocol[K_contra, V]):
    """A second tier outside this process, as `RedisTier`.

    A store keeps the time itself and must not raise because it can't be reached: it then answers as if it
    were empty. A store that also has ``clear()`` can be emptied by `TieredCache.clear` and
    `TieredCache.invalidate`.
    """

    def get(self, key: K_contra, /) -> tuple[V, float] | None:
        """Return the value of `key` and the seconds it has left, or ``None``."""
        ...

    def set(self, key: K_contra, value: V, ttl: float, /) -> None:
        """Keep `value` for `ttl` seconds; ``math.inf`` is for ever."""
        ...

    def delete(self, key: K_contra, /) -> None:
        """Remove `key`, whether it is there or not."""
        ...


def check_store(store: Store[K, V]) -> Store[K, V]:
    """Return `store`; a `TypeError` names the methods that it lacks."""
    lacks = [name for name in ("get", "set", "delete") if not callable(getattr(store, name, None))]
    if lacks:
        name = type(store).__name__
        raise TypeError(f"l2 must be a whole number or a store; {name} lacks {', '.join(lacks)}")
    return store


class StripedLocks:
    """A fixed number of locks, shared out over the keys by hash (lock striping).

    A caller that reads or writes a key in a store holds the key's lock for as long as memory and store may
    differ, so that a value read before a write never replaces it. These locks are taken before the cache's
    own, and no call to the store happens under the latter.
    """

    def __init__(self, number: int = 64) -> None:
        self._number = number
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._locks = [RLock() for _ in range(self._number)]

    def of(self, key: Hashable) -> AbstractContextManager[object]:
        """Return the lock of `key`."""
        return self._locks[hash(key) % len(self._locks)]

    @contextmanager
    def all(self) -> Iterator[None]:
        """Hold every lock."""
        with ExitStack() as stack:
            for lock in self._locks:
                stack.enter_context(lock)
            yield
