"""The mapping interface of the cache, checked beside those of cachetools and of plain dictionaries."""

from __future__ import annotations

import copy
import math
import pickle
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import cachetools
import pytest

from morosidad.cache import TieredCache


class DictStore:
    """The plainest store: a dict and a clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.data: dict[Any, tuple[Any, float]] = {}

    def get(self, key: Any) -> tuple[Any, float] | None:
        value, end = self.data.get(key, (None, -math.inf))
        return (value, end - self.clock()) if self.clock() < end else None

    def set(self, key: Any, value: Any, ttl: float) -> None:
        self.data[key] = value, self.clock() + ttl

    def delete(self, key: Any) -> None:
        self.data.pop(key, None)

    def clear(self) -> None:
        self.data.clear()


MAPPINGS: dict[str, Callable[[], MutableMapping[Any, Any]]] = {
    "dict": dict,
    "LRUCache": lambda: cachetools.LRUCache(8),
    "TTLCache": lambda: cachetools.TTLCache(8, 300),
    "TieredCache": lambda: TieredCache(3, 5),
    "TieredCache in bytes": lambda: TieredCache(300, 500, getsizeof=lambda value: 100),
    "TieredCache of one tier": lambda: TieredCache(8, 0),
    "TieredCache over a store": lambda: TieredCache(8, DictStore()),
}


@pytest.fixture(params=list(MAPPINGS.values()), ids=list(MAPPINGS))
def mapping(request: pytest.FixtureRequest) -> MutableMapping[Any, Any]:
    made: MutableMapping[Any, Any] = request.param()
    return made


class TestEveryMapping:
    """One contract, run over the dict, cachetools and ourselves."""

    def test_what_is_stored_is_read(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["a"] = 1
        mapping["b"] = None
        assert mapping["a"] == 1
        assert mapping["b"] is None
        assert mapping.get("a") == 1
        assert mapping.get("b", 7) is None
        assert "b" in mapping
        assert len(mapping) == 2

    def test_what_is_not_there_is_told(self, mapping: MutableMapping[Any, Any]) -> None:
        with pytest.raises(KeyError):
            mapping["a"]
        with pytest.raises(KeyError):
            del mapping["a"]
        with pytest.raises(KeyError):
            mapping.pop("a")
        with pytest.raises(KeyError):
            mapping.popitem()
        assert mapping.get("a") is None
        assert mapping.get("a", 7) == 7
        assert mapping.pop("a", 7) == 7
        assert mapping.pop("a", None) is None
        assert "a" not in mapping
        assert not mapping

    def test_writing_again_replaces(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["a"] = 1
        mapping["a"] = 2
        assert dict(mapping) == {"a": 2}

    def test_what_is_removed_is_gone(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2, c=3)
        del mapping["a"]
        assert mapping.pop("b") == 2
        assert dict(mapping) == {"c": 3}
        assert mapping.popitem() == ("c", 3)
        assert len(mapping) == 0
        with pytest.raises(KeyError):
            del mapping["a"]

    def test_setdefault_keeps_what_is_there(self, mapping: MutableMapping[Any, Any]) -> None:
        assert mapping.setdefault("a", 1) == 1
        assert mapping.setdefault("a", 2) == 1
        assert mapping.setdefault("b") is None
        assert mapping.setdefault("b", 2) is None
        assert dict(mapping) == {"a": 1, "b": None}

    def test_clear_removes_everything(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2)
        mapping.clear()
        assert dict(mapping) == {}
        mapping["a"] = 3
        assert mapping["a"] == 3

    def test_views_show_keys_values_and_items(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1, b=2)
        assert set(mapping) == {"a", "b"} == mapping.keys()
        assert sorted(mapping.values()) == [1, 2]
        assert mapping.items() == {("a", 1), ("b", 2)}
        assert ("a", 1) in mapping.items()
        assert ("a", 2) not in mapping.items()
        assert ("c", 1) not in mapping.items()
        assert 2 in mapping.values()
        assert 3 not in mapping.values()
        assert (len(mapping.keys()), len(mapping.values()), len(mapping.items())) == (2, 2, 2)

    def test_mappings_compare_by_content(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping.update(a=1)
        assert mapping == {"a": 1}
        assert mapping != {"a": 2}
        assert mapping != {}

    def test_keys_compare_by_value(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping["m", (1, 2.5, "x")] = "first"
        assert mapping["m", (1.0, 2.5, "".join("x"))] == "first"
        assert mapping.get(("m", (1, 2.5, "y"))) is None

    def test_equal_hashes_never_mean_equal_keys(self, mapping: MutableMapping[Any, Any]) -> None:
        mapping[SameHash("ana")] = 0.1
        mapping[SameHash("eva")] = 0.9
        assert mapping[SameHash("ana")] == 0.1
        assert mapping[SameHash("eva")] == 0.9
        assert mapping.get(SameHash("luz")) is None
        del mapping[SameHash("ana")]
        assert mapping[SameHash("eva")] == 0.9

    def test_a_key_without_a_hash_is_refused(self, mapping: MutableMapping[Any, Any]) -> None:
        with pytest.raises(TypeError):
            mapping[[]] = 1
        with pytest.raises(TypeError):
            mapping[[]]
        assert len(mapping) == 0

    def test_missing_answers_for_subscripts_only(self, mapping: MutableMapping[Any, Any]) -> None:
        kind = type("Answering", (type(mapping),), {"__missing__": lambda self, key: f"no {key}"})
        if isinstance(mapping, dict):
            answering = kind()
        else:
            answering, mapping.__class__ = mapping, kind
        assert answering["a"] == "no a"
        assert answering.get("a") is None
        assert answering.pop("a", 7) == 7
        assert "a" not in answering


class SameHash:
    """A key whose hash says nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        return 42

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameHash) and other.name == self.name


class TestCopies:
    @pytest.mark.parametrize("name", [name for name in MAPPINGS if name.startswith(("dict", "Tiered"))])
    def test_a_copy_is_equal_and_apart(self, name: str) -> None:
        mapping = MAPPINGS[name]()
        mapping.update(a=1, b=2)
        other = copy.copy(mapping)
        assert other == mapping
        mapping["c"] = 3
        assert "c" not in list(other)

    def test_a_pickled_one_comes_back_equal(self) -> None:
        cache: TieredCache[str, int] = TieredCache(3, 5)
        cache.update(a=1, b=2, c=3, d=4)
        back = pickle.loads(pickle.dumps(cache))
        assert back == cache
        assert list(back) == list(cache)
        back["e"] = 5
        assert "e" not in cache
