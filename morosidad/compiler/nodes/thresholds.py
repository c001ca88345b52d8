"""Tree thresholds moved in front of monotone preprocessing: ``scale(fill(x)) <= t`` becomes ``x <= T``.

A tree compares a column with a threshold. Where the column is made of a field by monotone
steps (an imputer, a scaler, the library's own rounding), the comparison
has the same answer for all numbers up to some point and the other one above it. That point is found
exactly, among the 64-bit numbers themselves, by asking the steps and not by inverting them. So
preprocessing costs nothing when a record is scored, and every comparison comes out as the original's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np

from morosidad.compiler.nodes.base import Bools, Expr, Floats
from morosidad.compiler.nodes.expressions import Arith, Clip, Elementwise, Fill, Missing, Raw
from morosidad.compiler.nodes.float_order import last_true

Rounding = Callable[[Floats], Floats]


def as_float32(values: Floats) -> Floats:
    """Round as a library does that holds its input in 32 bits."""
    return values.astype(np.float32).astype(np.float64)


def as_given(values: Floats) -> Floats:
    """Leave numbers as they are."""
    return values


def origin(column: Expr, numeric: Callable[[int], bool]) -> Expr:
    """Give the expression that a column is made of by steps that keep the order of numbers.

    Parameters
    ----------
    column : Expr
        What a tree compares.
    numeric : callable
        Whether the field at a place holds numbers.

    Returns
    -------
    Expr
        The column itself where no step keeps the order.
    """
    below = column
    while isinstance(below, Elementwise) and _keeps_order(below):
        below = below.of
    return column if isinstance(below, Raw) and not numeric(below.field) else below


def _keeps_order(expr: Elementwise) -> bool:
    if isinstance(expr, Arith):
        return math.isfinite(expr.value) and (expr.operator in "+-" or expr.value > 0)
    if isinstance(expr, Fill):
        return isinstance(expr.value, (int, float))
    return isinstance(expr, (Clip, Missing))


class Steps:
    """What happens to a number between where a column starts and the comparison in a tree.

    Parameters
    ----------
    column, start : Expr
        The column, and its `origin`.
    rounding : callable
        What the library does to the column before it compares; it keeps the order of numbers too.
    """

    def __init__(self, column: Expr, start: Expr, rounding: Rounding) -> None:
        self._steps = [rounding]
        while isinstance(column, Elementwise) and column is not start:
            self._steps.append(column.compute)
            column = column.of

    def __call__(self, values: Floats) -> Floats:
        """Give what the tree compares for values of `start`."""
        with np.errstate(over="ignore", invalid="ignore"):
            return reduce(lambda x, step: step(x), reversed(self._steps), values)

    def go_left(self, values: Floats, threshold: float, missing_left: bool) -> Bools:
        """Say for which values of `start` the comparison sends the record left."""
        compared = self(values)
        return np.where(np.isnan(compared), missing_left, compared <= threshold)

    def move(self, thresholds: Floats, missing_left: Bools) -> tuple[Floats, Bools]:
        """Say comparisons of the column as comparisons of `start`.

        Parameters
        ----------
        thresholds : ndarray of shape (n,)
            The column goes left where it is at most this.
        missing_left : ndarray of shape (n,)
            Whether the column goes left where it is missing.

        Returns
        -------
        thresholds, missing_left : ndarray of shape (n,)
            The same for `start`. A threshold of -inf means that no number goes left.
        """
        distinct, places = np.unique(thresholds, return_inverse=True)
        moved = last_true(lambda values: self(values) <= distinct, len(distinct))
        filled = self(np.array([np.nan]))[0]
        return moved[places], missing_left if np.isnan(filled) else filled <= thresholds
