"""Checks of a form that was read from a file: machine code follows its numbers without a test.

A form that was compiled here is sound by construction. One from a file may have been written
by anybody: each part must be of the type that its class declares, each place must be there, and
trees must be trees, so that evaluating them ends and reads nothing beyond the arrays.
"""

from __future__ import annotations

from functools import cache, singledispatch
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from morosidad.compiler.nodes.base import Position
from morosidad.compiler.nodes.expressions import Raw, fields_of
from morosidad.compiler.nodes.labels import Label
from morosidad.compiler.nodes.lookups import (
    Bins,
    Cells,
    Curve,
    Edges,
    Grid,
    Lookup,
    Piecewise,
    SparseColumn,
    Table,
)
from morosidad.compiler.nodes.text import TextOf
from morosidad.compiler.nodes.trees import Trees


def check(node: Any, n_fields: int) -> None:
    """Refuse a form, or a part of one, that is not consistent.

    Parameters
    ----------
    node : Form
        What `packing.unpack` made.
    n_fields : int
        Fields of the schema.

    Raises
    ------
    ValueError
        Naming the class of the part at fault.
    """
    _check(node, n_fields, set())


def _check(node: Any, n_fields: int, seen: set[int]) -> None:
    """Check each part once, however many others share it; all are held by the form while it lasts."""
    if isinstance(node, tuple):
        for part in node:
            _check(part, n_fields, seen)
    elif isinstance(node, msgspec.Struct) and id(node) not in seen:
        seen.add(id(node))
        name, values = type(node).__name__, msgspec.structs.asdict(node)
        for field, hint in _hints(type(node)).items():
            if field in values and not _is(values[field], hint):
                raise ValueError(f"{name}.{field} is not of its type")
        for value in values.values():
            _check(value, n_fields, seen)
        here = isinstance(node, Raw) and not 0 <= node.field < n_fields
        if here or values.get("n_fields", n_fields) != n_fields or not _fits(node):
            raise ValueError(f"{name} refers to what is not there")


@cache
def _hints(cls: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(cls)


def _is(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_is(value, each) for each in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return type(value) is tuple and all(_is(part, arguments[0]) for part in value)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype == get_args(arguments[1])[0]
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint if hint in (int, str, bool) else isinstance(value, hint)


@singledispatch
def _fits(node: Any) -> bool:
    """Say whether the sizes and places that a part names are there."""
    return bool(getattr(node, "fits", True))


@_fits.register
def _(label: Label) -> bool:
    return False


@_fits.register
def _(edges: Edges) -> bool:
    return edges.values.ndim == 1


@_fits.register
def _(table: Table) -> bool:
    return table.rows.ndim == 2 and len(table.rows) == len(table.keys) + 2


@_fits.register
def _(bins: Bins) -> bool:
    return bins.rows.ndim == 2 and len(bins.rows) == len(bins.edges.values) + 2


@_fits.register
def _(column: SparseColumn) -> bool:
    inside = (column.places >= 0) & (column.places < len(column.keys) + 2)
    return column.places.ndim == 1 and column.numbers.shape == column.places.shape and bool(inside.all())


@_fits.register
def _(lookup: Lookup) -> bool:
    width = 1 if isinstance(lookup.table, SparseColumn) else lookup.table.rows.shape[1]
    return bool(0 <= lookup.place < width)


@_fits.register
def _(curve: Curve) -> bool:
    n = len(curve.edges.values) + 2
    return curve.rows.ndim == 3 and len(curve.rows) == n and curve.anchors.shape == (n,)


@_fits.register
def _(piecewise: Piecewise) -> bool:
    return bool(0 <= piecewise.place < piecewise.curve.rows.shape[2])


@_fits.register
def _(cells: Cells) -> bool:
    return cells.values.ndim == 2


@_fits.register
def _(grid: Grid) -> bool:
    return grid.cells.values.shape == (grid.first.size, grid.second.size)


@_fits.register
def _(text: TextOf) -> bool:
    return len(text.texts) == text.at.size


@_fits.register
def _(trees: Trees) -> bool:
    n, splits = len(trees.child), np.flatnonzero(trees.child)
    nodes = (trees.child, trees.column, trees.number, trees.missing_left, trees.subset)
    if any(values.shape != (n,) for values in nodes) or trees.members.ndim != 1:
        return False
    tested = np.unique(trees.column[splits])
    if not (0 < trees.n_trees <= n and 0 <= trees.column.min() <= trees.column.max() < len(trees.columns)):
        return False
    child = trees.child[splits].astype(np.intp)
    if (child <= splits).any() or (child >= n - 1).any():
        return False
    reached = np.bincount(np.concatenate([np.arange(trees.n_trees), child, child + 1]), minlength=n)
    sizes = np.array([column.size if isinstance(column, Position) else -1 for column in trees.columns])
    sets = trees.subset[splits] >= 0
    ends = trees.subset[splits] + sizes[trees.column[splits]]
    inside = (sizes[trees.column[splits]] >= 0) & (ends <= len(trees.members))
    known = all(len(fields_of(trees.columns[column])) >= 1 for column in tested.tolist())
    return bool((reached == 1).all() and inside[sets].all() and known)
