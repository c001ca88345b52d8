"""A dense step that finds the leaves of some trees: what stands before another step is no form."""

from __future__ import annotations

import numpy as np

from morosidad.compiler.nodes.base import Floats, Ints
from morosidad.compiler.nodes.dense.step import DenseStep


class Leaves(DenseStep, frozen=True, eq=False):
    """The leaf that a record reaches in each of some trees, as the number of its node.

    Attributes
    ----------
    starts : ndarray of int32, shape (size,)
        The root of each tree among all nodes.
    left, right : ndarray of int32, shape (n_nodes,)
        The children among all nodes; a leaf has itself for both.
    column : ndarray of int32, shape (n_nodes,)
        What is compared.
    threshold : ndarray of float64, shape (n_nodes,)
        Numbers up to it go left.
    n_tests : int
        A leaf is reached after so many tests.
    n_columns : int
        How many columns it takes.
    """

    starts: Ints
    left: Ints
    right: Ints
    column: Ints
    threshold: Floats
    n_tests: int
    n_columns: int

    @property
    def width(self) -> int:
        return self.n_columns

    @property
    def size(self) -> int:
        return len(self.starts)

    @property
    def fits(self) -> bool:
        n = len(self.threshold)
        arrays = self.left, self.right, self.column, self.threshold
        if any(values.shape != (n,) for values in arrays) or self.starts.ndim != 1 or self.n_tests < 0:
            return False
        nodes = np.concatenate([self.starts, self.left, self.right])
        inside = (nodes >= 0) & (nodes < n)
        known = (self.column >= 0) & (self.column < self.n_columns)
        return bool(inside.all() and known.all()) and self.n_tests <= n

    def apply(self, x: Floats) -> Floats:
        at = np.tile(self.starts, (len(x), 1))
        rows = np.arange(len(x))[:, None]
        for _ in range(self.n_tests):
            at = np.where(x[rows, self.column[at]] <= self.threshold[at], self.left[at], self.right[at])
        own: Floats = (at - self.starts).astype(np.float64)
        return own

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        return np.zeros_like(x)
