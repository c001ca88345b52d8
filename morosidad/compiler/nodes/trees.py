"""Models made of trees: forests and boosting, whatever library grew them.

All of them are one set of arrays, walked by a kernel that numba compiles where it is installed, and
by plain Python where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from morosidad.compiler.backends.numpy_columns import Batch
from morosidad.compiler.backends.python_source import Code
from morosidad.compiler.backends.python_trees import Plain, Walker
from morosidad.compiler.forms.form import NOTHING, Form, OnLogOdds, OnProbability
from morosidad.compiler.nodes.expressions import Bools, Expr, Floats, Ints, fields_of
from morosidad.compiler.nodes.lookups import Position
from morosidad.compiler.proof.probe_rows import rows_at_splits
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_REFERENCE_ROWS = 10_000


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

    @property
    def weight(self) -> float:
        """What a leaf's value counts for in the contributions."""
        return 1.0

    @cached_property
    def walker(self) -> Walker:
        """What walks the trees: compiled by numba where that is installed, else plain Python."""
        try:
            from morosidad.compiler.backends.numba.machine import Kernel
        except ImportError:
            return Plain(self)
        return Kernel(self)

    @cached_property
    def fields(self) -> tuple[int, ...]:
        """The fields that the trees depend on, in the order of the schema."""
        return tuple(sorted(frozenset().union(*map(fields_of, self.columns))))

    @cached_property
    def players(self) -> Ints:
        """Each column's field, by its place among `fields`."""
        of_column = [fields_of(column) for column in self.columns]
        places = [self.fields.index(min(fields)) if fields else 0 for fields in of_column]
        return np.array(places, dtype=np.int32)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        return rows_at_splits(self, schema, bases)

    def go_left(self, row: Floats) -> Bools:
        """Say for each node which way one row goes."""
        values = row[self.column]
        left = np.where(np.isnan(values), self.missing_left, values <= self.number)
        tests = self.subset >= 0
        left[tests] = self.members[self.subset[tests] + values[tests].astype(np.intp)]
        return left

    # -- one record ----------------------------------------------------------------------------

    def emit_total(self, code: Code) -> str:
        """Write the sum of a record's leaves, and name the variable that holds it."""
        return self.walker.emit_total(code, self.walker.emit_row(code))

    def emit_total_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the same, and each field's share in it against the reference."""
        row = self.walker.emit_row(code)
        total, found = self.walker.emit_total(code, row), self.walker.emit_shares(code, row, reference)
        names = {field: f"{found}_{field}" for field in self.fields}
        if names:
            code.line(f"{', '.join(names.values())}, = {found}")
        return total, [names.get(field, NOTHING) for field in range(self.n_fields)]

    # -- many records --------------------------------------------------------------------------

    def batch_total(self, batch: Batch) -> Floats:
        """Compute the sum of the leaves of many rows."""
        return self.walker.totals(self.matrix(batch))

    def matrix(self, batch: Batch) -> Floats:
        """Compute the columns of many rows: shape (n_columns, n_rows)."""
        table = np.empty((len(self.columns), len(batch)))
        for row, column in zip(table, self.columns, strict=True):
            row[:] = batch.value(column)
        return table

    def reference(self, batch: Batch) -> Floats:
        """Choose a typical row: among those whose score is nearest the mean, the most ordinary one."""
        table = self.matrix(batch)[:, :: 1 + len(batch) // MAX_REFERENCE_ROWS]
        scores = self.walker.totals(table)
        near = np.argsort(np.abs(scores - scores.mean()), kind="stable")[: max(1, len(scores) // 20)]
        oddity = np.zeros(len(near))
        for column, values in zip(self.columns, table, strict=True):
            oddity += _oddity(values, isinstance(column, Position))[near]
        typical: Floats = table[:, near[np.argmin(oddity)]].copy()
        return typical


class Boosting(Trees, OnLogOdds, frozen=True, eq=False, dict=True):
    """Trees whose sum is the log-odds of default."""

    @property
    def tolerance(self) -> float:
        return 1e-6 if self.narrow else 1e-12

    def emit_log_odds(self, code: Code) -> str:
        return self.emit_total(code)

    def emit_log_odds_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        return self.emit_total_reasons(code, reference)

    def batch_log_odds(self, batch: Batch) -> Floats:
        return self.batch_total(batch)


class Forest(Trees, OnProbability, frozen=True, eq=False, dict=True):
    """Trees whose mean is the probability of default."""

    @property
    def weight(self) -> float:
        return 1.0 / self.n_trees

    def emit(self, code: Code) -> str:
        return self._mean(code, self.emit_total(code))

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        total, shares = self.emit_total_reasons(code, reference)
        return self._mean(code, total), shares

    def _mean(self, code: Code, total: str) -> str:
        return code.assign(f"{total} / {code.constant(self.n_trees)}")

    def batch(self, batch: Batch) -> Floats:
        return self.batch_total(batch) / self.n_trees


def _oddity(values: Floats, categories: bool) -> Floats:
    """Say how far from the ordinary each value of a column is, from 0 to 1."""
    missing = np.isnan(values)
    if categories or missing.all():
        _, kinds, counts = np.unique(values, return_inverse=True, return_counts=True)
        return 1.0 - counts[kinds] / len(values)
    ordered = np.sort(values[~missing])
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.where(missing, 1.0 - missing.mean(), np.abs(ranks / len(ordered) - 1.0))
