"""What a dense step is, and the nodes that hold one over columns of a record."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from morosidad.compiler.nodes.base import ColumnEvaluator, Expr, Floats, Shared, SourceWriter
from morosidad.compiler.nodes.expressions import fields_of


class DenseStep(Shared, frozen=True, eq=False):
    """A smooth function of several numbers that gives several numbers, with its derivatives."""

    @property
    def width(self) -> int:
        """How many numbers it takes."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many numbers it gives."""
        raise NotImplementedError

    def apply(self, x: Floats) -> Floats:
        """Compute it for many rows.

        Parameters
        ----------
        x : ndarray of float64, shape (n_rows, width)

        Returns
        -------
        ndarray of float64, shape (n_rows, size)
        """
        raise NotImplementedError

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        """Give the derivatives of a number by the inputs, from those by the outputs.

        Parameters
        ----------
        x : ndarray of float64, shape (n_rows, width)
            The inputs.
        slopes : ndarray of float64, shape (n_rows, size)
            Derivatives by the outputs.

        Returns
        -------
        ndarray of float64, shape (n_rows, width)
        """
        raise NotImplementedError


class DenseBlock(Shared, frozen=True, eq=False, dict=True):
    """A dense step over columns: one call gives all its numbers for a record.

    Attributes
    ----------
    inputs : tuple of Expr
        What the step takes.
    step : DenseStep
        The function.
    """

    inputs: tuple[Expr, ...]
    step: DenseStep

    @cached_property
    def fields(self) -> frozenset[int]:
        """The fields that the numbers depend on."""
        return frozenset().union(*(fields_of(expr) for expr in self.inputs))

    @property
    def depth(self) -> int:
        return self._depth

    @cached_property
    def _depth(self) -> int:
        return 1 + max((_depth_of(expr) for expr in self.inputs), default=0)

    @property
    def fits(self) -> bool:
        return len(self.inputs) == self.step.width

    def compute_one(self, numbers: tuple[float, ...]) -> list[float]:
        """Compute the step for one record."""
        found: list[float] = self.step.apply(np.array([numbers]))[0].tolist()
        return found

    def elements(self) -> list[Expr]:
        """Give the numbers as columns."""
        return [Element(DenseVector(self), place) for place in range(self.step.size)]


class DenseVector(Expr, frozen=True):
    """All numbers of a dense step; an `Element` is one of them."""

    block: DenseBlock

    @property
    def alike(self) -> bool:
        return False  # a product of matrices adds up in another order than one of a row

    @property
    def own_fields(self) -> frozenset[int]:
        return self.block.fields

    def emit(self, code: SourceWriter) -> str:
        numbers = "".join(f"{code.value(expr)}, " for expr in self.block.inputs)
        return f"{code.constant(self.block.compute_one)}(({numbers}))"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        rows = np.empty((len(batch), len(self.block.inputs)))
        for place, expr in enumerate(self.block.inputs):
            rows[:, place] = batch.value(expr)
        return self.block.step.apply(rows)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False  # the inputs are demanded


class Element(Expr, frozen=True):
    """One number of a dense step."""

    of: DenseVector
    place: int

    @property
    def dense(self) -> bool:
        return True

    @property
    def fits(self) -> bool:
        return 0 <= self.place < self.of.block.step.size

    def emit(self, code: SourceWriter) -> str:
        return f"{code.value(self.of)}[{int(self.place)}]"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return np.ascontiguousarray(batch.value(self.of)[:, self.place])


def _depth_of(expr: Expr) -> int:
    own = expr.block.depth if isinstance(expr, DenseVector) else 0
    return max([own, *map(_depth_of, expr.parts())])
