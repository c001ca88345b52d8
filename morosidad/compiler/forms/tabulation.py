"""Boosting whose trees test one field each, tabulated: one table for each field.

Stumps are such trees, and so is what `HistGradientBoostingClassifier` builds with
``interaction_cst="no_interactions"``: a sum of steps in one number, or of choices among categories.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.lookups import Bins, CategoryPosition, Edges, IntervalPosition, Lookup, Table


def tabulated(trees: Boosting) -> Boosting | Additive:
    """Give the same model as tables, where no tree tests two columns; else the trees themselves.

    Parameters
    ----------
    trees : Boosting
        Not such that are added up in 32 bits: a table's sum would not be the original's.

    Returns
    -------
    Additive or Boosting
    """
    columns = _column_of_each_tree(trees)
    if trees.narrow or columns is None:
        return trees
    terms = [
        _table(trees, column, np.flatnonzero(columns == place))
        for place, column in enumerate(trees.columns)
        if (columns == place).any()
    ]
    constant = trees.number[: trees.n_trees][columns < 0].sum()
    return Additive(trees.base + float(constant), tuple(terms), trees.n_fields)


def _column_of_each_tree(trees: Boosting) -> NDArray[np.intp] | None:
    """Give the column that each tree tests, -1 for none; None if a tree tests several."""
    n, splits = trees.n_trees, trees.child > 0
    split = np.flatnonzero(splits[:n])
    owner = np.arange(len(splits))
    owner[n:] = split[np.searchsorted(trees.child[split], owner[n:], side="right") - 1]
    columns = np.where(splits[:n], trees.column[:n], -1).astype(np.intp)
    return columns if (trees.column == columns[owner])[splits].all() else None


def _table(trees: Boosting, column: Expr, roots: NDArray[np.intp]) -> Expr:
    """Add up some trees of one column for each of its places or intervals."""
    if isinstance(column, CategoryPosition | IntervalPosition):
        rows = _totals(trees, roots, np.arange(float(column.size)))[:, None]
        table = Table(column.keys, rows) if isinstance(column, CategoryPosition) else Bins(column.edges, rows)
        return Lookup(column.of, table)
    at = roots
    thresholds: list[Floats] = []
    while len(at := at[trees.child[at] > 0]):
        thresholds.append(trees.number[at])
        at = np.concatenate([trees.child[at], trees.child[at] + 1])
    last = np.unique(np.concatenate(thresholds))  # the last number of each interval
    rows = _totals(trees, roots, np.concatenate([last, [np.inf, np.nan]]))[:, None]
    return Lookup(column, Bins(Edges(np.nextafter(last, np.inf)), rows))


def _totals(trees: Boosting, roots: NDArray[np.intp], values: Floats) -> Floats:
    """Add up the leaves that some values of one column fall into."""
    totals = np.zeros(len(values))
    missing = np.isnan(values)
    for root in roots:
        at = np.full(len(values), root)
        while (trees.child[at] > 0).any():
            left = np.where(missing, trees.missing_left[at], values <= trees.number[at])
            sets = trees.subset[at] >= 0
            left[sets] = trees.members[trees.subset[at][sets] + values[sets].astype(np.intp)]
            at = np.where(trees.child[at] > 0, trees.child[at] + ~left, at)
        totals += trees.number[at]
    return totals
