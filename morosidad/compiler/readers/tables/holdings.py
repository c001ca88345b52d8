"""The values that a fitted object holds: the categories and edges that it may tell apart."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.registry import NotCompilable

MOST_VALUES = 20_000
"""So many values may an object hold about one column."""
MOST_SHARED = 2_000
"""So many values may it hold that are about no column in particular."""
MOST_OBJECTS = 20_000
"""So many objects are looked into at most."""

Held = dict[str | int | float, None]


def held_by_column(estimator: Any, names: Sequence[Any]) -> list[Held]:
    """Collect the texts and numbers that a fitted object holds about each of its columns.

    Parameters
    ----------
    estimator : object
        A fitted transformer, which keeps what it learned in mappings by column, in lists of mappings
        that name the column under ``"col"``, or in attributes of its own.
    names : sequence
        The names of its columns.

    Returns
    -------
    list of dict
        For each column, each value once; what is about no column in particular stands in all.

    Raises
    ------
    NotCompilable
        If it holds too many to try them all.
    """
    own: dict[Any, list[Any]] = {name: [] for name in names}
    shared: list[Any] = []
    _sort(estimator, own, shared, 0)
    everywhere = values_held(*shared, most=MOST_SHARED)
    return [values_held(*own[name]) | everywhere for name in names]


def _sort(value: Any, own: dict[Any, list[Any]], shared: list[Any], depth: int) -> None:
    """Put what an object is made of to the columns that it is about."""
    for part in vars(value).values():
        items = part if isinstance(part, list | tuple) else [part]
        for item in items:
            column = item.get("col") if isinstance(item, Mapping) else None
            if column.__hash__ is not None and column in own:
                own[column].append(item)
            elif isinstance(item, Mapping) and any(name in own for name in item):
                for name in own.keys() & item.keys():
                    own[name].append(item[name])
            elif hasattr(item, "get_params") and not isinstance(item, type) and depth < 4:
                _sort(item, own, shared, depth + 1)
            elif item.__hash__ is None or item not in own:
                shared.append(item)


def values_held(*objects: Any, most: int = MOST_VALUES) -> Held:
    """Collect the texts and numbers that objects hold, however deep.

    Parameters
    ----------
    *objects : object
        What to look into.
    most : int
        So many there may be.

    Returns
    -------
    dict of (str, int or float) to None
        Each value once, in the order that they were met.

    Raises
    ------
    NotCompilable
        If there are more.
    """
    found: Held = {}
    seen: dict[int, Any] = {}  # held, so that no other object gets the same identity
    left = list(reversed(objects))
    while left:
        value = left.pop()
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str | int | float):
            if not isinstance(value, bool) and value == value:
                found.setdefault(value)
        elif id(value) not in seen and value is not None:
            seen[id(value)] = value
            left.extend(_parts(value))
        if len(found) > most or len(seen) > MOST_OBJECTS:
            raise NotCompilable("an encoder that holds so many values has no compiled form")
    return found


def _parts(value: Any) -> list[Any]:
    """Give what an object is made of."""
    if isinstance(value, np.ndarray):
        return _distinct(value.ravel())
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    kind = type(value).__name__
    if kind == "DataFrame":
        return [value.index.to_numpy(dtype=object), *(value[name].to_numpy() for name in value)]
    if kind == "Series":
        return [value.index.to_numpy(dtype=object), value.to_numpy(dtype=object)]
    if kind == "Interval":
        return [value.left, value.right]
    if kind.endswith("Index"):
        return [value.to_numpy(dtype=object)]
    if kind == "Tree" and hasattr(value, "threshold"):
        return [value.threshold]
    if callable(value):
        return []
    held = getattr(value, "__dict__", None)
    return list(held.values()) if isinstance(held, dict) else []


def _distinct(cells: Any) -> list[Any]:
    """Give the different cells of an array, as Python's own values."""
    if cells.dtype.kind in "fiub":
        return list(np.unique(cells).tolist())
    return list(dict.fromkeys(cell for cell in cells.tolist() if isinstance(cell, Hashable)))
