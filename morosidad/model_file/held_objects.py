"""Walks over all that a Python object holds, to name its types or to check some of them."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

_ATOMS = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    np.generic,
    np.dtype,
)
_NARROW = ("xgboost", "torch", "skorch", "keras", "tensorflow")
_PLAIN = ("builtins", "numpy", "sklearn", "scipy", "pandas", "pyarrow", "weakref", "ctypes", "_thread")


def held_objects(root: Any) -> Iterator[Any]:
    """Give an object and whatever it holds, each once; not what its functions refer to.

    Parameters
    ----------
    root : object
        Where to begin.

    Yields
    ------
    object
        Neither numbers nor texts, classes, modules.
    """
    seen = {id(root): root}
    waiting = [root]
    while waiting:
        current = waiting.pop()
        yield current
        for found in _referents(current):
            if not isinstance(found, _ATOMS) and id(found) not in seen:
                seen[id(found)] = found
                waiting.append(found)


def _referents(holder: Any) -> list[Any]:
    if isinstance(holder, types.FunctionType):
        return []
    if isinstance(holder, np.ndarray):
        cells = holder.ravel().tolist() if holder.dtype == object else []
        return [*cells, *([holder.base] if holder.base is not None else [])]
    return gc.get_referents(holder)


def foreign_types(root: Any) -> list[str]:
    """Name the classes and functions that an object holds, but for those of scikit-learn and what it needs.

    Parameters
    ----------
    root : object
        Such as a fitted pipeline.

    Returns
    -------
    list of str
        As ``module.Name``, sorted.
    """
    names: set[str] = set()
    for found in held_objects(root):
        named = found if isinstance(found, types.FunctionType) else type(found)
        if named.__module__.partition(".")[0] not in _PLAIN:
            names.add(f"{named.__module__}.{named.__qualname__}")
    return sorted(names)


def holds_float32(root: Any) -> bool:
    """Tell whether an object holds numbers of 32 bits, or a model that reckons with them.

    Parameters
    ----------
    root : object
        Such as a fitted pipeline.

    Returns
    -------
    bool
    """
    for found in held_objects(root):
        if isinstance(found, np.ndarray) and found.dtype in (np.float32, np.float16):
            return True
        if type(found).__module__.partition(".")[0] in _NARROW:
            return True
    return False
