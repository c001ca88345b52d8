"""The values of one field at which a form may change its manner: where pieces of its columns begin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Expr, Floats, Position, walk
from morosidad.compiler.nodes.dense.step import DenseVector
from morosidad.compiler.nodes.expressions import (
    Arith,
    Clip,
    Elementwise,
    Fill,
    Missing,
    Narrow,
    Raw,
    fields_of,
)
from morosidad.compiler.nodes.float_order import first_true
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import CategoryPosition, IntervalPosition, Lookup, Piecewise
from morosidad.compiler.proof.probe_rows import unseen
from morosidad.schema.field import Field, Value

LARGEST = 1e300
"""A number without limits is taken for no larger than this, so that sums stay finite."""
MOST_VALUES = 20_000
"""So many values of a field are looked at, at most."""
MOST_INTEGERS = 5_000
"""An integer field with no more values than this is decided by looking at each."""

_RISING = frozenset(
    {
        "log",
        "log2",
        "log10",
        "log1p",
        "sqrt",
        "cbrt",
        "exp",
        "exp2",
        "expm1",
        "tanh",
        "arctan",
        "arcsinh",
        "yeo_johnson",
        "box_cox",
        "normal_quantile",
    }
)
_EVERYWHERE = frozenset({"cbrt", "exp", "exp2", "expm1", "tanh", "arctan", "arcsinh", "yeo_johnson"})
"""Those of them that have a value for every number."""


class Chain(NamedTuple):
    """Steps that keep or reverse the order of a field's numbers.

    Attributes
    ----------
    steps : tuple of Elementwise
        From the field's number on.
    rising : bool
        Whether they keep the order.
    """

    steps: tuple[Elementwise, ...]
    rising: bool

    def __call__(self, x: Floats) -> Floats:
        """Compute the steps for many numbers."""
        with np.errstate(all="ignore"):
            for step in self.steps:
                x = step.compute(x)
        return x


def _passed(chain: Chain, edges: Floats, x: Floats) -> NDArray[np.bool_]:
    """Tell which edges the steps reach at each number; from some number on, whatever their direction."""
    reached: NDArray[np.bool_] = chain(x) >= edges if chain.rising else chain(x) < edges
    return reached


def chain_of(expr: Expr) -> Chain | None:
    """Give the steps that make a number of a field's own, or None where they may lose its order.

    Parameters
    ----------
    expr : Expr
        Made of one field.

    Returns
    -------
    Chain or None
    """
    steps: list[Elementwise] = []
    rising, filled = True, False
    while isinstance(expr, Elementwise):
        if isinstance(expr, Arith):
            if expr.operator in "*/" and (not expr.value or not math.isfinite(expr.value)):
                return None
            rising ^= expr.operator in "*/" and expr.value < 0
        elif isinstance(expr, Function):
            if expr.name not in _RISING or (filled and expr.name not in _EVERYWHERE):
                return None  # what stands in for the numbers that have no logarithm keeps no order
        elif not isinstance(expr, Fill | Clip | Narrow):
            return None
        filled = filled or isinstance(expr, Fill)
        steps.append(expr)
        expr = expr.of
    return Chain(tuple(reversed(steps)), rising) if isinstance(expr, Raw) else None


def level_where_given(expr: Expr) -> bool:
    """Tell whether a term is the same for all numbers, as one that only says whether there is one."""
    if expr.own_fields:
        return False
    if isinstance(expr, Missing) and _given(expr.of):
        return True
    if isinstance(expr, Arith) and expr.operator == "*" and expr.value == 0.0:
        return True
    return all(level_where_given(part) for part in expr.parts())


def _given(expr: Expr) -> bool:
    """Tell whether an expression has a value wherever its field has one."""
    while isinstance(expr, Fill | Clip | Narrow):
        expr = expr.of
    return isinstance(expr, Raw)


def turning_values(exprs: Iterable[Expr], field: int) -> list[float] | None:
    """Give the numbers of a field at which tables and curves over it begin another piece.

    Parameters
    ----------
    exprs : iterable of Expr
        The columns, or terms, of a form.
    field : int
        The field's place in the schema.

    Returns
    -------
    list of float or None
        None where some column is made of the field in a way that is not understood.
    """
    found: set[float] = set()
    for expr in exprs:
        for node in walk(expr):
            if isinstance(node, DenseVector) and field in node.own_fields:
                return None
            if fields_of(node) != {field}:
                continue
            at: Any = (
                node.at
                if isinstance(node, Lookup)
                else node.interval
                if isinstance(node, Piecewise)
                else node
            )
            if isinstance(at, IntervalPosition):
                edges, points = at.edges.values, np.empty(0)
            elif isinstance(at, CategoryPosition):
                points = np.array([float(key) for key in at.keys if not isinstance(key, str)])
                edges = np.concatenate([points, np.nextafter(points, np.inf)])
            elif isinstance(at, Clip):
                edges = np.array([at.low, at.high])
            else:
                if isinstance(at, Elementwise) and not isinstance(at, Missing) and chain_of(at) is None:
                    return None
                continue
            chain = chain_of(at.of)
            if chain is None:
                return None
            edges = edges[np.isfinite(edges)]
            begin = first_true(partial(_passed, chain, edges), len(edges))
            found.update(begin.tolist())
    return sorted(found)


def valid_numbers(field: Field, values: Iterable[float]) -> list[float]:
    """Give the numbers that a field may hold on both sides of some values, ascending, with its ends.

    Parameters
    ----------
    field : Field
        The field.
    values : iterable of float
        Where something begins.

    Returns
    -------
    list of float
    """
    low, high = field.interval
    low = math.nextafter(low, math.inf) if low == field.gt else low
    high = math.nextafter(high, -math.inf) if high == field.lt else high
    whole = field.kind == "integer"
    bound = 2.0**53 if whole else LARGEST
    low, high = max(low, -bound), min(high, bound)
    if field.categories is not None:
        return sorted(float(level) for level in field.categories)
    if whole:
        low, high = math.ceil(low), math.floor(high)
        if high - low < MOST_INTEGERS:
            return [float(number) for number in range(int(low), int(high) + 1)]
    sides = {low, high}
    for value in values:
        if low <= value <= high or low <= value - 1 <= high:
            upper = float(math.ceil(value)) if whole else value
            below = upper - 1.0 if whole else math.nextafter(value, -math.inf)
            sides |= {number for number in (below, upper) if low <= number <= high}
    return sorted(sides)


def complete(field: Field, numbers: Sequence[float]) -> bool:
    """Tell whether these are all numbers that a field may hold."""
    if field.categories is not None:
        return True
    return field.kind == "integer" and len(numbers) > 1 and bool(np.max(np.diff(numbers)) == 1.0)


def possible_values(field: Field, exprs: Iterable[Expr], place: int) -> list[Value]:
    """Give values of a field that reach every piece of the columns that are made of it.

    Parameters
    ----------
    field : Field
        The field.
    exprs : iterable of Expr
        The columns.
    place : int
        Its place in the schema.

    Returns
    -------
    list
        Such that are not understood are left out.
    """
    absent: list[Value] = [] if field.required else [None]
    if field.kind == "boolean":
        return [True, False, *absent]
    if field.kind == "category":
        keys = [key for node in _positions(exprs, place) for key in node.keys if isinstance(key, str | int)]
        other: Sequence[Value] = [unseen(field)] if field.categories is None else []
        levels = field.categories or (*keys, *(field.usual_levels or ()))
        return [*dict.fromkeys([*levels, *other]), *absent]
    return [*valid_numbers(field, turning_values(exprs, place) or ())[:MOST_VALUES], *absent]


def _positions(exprs: Iterable[Expr], place: int) -> Iterable[CategoryPosition]:
    for expr in exprs:
        for node in walk(expr):
            at: Any = node.at if isinstance(node, Lookup) else node
            if isinstance(at, Position) and isinstance(at, CategoryPosition) and fields_of(at) == {place}:
                yield at
