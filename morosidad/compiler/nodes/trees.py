"""Decision trees as arrays over all their nodes, whatever library built them."""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np

from morosidad.compiler.nodes.base import Bools, Expr, Floats, Ints
from morosidad.compiler.nodes.expressions import credited_to


class Trees(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Trees over the columns that they test.

    The roots come first. The two children of a node are adjacent.

    Attributes
    ----------
    columns : tuple of Expr
        What the nodes test: numbers, and the places of categories in their tables.
    child : ndarray of int32
        The place of the left child; the right one follows it. 0 in a leaf.
    column : ndarray of int32
        The column that a node tests.
    number : ndarray of float64
        A node's threshold: a record goes left where its number is at most this. A leaf's value.
    missing_left : ndarray of bool
        Whether a record goes left where the number is missing.
    subset : ndarray of int32
        Where not negative, the node tests for a category: where its set begins among the members.
    members : ndarray of bool
        The sets, one after the other: for each category, whether it goes left.
    n_trees, n_fields : int
        How many trees there are, and fields in the schema.
    base : float
        What the trees' values are added to.
    narrow : bool
        Whether the sum is rounded to 32 bits after each tree, as the original does.
    """

    columns: tuple[Expr, ...]
    child: Ints
    column: Ints
    number: Floats
    missing_left: Bools
    subset: Ints
    members: Bools
    n_trees: int
    n_fields: int
    base: float = 0.0
    narrow: bool = False

    @property
    def weight(self) -> float:
        """What a leaf's value counts for in the contributions."""
        return 1.0

    @cached_property
    def players(self) -> tuple[tuple[int, ...], ...]:
        """What has a share of its own: a field, or the fields that a column is computed from together."""
        found = {tuple(sorted(credited_to(column))) for column in self.columns}
        return tuple(sorted(found - {()}, key=lambda fields: (len(fields), fields)))

    @cached_property
    def player_of_column(self) -> Ints:
        """Each column's place among `players`."""
        of_column = [tuple(sorted(credited_to(column))) for column in self.columns]
        places = [self.players.index(fields) if fields else 0 for fields in of_column]
        return np.array(places, dtype=np.int32)

    def go_left(self, row: Floats) -> Bools:
        """Say for each node whether it sends one row left.

        Parameters
        ----------
        row : ndarray of float64 of shape (n_columns,)
            The columns' values.

        Returns
        -------
        ndarray of bool of shape (n_nodes,)
        """
        values = row[self.column]
        left = np.where(np.isnan(values), self.missing_left, values <= self.number)
        tests = self.subset >= 0
        left[tests] = self.members[self.subset[tests] + values[tests].astype(np.intp)]
        return left
