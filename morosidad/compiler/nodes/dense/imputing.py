"""Dense steps that fill the gaps of a record: from fitted rows near it, or from its other columns."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from morosidad.compiler.nodes.base import Bools, ColumnEvaluator, Expr, Floats, Ints, SourceWriter
from morosidad.compiler.nodes.dense.step import DenseStep, DenseVector


class Filling(DenseStep, frozen=True, eq=False, dict=True):
    """A step that takes numbers with gaps and gives them without; what is there stays as it is."""

    @property
    def size(self) -> int:
        return self.width

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        return np.where(np.isnan(x), 0.0, slopes)


class NearestDonors(Filling, frozen=True, eq=False, dict=True):
    """Each gap filled with the mean over the nearest fitted rows that have a number there.

    Troyanskaya et al. (2001), *Missing value estimation methods for DNA microarrays*,
    DOI 10.1093/bioinformatics/17.6.520. Distances are taken over the columns that both rows have, with
    the operations of scikit-learn one row at a time, so that of rows equally far the same ones count.

    Attributes
    ----------
    points : ndarray of float64, shape (n_rows, width)
        The fitted rows, with NaN for gaps.
    n_neighbors : int
        So many rows count at most.
    by_distance : bool
        Whether nearer ones count for more.
    by_columns : bool
        Whether the rows lay in memory column by column where they were fitted: sums are rounded so.
    """

    points: Floats
    n_neighbors: int
    by_distance: bool
    by_columns: bool

    @property
    def width(self) -> int:
        return int(self.points.shape[1])

    @property
    def fits(self) -> bool:
        return self.points.ndim == 2 and self.points.size > 0 and self.n_neighbors > 0

    @cached_property
    def _absent(self) -> Bools:
        return np.isnan(self._placed)

    @cached_property
    def _whole(self) -> Floats:
        found = self._placed.copy(order="K")
        found[self._absent] = 0.0
        return found

    @cached_property
    def _placed(self) -> Floats:
        return np.array(self.points, order="F" if self.by_columns else "C")

    def apply(self, x: Floats) -> Floats:
        found = x.copy()
        for place in np.flatnonzero(np.isnan(x).any(axis=1)).tolist():
            row = x[place : place + 1]
            distances = self._distances(row)
            for column in np.flatnonzero(np.isnan(row[0])).tolist():
                found[place, column] = self._mean(column, distances)
        return found

    def _distances(self, row: Floats) -> Floats:
        absent, others, points = np.isnan(row), self._absent, self._whole
        x = np.where(absent, 0.0, row)
        found: Floats = -2 * (x @ points.T)
        found += np.einsum("ij,ij->i", x, x)[:, None]
        found += np.einsum("ij,ij->i", points, points)[None, :]
        np.maximum(found, 0, out=found)
        found -= np.dot(x * x, others.T)
        found -= np.dot(absent, (points * points).T)
        np.clip(found, 0, None, out=found)
        shared = np.dot(1 - absent, ~others.T)
        found[shared == 0] = np.nan
        found /= np.maximum(1, shared)
        found *= self.width
        distances: Floats = np.sqrt(found)[0]
        return distances

    def _mean(self, column: int, distances: Floats) -> float:
        donors = np.flatnonzero(~self._absent[:, column])
        apart = distances[donors]
        numbers = self._whole[donors, column]
        if not len(donors) or np.isnan(apart).all():
            return float(numbers.mean()) if len(donors) else np.nan
        count = min(self.n_neighbors, len(donors))
        nearest = np.argpartition(apart, count - 1)[:count]
        weights = np.where(np.isnan(apart[nearest]), 0.0, 1.0)
        if self.by_distance:
            weights = self._weights(apart[nearest])
        return float((numbers[nearest] * weights).sum() / weights.sum())

    def _weights(self, apart: Floats) -> Floats:
        """Give the inverses of distances; where some are 0, those rows alone count."""
        if (apart == 0.0).any():
            return np.where(apart == 0.0, 1.0, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            found = 1.0 / apart
        if np.isinf(found).any():
            return np.where(np.isinf(found), 1.0, 0.0)
        return np.nan_to_num(found, nan=0.0)


class LinearChain(Filling, frozen=True, eq=False, dict=True):
    """Each gap filled by linear models of the other columns, one after the other.

    van Buuren & Groothuis-Oudshoorn (2011), *mice: multivariate imputation by chained equations in R*,
    DOI 10.18637/jss.v045.i03.

    Attributes
    ----------
    start : ndarray of float64, shape (width,)
        What gaps are filled with at first; a row of gaps alone keeps it.
    columns : ndarray of int32, shape (n_lines,)
        The column that each model fills.
    weights : ndarray of float64, shape (n_lines, width)
    offsets : ndarray of float64, shape (n_lines,)
    low, high : ndarray of float64, shape (width,)
        What is filled in is held between them.
    """

    start: Floats
    columns: Ints
    weights: Floats
    offsets: Floats
    low: Floats
    high: Floats

    @property
    def width(self) -> int:
        return len(self.start)

    @property
    def fits(self) -> bool:
        lines = len(self.columns)
        inside = (self.columns >= 0) & (self.columns < self.width)
        sizes = self.columns.ndim == 1 and self.offsets.shape == (lines,)
        wide = self.start.shape == self.low.shape == self.high.shape == (self.width,)
        return sizes and wide and self.weights.shape == (lines, self.width) and bool(inside.all())

    def apply(self, x: Floats) -> Floats:
        gaps = np.isnan(x)
        found = np.where(gaps, self.start, x)
        some = gaps.any(axis=1) & ~gaps.all(axis=1)
        if some.any():
            found[some] = self._filled(found[some], gaps[some])
        return found

    def _filled(self, found: Floats, gaps: Bools) -> Floats:
        for column, weights, offset in zip(
            self.columns.tolist(), self.weights, self.offsets.tolist(), strict=True
        ):
            if gaps[:, column].any():
                line = np.clip(found @ weights + offset, self.low[column], self.high[column])
                found[:, column] = np.where(gaps[:, column], line, found[:, column])
        return found


class Imputed(Expr, frozen=True):
    """A column whose gaps a step fills from other columns; its contribution is that of the column.

    Attributes
    ----------
    of : Expr
        The column.
    filled : DenseVector
        All columns without gaps.
    place : int
        The column's place among them.
    """

    of: Expr
    filled: DenseVector
    place: int

    @property
    def credited(self) -> Expr | None:
        return self.of

    @property
    def fits(self) -> bool:
        return 0 <= self.place < self.filled.block.step.size

    def emit(self, code: SourceWriter) -> str:
        name, filled = code.value(self.of), code.value(self.filled)
        return f"{name} if {name} == {name} else {filled}[{int(self.place)}]"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        own = batch.value(self.of)
        return np.where(np.isnan(own), batch.value(self.filled)[:, self.place], own)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False
