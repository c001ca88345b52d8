"""Classifiers whose log-odds are dense steps, one behind the other.

Contributions are Aumann-Shapley values: a column gets what the derivative by it adds up to on the
straight way from the reference to the record (Sundararajan, Taly & Yan 2017, *Axiomatic attribution
for deep networks*, DOI 10.48550/arXiv.1703.01365). Where the log-odds are a polynomial of the second
degree, as in a quadratic discriminant analysis, that is the Shapley value itself. The integral is
taken by Gauss-Legendre quadrature, which is exact for polynomials up to degree 31; what it misses of
others, as of a network with kinks, is shared out in proportion to what each column has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.walked import typical_row
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.dense.step import DenseStep
from morosidad.compiler.nodes.expressions import credited_to

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
NODES: Floats = (_NODES + 1.0) / 2.0
WEIGHTS: Floats = _WEIGHTS / 2.0

_AT_ONCE = 4_096
"""So many rows go through the steps at once."""


class Network(OnLogOdds, frozen=True, eq=False):
    """``sigmoid`` of the one number that the last of some dense steps gives.

    Attributes
    ----------
    columns : tuple of Expr
        What the first step takes; each is a number.
    steps : tuple of DenseStep
        One behind the other.
    n_fields : int
        Fields of the schema.
    """

    columns: tuple[Expr, ...]
    steps: tuple[DenseStep, ...]
    n_fields: int

    @property
    def fits(self) -> bool:
        taken = [step.width for step in self.steps]
        given = [len(self.columns), *(step.size for step in self.steps)]
        return bool(taken) and given == [*taken, 1]

    def emit_log_odds(self, code: FunctionSource) -> str:
        return code.assign(f"{code.constant(self._one)}({self._inputs(code)})")

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        rows, shared = self._rows(reference), self._of_fields()
        explain = code.constant(partial(self._one_explained, rows, self._scores(rows).mean(), shared))
        found = code.assign(f"{explain}({self._inputs(code)})")
        used = [bool(column.any()) for column in shared.T]
        shares = [f"{found}[1][{field}]" if used[field] else NO_SHARE for field in range(self.n_fields)]
        return code.assign(f"{found}[0]"), shares

    def _inputs(self, code: FunctionSource) -> str:
        return "(" + "".join(f"{code.value(column)}, " for column in self.columns) + ")"

    def _one(self, numbers: tuple[float, ...]) -> float:
        return float(self._scores(np.array([numbers]))[0])

    def _one_explained(
        self, rows: Floats, base: float, shared: Floats, numbers: tuple[float, ...]
    ) -> tuple[float, list[float]]:
        x = np.array([numbers])
        z = self._scores(x)
        shares: list[float] = (self._shares(x, z - base, rows) @ shared)[0].tolist()
        return float(z[0]), shares

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        return self._scores(self._matrix(batch))

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        x, rows, shared = self._matrix(batch), self._rows(reference), self._of_fields()
        z, base = self._scores(x), self._scores(rows).mean()
        few = max(1, _AT_ONCE // (len(NODES) * len(rows)))
        found = [
            self._shares(x[start : start + few], z[start : start + few] - base, rows) @ shared
            for start in range(0, len(x), few)
        ]
        return z, np.concatenate([np.empty((0, self.n_fields)), *found]).T

    def reference(self, batch: ColumnBatch) -> Floats:
        table = self._matrix(batch)
        return typical_row(self.columns, table.T, self._scores(table))

    def background(self, batch: ColumnBatch) -> Floats:
        return self._matrix(batch).ravel()

    def _rows(self, reference: Floats) -> Floats:
        """Give the reference row, or the rows of a background, one after the other in the file."""
        return reference.reshape(-1, len(self.columns))

    def _matrix(self, batch: ColumnBatch) -> Floats:
        table = np.empty((len(batch), len(self.columns)))
        for place, column in enumerate(self.columns):
            table[:, place] = batch.value(column)
        return table

    def _scores(self, x: Floats) -> Floats:
        found = [self._inner(x[start : start + _AT_ONCE])[-1][:, 0] for start in range(0, len(x), _AT_ONCE)]
        return np.concatenate([np.empty(0), *found])

    def _inner(self, x: Floats) -> list[Floats]:
        """Give what goes into each step, and what comes out of the last."""
        found = [x]
        for step in self.steps:
            found.append(step.apply(found[-1]))
        return found

    def _slopes(self, x: Floats) -> Floats:
        """Give the derivatives by the columns: shape (n_rows, n_columns)."""
        inner = self._inner(x)
        slopes = np.ones((len(x), 1))
        for step, taken in zip(reversed(self.steps), reversed(inner[:-1]), strict=True):
            slopes = step.pull_back(taken, slopes)
        return slopes

    def _shares(self, x: Floats, moved: Floats, rows: Floats) -> Floats:
        """Give each column's share of what some records moved, of shape (n_rows, n_columns)."""
        shares = np.zeros_like(x)
        for row in rows:
            away = x - row
            points = row + NODES[:, None, None] * away
            slopes = self._slopes(points.reshape(-1, x.shape[1])).reshape(points.shape)
            shares += away * np.einsum("t,trc->rc", WEIGHTS, slopes)
        shares /= len(rows)
        missed = (moved - shares.sum(axis=1))[:, None]
        size = np.abs(shares)
        flat = size.sum(axis=1, keepdims=True) == 0.0
        size = np.where(flat, np.abs(x - rows.mean(axis=0)), size)
        whole = size.sum(axis=1, keepdims=True)
        found: Floats = shares + missed * np.divide(size, whole, out=np.zeros_like(size), where=whole > 0.0)
        return found

    def _of_fields(self) -> Floats:
        """Tell which part of each column's share each field gets: shape (n_columns, n_fields)."""
        found = np.zeros((len(self.columns), self.n_fields))
        for place, column in enumerate(self.columns):
            fields = sorted(credited_to(column))
            found[place, fields] = 1.0 / max(1, len(fields))
        return found
