"""Compiled forms as plain data and arrays, and back: what a model file holds.

Only nodes and forms are ever made, and only from plain data. Those of this package are named by an
explicit table. Those of a user are named by module and class, and found only where the class is
defined already: nothing is imported because a file names it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes.base import DEEPEST, Expr, Shared

Array = NDArray[Any]

_OWN = {
    "Activation": "nodes.dense.algebra:Activation",
    "Additive": "forms.additive:Additive",
    "Affine": "nodes.dense.algebra:Affine",
    "Arith": "nodes.expressions:Arith",
    "Beside": "nodes.dense.algebra:Beside",
    "Binary": "nodes.computed:Binary",
    "Bins": "nodes.lookups:Bins",
    "Boosting": "forms.walked:Boosting",
    "Cells": "nodes.lookups:Cells",
    "Changed": "nodes.text:Changed",
    "Choice": "nodes.computed:Choice",
    "Clip": "nodes.expressions:Clip",
    "Complement": "forms.complement:Complement",
    "Constant": "nodes.expressions:Constant",
    "Coupled": "forms.dense.coupled:Coupled",
    "Curve": "nodes.lookups:Curve",
    "DenseBlock": "nodes.dense.step:DenseBlock",
    "DenseVector": "nodes.dense.step:DenseVector",
    "Edges": "nodes.lookups:Edges",
    "Element": "nodes.dense.step:Element",
    "Fill": "nodes.expressions:Fill",
    "FilledText": "nodes.text:FilledText",
    "Forest": "forms.walked:Forest",
    "Function": "nodes.functions:Function",
    "Grid": "nodes.lookups:Grid",
    "Guaranteed": "nodes.computed:Guaranteed",
    "Guarded": "forms.guarded:Guarded",
    "Harmonics": "nodes.dense.coding:Harmonics",
    "Imputed": "nodes.dense.imputing:Imputed",
    "Interval": "nodes.lookups:IntervalPosition",
    "Isotonic": "forms.calibrated:Isotonic",
    "Joined": "nodes.text:Joined",
    "Kernel": "nodes.dense.kernels:Kernel",
    "Label": "nodes.labels:Label",
    "Leaves": "nodes.dense.leaves:Leaves",
    "Level": "nodes.lookups:CategoryPosition",
    "LinearChain": "nodes.dense.imputing:LinearChain",
    "LogOddsSum": "forms.pooled:LogOddsSum",
    "LogRatio": "nodes.dense.classes:LogRatio",
    "Lookup": "nodes.lookups:Lookup",
    "Mean": "forms.mixtures:Mean",
    "Missing": "nodes.expressions:Missing",
    "MissingBetween": "nodes.expressions:MissingBetween",
    "Narrow": "nodes.expressions:Narrow",
    "Network": "forms.dense.network:Network",
    "NumberOf": "nodes.text:NumberOf",
    "PartialFunction": "nodes.computed:PartialFunction",
    "Piecewise": "nodes.lookups:Piecewise",
    "PriorCorrected": "forms.calibrated:PriorCorrected",
    "Products": "nodes.dense.algebra:Products",
    "Raw": "nodes.expressions:Raw",
    "SameText": "nodes.text:SameText",
    "Sigmoid": "forms.calibrated:Sigmoid",
    "Sketch": "nodes.dense.coding:Sketch",
    "Sparse": "nodes.lookups:SparseColumn",
    "SparseCode": "nodes.dense.coding:SparseCode",
    "Stacked": "forms.stacked:Stacked",
    "Table": "nodes.lookups:Table",
    "TextChoice": "nodes.text:TextChoice",
    "TextConstant": "nodes.text:TextConstant",
    "TextOf": "nodes.text:TextOf",
    "Threshold": "nodes.dense.coding:Threshold",
    "Truncated": "nodes.expressions:Truncated",
    "UnitNorm": "nodes.dense.algebra:UnitNorm",
    "WithinRadius": "nodes.dense.neighbours:WithinRadius",
    "ZeroIsMissing": "nodes.expressions:ZeroIsMissing",
}
"""The name in a file of each class of this package, and where it is defined."""

_DEEPEST = 200
"""Levels of lists and parts: reading a file takes several levels of Python's stack for each."""

_PACKAGE = "morosidad.compiler."
_NAMES = {_PACKAGE + place: name for name, place in _OWN.items()}


def pack(node: Form) -> tuple[Any, list[Array]]:
    """Turn a form into JSON-ready data and the arrays that the data names by number.

    What several expressions share is packed once.

    Parameters
    ----------
    node : Form
        What to pack.

    Returns
    -------
    data : dict
        Plain data.
    arrays : list of ndarray
        What the data names.
    """
    packer = _Packer()
    root = packer.pack(node)
    return {"root": root, "shared": packer.shared}, packer.arrays


def unpack(data: Mapping[str, Any], arrays: Sequence[Array]) -> Form:
    """Make the form that `pack` was given.

    Parameters
    ----------
    data : mapping
        Plain data, as `pack` gives it.
    arrays : sequence of ndarray
        What the data names.

    Returns
    -------
    Form

    Raises
    ------
    ValueError
        If the data describes no form.
    """
    try:
        form = _Unpacker(arrays).unpack(data)
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
        return {"type": _name(type(value)), "of": packed}


class _Unpacker:
    """Makes objects of data, of which a walk takes no longer than reading the data did.

    Only tables and dense steps may be shared, and each array has one place, as `pack` writes them:
    expressions that share their parts would be walked once for each way that leads to them.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self._arrays = arrays
        self._placed: set[int] = set()
        self._shared: list[Any] = []

    def unpack(self, data: Mapping[str, Any]) -> Any:
        for node in data["shared"]:
            table = self._unpack(node, 0)
            if not isinstance(table, Shared):
                raise ValueError("this describes no compiled form: what is no table is shared")
            if table.depth > DEEPEST:
                raise ValueError("this describes no compiled form: its parts are nested too deeply")
            self._shared.append(table)
        return self._unpack(data["root"], 0)

    def _unpack(self, data: Any, depth: int) -> Any:
        if isinstance(data, list):
            return tuple([self._unpack(item, depth + 1) for item in data])
        if not isinstance(data, dict):
            return data
        if depth > _DEEPEST:
            raise ValueError("this describes no compiled form: its parts are nested too deeply")
        if "array" in data:
            return self._array(data["array"])
        if "shared" in data:
            place = data["shared"]
            if type(place) is not int or place < 0:
                raise ValueError("this describes no compiled form: a place is none")
            return self._shared[place]
        if "float" in data:
            return float(data["float"])
        values = {name: self._unpack(value, depth + 1) for name, value in data["of"].items()}
        return _class(data["type"])(**values)

    def _array(self, place: Any) -> Array:
        if type(place) is not int or place < 0 or place in self._placed:
            raise ValueError("this describes no compiled form: an array has no place, or several")
        self._placed.add(place)
        return self._arrays[place]


def nested_too_deeply(value: Any, left: int = _DEEPEST, seen: set[int] | None = None) -> bool:
    """Tell whether a form is nested more deeply than `unpack` takes, as one of a hundred steps may be.

    Parameters
    ----------
    value : Form
        The form; for its parts it is asked again.
    left : int
        So many levels it may have.
    seen : set of int, optional
        What several expressions share, by its identity: it is packed, and looked at, once.

    Returns
    -------
    bool
    """
    seen = set() if seen is None else seen
    if isinstance(value, Shared):
        if id(value) in seen:
            return False
        seen.add(id(value))
        left = _DEEPEST
    if isinstance(value, msgspec.Struct):
        parts = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, (tuple, list)):
        parts = list(value)
    else:
        return False
    return left < 0 or any(nested_too_deeply(part, left - 1, seen) for part in parts)


def users_define_forms() -> bool:
    """Tell whether there are nodes or forms of a user's, which another process may not know."""
    bases = (Shared, Expr, Form)
    return any(not cls.__module__.startswith("morosidad.") for base in bases for cls in _below(base))


def _name(cls: type[Any]) -> str:
    """Give a class the name that a file holds."""
    place = _place(cls)
    name = _NAMES.get(place)
    return name if name is not None and _class(name) is cls else place


def _place(cls: type[Any]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str) -> type[Any]:
    """Find the class of a name: of this package, or of a user.

    Files of earlier versions hold a user's class by its name alone; it is found where no other class
    of a user has that name.
    """
    if name in _OWN:
        module, _, own = _OWN[name].partition(":")
        found: type[Any] = getattr(import_module(_PACKAGE + module), own)
        return found
    of_users = {
        _place(cls): cls
        for base in (Shared, Expr, Form)
        for cls in _below(base)
        if not cls.__module__.startswith("morosidad.")
    }
    if ":" in name:
        return of_users[name]
    named = [cls for cls in of_users.values() if cls.__name__ == name]
    if len(named) != 1:
        raise KeyError(name)
    return named[0]


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    """Give the classes that are derived from a class."""
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)
