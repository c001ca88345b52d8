"""Models made of trees: forests and boosting, whatever library grew them.

All of them are one set of arrays, walked by a kernel that numba compiles where it is installed, and
by plain Python where it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from morosidad.compiler.batch import Batch
from morosidad.compiler.code import Code
from morosidad.compiler.expressions import Expr, Floats, fields_of
from morosidad.compiler.form import Form, emit_sigmoid, sigmoid
from morosidad.compiler.growth import Bools, Ints
from morosidad.compiler.lookups import Lookup
from morosidad.compiler.walks import Plain, Walker


class Trees(Form, frozen=True, eq=False, dict=True):
    """Trees over the columns that they test, as arrays over all their nodes.

    The roots come first. The two children of a node stand side by side.

    Attributes
    ----------
    columns : tuple of Expr
        What a record is boiled down to: numbers, and the places of categories in their tables.
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

    @cached_property
    def walker(self) -> Walker:
        """What walks the trees: compiled by numba where that is installed, else plain Python."""
        try:
            from morosidad.compiler.kernel import Kernel
        except ImportError:
            return Plain(self)
        return Kernel(self)

    @cached_property
    def players(self) -> Ints:
        """The field that each column depends on."""
        return np.array([min(fields_of(column), default=0) for column in self.columns], dtype=np.int32)

    def go_left(self, row: Floats) -> Bools:
        """Say for each node which way one row goes."""
        values = row[self.column]
        left = np.where(np.isnan(values), self.missing_left, values <= self.number)
        tests = self.subset >= 0
        left[tests] = self.members[self.subset[tests] + values[tests].astype(np.intp)]
        return left

    # -- one record ----------------------------------------------------------------------------

    def emit(self, code: Code) -> str:
        return self.emit_probability(code, self.walker.emit_total(code, self.walker.emit_row(code)))

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        row = self.walker.emit_row(code)
        probability = self.emit_probability(code, self.walker.emit_total(code, row))
        found = self.walker.emit_shares(code, row, reference, self.factor)
        names = [f"{found}_{field}" for field in range(self.n_fields)]
        code.line(f"{', '.join(names)}, = {found}")
        return probability, names

    # -- many records --------------------------------------------------------------------------

    def batch(self, batch: Batch) -> Floats:
        return self.probabilities(self.walker.totals(self.matrix(batch)))

    def matrix(self, batch: Batch) -> Floats:
        """Compute the columns of many rows: shape (n_columns, n_rows)."""
        table = np.empty((len(self.columns), len(batch)))
        for row, column in zip(table, self.columns, strict=True):
            row[:] = batch.value(column)
        return table

    def reference(self, batch: Batch) -> Floats:
        """Choose a typical row: among those whose score is nearest the mean, the most ordinary one."""
        table = self.matrix(batch)
        scores = self.walker.totals(table)
        near = np.argsort(np.abs(scores - scores.mean()), kind="stable")[: max(1, len(scores) // 20)]
        oddity = np.zeros(len(near))
        for column, values in zip(self.columns, table, strict=True):
            oddity += _oddity(values, isinstance(column, Lookup))[near]
        typical: Floats = table[:, near[np.argmin(oddity)]].copy()
        return typical

    # -- from a sum of leaves to a probability ---------------------------------------------------

    @property
    def factor(self) -> float:
        """What a leaf's value counts for on the scale of the contributions."""
        return 1.0

    def emit_probability(self, code: Code, total: str) -> str:
        """Write the probability of default for a sum of leaves."""
        raise NotImplementedError

    def probabilities(self, totals: Floats) -> Floats:
        """Compute the probability of default for sums of leaves."""
        raise NotImplementedError


class Boosting(Trees, frozen=True, eq=False, dict=True):
    """Trees whose sum is the log-odds of default."""

    @property
    def tolerance(self) -> float:
        return 1e-6 if self.narrow else 1e-12

    def emit_probability(self, code: Code, total: str) -> str:
        return emit_sigmoid(code, total)

    def probabilities(self, totals: Floats) -> Floats:
        return sigmoid(totals)


class Forest(Trees, frozen=True, eq=False, dict=True):
    """Trees whose mean is the probability of default."""

    scale: ClassVar[str] = "probability"

    @property
    def factor(self) -> float:
        return 1.0 / self.n_trees

    def emit_probability(self, code: Code, total: str) -> str:
        return code.assign(f"{total} / {code.constant(self.n_trees)}")

    def probabilities(self, totals: Floats) -> Floats:
        return totals / self.n_trees


def _oddity(values: Floats, categories: bool) -> Floats:
    """Say how far from the ordinary each value of a column is, from 0 to 1."""
    missing = np.isnan(values)
    if categories or missing.all():
        _, kinds, counts = np.unique(values, return_inverse=True, return_counts=True)
        return 1.0 - counts[kinds] / len(values)
    ordered = np.sort(values[~missing])
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.where(missing, 1.0 - missing.mean(), np.abs(ranks / len(ordered) - 1.0))
