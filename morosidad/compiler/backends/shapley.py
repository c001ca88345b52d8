"""Shapley values: each field's share in the difference between a record and a reference applicant.

The game: of the fields in a coalition the model sees the record's values, of the others the
reference's; what the coalition earns is the model's answer. A field's Shapley value is what it adds
when it joins, on average over all orders of joining, so the shares add up to the difference between
the record's answer and the reference's.

A leaf that is reached by taking the record's side for ``a`` fields and the reference's for ``b``
others is what a coalition earns if it holds those ``a`` and none of those ``b``, whatever the rest
do. So each of the ``a`` fields gets ``(a-1)! b! / (a+b)!`` times the leaf's value, and each of the
``b`` fields loses ``a! (b-1)! / (a+b)!`` times it; the other fields get nothing. Only branches where
the record and the reference go to different children are traversed twice.

Lundberg et al. (2020), From local explanations to global understanding with explainable AI for
trees, Nature Machine Intelligence 2, algorithm 3 of the supplement. DOI 10.1038/s42256-019-0138-9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Floats

Step = Callable[[list[Any], bool], Any]


def weights(n_fields: int, factor: float = 1.0) -> Floats:
    """Tabulate ``i! j! / (i + j + 1)!`` times a factor, for i + j < n_fields.

    Parameters
    ----------
    n_fields : int
        How many fields there are.
    factor : float, default=1.0
        What each leaf's value counts for in the answer.

    Returns
    -------
    ndarray of float64 of shape (n_fields + 1, n_fields + 1)
    """
    table = np.zeros((n_fields + 1, n_fields + 1))
    for i in range(n_fields):
        for j in range(n_fields - i):
            table[i, j] = factor / ((i + j + 1) * comb(i + j, i))
    return table


def add_shares(
    root: Any,
    step: Step,
    record: Sequence[Any],
    reference: Sequence[Any],
    field_of_column: Sequence[int],
    table: Sequence[Sequence[float]],
    shares: list[float],
) -> None:
    """Add the shares that one tree gives.

    Parameters
    ----------
    root : list or float
        A node ``[column, bound, ...]`` that sends a record left where ``record[column] <= bound``,
        or a leaf's value.
    step : callable
        A node and whether to go left → the child.
    record, reference : sequence
        What the nodes compare.
    field_of_column : sequence of int
        The field of each column.
    table : sequence of sequence of float
        What `weights` gives.
    shares : list of float
        One for each field; changed in place.
    """
    sides: dict[int, bool] = {}

    def visit(node: Any, a: int, b: int) -> tuple[float, float]:
        """Give what the leaves below earn for a field on the record's side, and on the reference's."""
        while type(node) is list:
            column, bound = node[0], node[1]
            left, other = record[column] <= bound, reference[column] <= bound
            if left is not other:
                field = field_of_column[column]
                if field not in sides:
                    sides[field] = True
                    gained, lost = visit(step(node, left), a + 1, b)
                    sides[field] = False
                    gained_there, lost_there = visit(step(node, other), a, b + 1)
                    del sides[field]
                    shares[field] += gained - lost_there
                    return gained + gained_there, lost + lost_there
                left = left if sides[field] else other
            node = step(node, left)
        return (node * table[a - 1][b] if a else 0.0), (node * table[a][b - 1] if b else 0.0)

    visit(root, 0, 0)
