"""Terms of an additive model, with the tables that each is found in and the fields that share it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats, Position
from morosidad.compiler.nodes.expressions import credited_to
from morosidad.compiler.nodes.lookups import Grid, Lookup


class Term(NamedTuple):
    """One term of a sum.

    Attributes
    ----------
    expr : Expr
        What the term is.
    fields : tuple of int
        The fields that have a share of it.
    at : tuple of Position
        Where its number is found: none where it is computed, two where two fields interact.
    numbers : ndarray of float64
        What is found there. Of two fields, it is half of the number.
    more : tuple of ndarray of float64
        Of two fields, for each place of either: the first one's share is what is found, and more by
        the first of these less the second; the other's is less by the same.
    """

    expr: Expr
    fields: tuple[int, ...]
    at: tuple[Position, ...] = ()
    numbers: Floats = np.empty(0)
    more: tuple[Floats, ...] = ()


def whole_term(expr: Lookup | Grid) -> Term:
    """Describe a number that is looked up, also that of two fields as it is and not as halves."""
    if isinstance(expr, Lookup):
        return term_of(expr)
    fields = min(credited_to(expr.first)), min(credited_to(expr.second))
    return Term(expr, fields, (expr.first, expr.second), expr.cells.values)


def term_of(expr: Expr) -> Term:
    """Describe an expression as a term: found in a table, in a grid of two fields, or computed."""
    fields = tuple(sorted(credited_to(expr)))
    if isinstance(expr, Lookup):
        return Term(expr, fields, (expr.at,), expr.numbers)
    if isinstance(expr, Grid) and len(fields) == 2:
        fields = min(credited_to(expr.first)), min(credited_to(expr.second))
        return Term(expr, fields, (expr.first, expr.second), expr.cells.values / 2.0)
    return Term(expr, fields)
