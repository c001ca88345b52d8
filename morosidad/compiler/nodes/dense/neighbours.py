"""Dense steps that find fitted rows near a record."""

from __future__ import annotations

from typing import Literal

import numpy as np

from morosidad.compiler.nodes.base import Bools, Floats
from morosidad.compiler.nodes.dense.step import DenseStep


class WithinRadius(DenseStep, frozen=True, eq=False):
    """For each of some points whether it is within a radius, or how far away it is there; else 0.

    Squares are added up column by column, as trees of neighbours do, so that a point on the edge is
    found on the same side.

    Attributes
    ----------
    gives : {'one', 'distance'}
        What it gives for a point within the radius.
    points : ndarray of float64, shape (size, width)
    radius : float
    """

    gives: Literal["one", "distance"]
    points: Floats
    radius: float

    @property
    def width(self) -> int:
        return int(self.points.shape[1])

    @property
    def size(self) -> int:
        return int(self.points.shape[0])

    @property
    def fits(self) -> bool:
        return self.points.ndim == 2

    def apply(self, x: Floats) -> Floats:
        squares, within = self._within(x)
        return within.astype(np.float64) if self.gives == "one" else np.where(within, np.sqrt(squares), 0.0)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        if self.gives == "one":
            return np.zeros_like(x)
        squares, within = self._within(x)
        inside = within & (squares > 0.0)
        weights = np.where(inside, slopes / np.sqrt(np.where(inside, squares, 1.0)), 0.0)
        found: Floats = x * weights.sum(axis=1, keepdims=True) - weights @ self.points
        return found

    def _within(self, x: Floats) -> tuple[Floats, Bools]:
        squares = np.zeros((len(x), self.size))
        for column, point in zip(x.T, self.points.T, strict=True):
            apart = column[:, None] - point
            squares += apart * apart
        return squares, squares <= self.radius * self.radius
