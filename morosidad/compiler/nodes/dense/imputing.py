"""Dense steps that fill the gaps of a record from its other columns."""

from __future__ import annotations

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
