"""Who computes an entry is known by an object of its thread, since numbers of threads are given again."""

from __future__ import annotations

import threading

import pytest

from morosidad.cache import TieredCache
from morosidad.cache.single_flight import Flight


def test_an_empty_cache_raises_without_a_context() -> None:
    with pytest.raises(KeyError) as caught:
        TieredCache[str, int]().popitem()
    assert caught.value.__suppress_context__


def test_another_thread_with_the_same_number_may_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "get_ident", lambda: 7)
    flight: Flight[int] = Flight()
    claimed: list[bool] = []
    thread = threading.Thread(target=lambda: claimed.append(flight.claim()))
    thread.start()
    thread.join()
    assert claimed == [True]
    flight.join()
    flight.resolve(1)


def test_a_thread_that_asks_for_its_own_entry_is_refused() -> None:
    flight: Flight[int] = Flight()
    assert flight.claim()
    with pytest.raises(RuntimeError, match="that same entry"):
        flight.join()
