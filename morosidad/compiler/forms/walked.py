"""Classifiers made of trees: boosting and forests, whatever library built them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from morosidad.compiler.backends.choice import walker_of
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.backends.python_trees import Walker
from morosidad.compiler.forms.form import Form, OnLogOdds, OnProbability
from morosidad.compiler.nodes.base import Expr, Floats, Position
from morosidad.compiler.nodes.expressions import fields_of
from morosidad.compiler.nodes.trees import Trees
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_REFERENCE_ROWS = 10_000


class Walked(Trees, Form, frozen=True, eq=False, dict=True):
    """A classifier that adds up the leaves that a record falls into."""

    @cached_property
    def walker(self) -> Walker:
        """The evaluator of the trees: compiled by numba where that is installed, else plain Python."""
        return walker_of(self)

    @property
    def backend(self) -> str:
        return self.walker.name

    @property
    def shares_equally(self) -> bool:
        return any(c.dense and len(fields_of(c)) > 1 for c in self.columns)

    @property
    def alike(self) -> bool:
        return self.walker.alike and all(column.alike for column in self.columns)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        from morosidad.compiler.proof.split_rows import rows_at_splits

        return rows_at_splits(self, schema, bases)

    # -- one record ----------------------------------------------------------------------------

    def emit_total(self, code: FunctionSource) -> str:
        """Write the sum of a record's leaves, and name the variable that holds it."""
        return self.walker.emit_total(code, self.walker.emit_row(code))

    def emit_total_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the same, and each field's share in it against the reference: of several rows, the mean."""
        row, others = self.walker.emit_row(code), self._rows(reference)
        total = self.walker.emit_total(code, row)
        if len(others) == 1:
            found = self.walker.emit_shares(code, row, others[0])
        else:
            found = self.walker.emit_mean_shares(code, row, others)
        names = [f"{found}_{place}" for place in range(len(self.players))]
        if names:
            code.line(f"{', '.join(names)}, = {found}")
        shares: list[list[str]] = [[] for _ in range(self.n_fields)]
        for name, fields in zip(names, self.players, strict=True):
            for field in fields:  # of a column computed from several fields each has an equal part
                shares[field].append(name if len(fields) == 1 else f"{name} / {len(fields)}.0")
        return total, [code.total(parts) if parts else NO_SHARE for parts in shares]

    # -- many records --------------------------------------------------------------------------

    def batch_total(self, batch: ColumnBatch) -> Floats:
        """Compute the sum of the leaves of many rows."""
        return self.walker.totals(self.matrix(batch))

    def batch_shares(self, batch: ColumnBatch, reference: Floats) -> Floats:
        """Compute each field's share against the reference for many rows: shape (n_fields, n_rows)."""
        shares = np.zeros((self.n_fields, len(batch)))
        if self.players:
            found = self.walker.shares(self.matrix(batch), self._rows(reference))
            for fields, share in zip(self.players, found.T, strict=True):
                shares[list(fields)] += share / len(fields)
        return shares

    def _rows(self, reference: Floats) -> Floats:
        """Give the reference row, or the rows of a background, one after the other in the file."""
        return reference.reshape(-1, len(self.columns)) if self.columns else reference[None]

    def background(self, batch: ColumnBatch) -> Floats:
        return self.matrix(batch).T.ravel()

    def matrix(self, batch: ColumnBatch) -> Floats:
        """Compute the columns of many rows: shape (n_columns, n_rows)."""
        table = np.empty((len(self.columns), len(batch)))
        for row, column in zip(table, self.columns, strict=True):
            row[:] = batch.value(column)
        return table

    def reference(self, batch: ColumnBatch) -> Floats:
        """Choose a typical row: among those whose score is nearest the mean, the most ordinary one."""
        table = self.matrix(batch)[:, :: 1 + len(batch) // MAX_REFERENCE_ROWS]
        return typical_row(self.columns, table, self.walker.totals(table))


class Boosting(Walked, OnLogOdds, frozen=True, eq=False, dict=True):
    """Trees whose sum is the log-odds of default."""

    @property
    def tolerance(self) -> float:
        return 1e-6 if self.narrow else 1e-12

    def emit_log_odds(self, code: FunctionSource) -> str:
        return self.emit_total(code)

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        return self.emit_total_reasons(code, reference)

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        return self.batch_total(batch)

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        return self.batch_total(batch), self.batch_shares(batch, reference)


class Forest(Walked, OnProbability, frozen=True, eq=False, dict=True):
    """Trees whose mean is the probability of default."""

    @property
    def weight(self) -> float:
        return 1.0 / self.n_trees

    def emit(self, code: FunctionSource) -> str:
        return self._mean(code, self.emit_total(code))

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        total, shares = self.emit_total_reasons(code, reference)
        return self._mean(code, total), shares

    def _mean(self, code: FunctionSource, total: str) -> str:
        return code.assign(f"{total} / {code.constant(self.n_trees)}")

    def batch(self, batch: ColumnBatch) -> Floats:
        return self.batch_total(batch) / self.n_trees

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        return self.batch(batch), self.batch_shares(batch, reference)


def typical_row(columns: Sequence[Expr], table: Floats, scores: Floats) -> Floats:
    """Choose a typical row: among those whose score is nearest the mean, the most ordinary one.

    Parameters
    ----------
    columns : sequence of Expr
        What the table holds.
    table : ndarray of float64, shape (n_columns, n_rows)
        The values.
    scores : ndarray of float64, shape (n_rows,)
        What the model gives for each row.

    Returns
    -------
    ndarray of float64, shape (n_columns,)
    """
    near = np.argsort(np.abs(scores - scores.mean()), kind="stable")[: max(1, len(scores) // 20)]
    distance = np.zeros(len(near))
    for column, values in zip(columns, table, strict=True):
        distance += _distance_to_usual(values, isinstance(column, Position))[near]
    typical: Floats = table[:, near[np.argmin(distance)]].copy()
    return typical


def _distance_to_usual(values: Floats, categories: bool) -> Floats:
    """Say how far from the usual each value of a column is, from 0 to 1."""
    missing = np.isnan(values)
    if categories or missing.all():
        _, kinds, counts = np.unique(values, return_inverse=True, return_counts=True)
        return 1.0 - counts[kinds] / len(values)
    ordered = np.sort(values[~missing])
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.where(missing, 1.0 - missing.mean(), np.abs(ranks / len(ordered) - 1.0))
