"""Compiled forms as plain data and arrays, and back: what a model file holds.

Only the classes of this package's own nodes are ever made, and only from plain data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.forms import additive, calibration  # noqa: F401 - these define what a file may hold
from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes import functions, trees  # noqa: F401
from morosidad.compiler.nodes.expressions import Expr
from morosidad.compiler.nodes.lookups import Shared

Array = NDArray[Any]


def pack(node: Form) -> tuple[Any, list[Array]]:
    """Turn a form into JSON-ready data and the arrays that the data names by number.

    What several expressions share is packed once.
    """
    packer = _Packer()
    root = packer.pack(node)
    return {"root": root, "shared": packer.shared}, packer.arrays


def unpack(data: Mapping[str, Any], arrays: Sequence[Array]) -> Form:
    """Make the form that `pack` was given.

    Raises
    ------
    ValueError
        If the data describes no form.
    """
    shared: list[Any] = []
    try:
        for node in data["shared"]:
            shared.append(_unpack(node, arrays, shared))
        form = _unpack(data["root"], arrays, shared)
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"this describes no compiled form: {error}") from None
    if not isinstance(form, Form):
        raise ValueError("this describes no compiled form")
    return form


class _Packer:
    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.shared: list[Any] = []
        self._places: dict[int, int] = {}

    def pack(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
            return {"array": len(self.arrays) - 1}
        if isinstance(value, Shared):
            if id(value) not in self._places:
                packed = self._struct(value)
                self._places[id(value)] = len(self.shared)
                self.shared.append(packed)
            return {"shared": self._places[id(value)]}
        if isinstance(value, msgspec.Struct):
            return self._struct(value)
        if isinstance(value, (tuple, list)):
            return [self.pack(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        if value is None or isinstance(value, (str, int, float)):
            return value
        raise TypeError(f"{type(value).__name__} can't be packed")

    def _struct(self, value: msgspec.Struct) -> dict[str, Any]:
        packed = {name: self.pack(getattr(value, name)) for name in value.__struct_fields__}
        return {"type": type(value).__name__, "of": packed}


def _unpack(data: Any, arrays: Sequence[Array], shared: Sequence[Any]) -> Any:
    if isinstance(data, list):
        return tuple(_unpack(item, arrays, shared) for item in data)
    if not isinstance(data, dict):
        return data
    if "array" in data:
        return arrays[data["array"]]
    if "shared" in data:
        return shared[data["shared"]]
    if "float" in data:
        return float(data["float"])
    values = {name: _unpack(value, arrays, shared) for name, value in data["of"].items()}
    return _classes()[data["type"]](**values)


def _classes() -> dict[str, type[msgspec.Struct]]:
    return {cls.__name__: cls for base in (Shared, Expr, Form) for cls in _below(base)}


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)
