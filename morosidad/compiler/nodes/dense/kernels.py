"""Dense steps that compare a record with some points: kernels and distances."""

from __future__ import annotations

from typing import Literal

import numpy as np

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.dense.step import DenseStep


class Kernel(DenseStep, frozen=True, eq=False):
    """How near a record is to each of some points.

    Attributes
    ----------
    name : str
        ``rbf`` is ``exp(-gamma * d**2)`` of the Euclidean distance d, ``laplacian`` ``exp(-gamma * d)``
        of the sum of absolute differences, ``polynomial`` ``(gamma * x @ p + coef0) ** degree``,
        ``sigmoid`` ``tanh(gamma * x @ p + coef0)``, ``linear`` ``x @ p``, and ``euclidean`` the distance.
    points : ndarray of float64, shape (size, width)
    gamma, coef0, degree : float
    """

    name: Literal["rbf", "laplacian", "polynomial", "sigmoid", "linear", "euclidean"]
    points: Floats
    gamma: float
    coef0: float
    degree: float

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
        return np.concatenate([np.empty((0, self.size)), *map(self._apply, self._few(x))])

    def _apply(self, x: Floats) -> Floats:
        if self.name == "laplacian":
            near: Floats = np.exp(-self.gamma * np.abs(x[:, None, :] - self.points).sum(axis=2))
            return near
        if self.name in ("rbf", "euclidean"):
            squares = self._squares(x)
            return np.sqrt(squares) if self.name == "euclidean" else np.exp(-self.gamma * squares)
        products: Floats = x @ self.points.T
        if self.name == "linear":
            return products
        line = self.gamma * products + self.coef0
        return np.tanh(line) if self.name == "sigmoid" else line**self.degree

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        starts = np.arange(0, len(x), self._rows)
        parts = zip(self._few(x), np.split(slopes, starts[1:]), strict=True)
        return np.concatenate([np.empty((0, self.width)), *(self._pull(*part) for part in parts)])

    def _pull(self, x: Floats, slopes: Floats) -> Floats:
        if self.name == "laplacian":
            signs = np.sign(x[:, None, :] - self.points)
            found: Floats = np.einsum("ij,ijk->ik", slopes * self._apply(x) * -self.gamma, signs)
            return found
        if self.name in ("rbf", "euclidean"):
            values = self._apply(x)
            if self.name == "rbf":
                weights = slopes * values * (-2.0 * self.gamma)
            else:
                weights = np.where(values > 0.0, slopes / np.where(values > 0.0, values, 1.0), 0.0)
            apart: Floats = x * weights.sum(axis=1, keepdims=True) - weights @ self.points
            return apart
        if self.name != "linear":
            line = self.gamma * (x @ self.points.T) + self.coef0
            if self.name == "sigmoid":
                slopes = slopes * self.gamma * (1.0 - np.tanh(line) ** 2)
            else:
                slopes = slopes * self.gamma * self.degree * line ** (self.degree - 1.0)
        back: Floats = slopes @ self.points
        return back

    def _squares(self, x: Floats) -> Floats:
        # differences first: the squares of a product lose what the distance is made of
        differences = x[:, None, :] - self.points
        found: Floats = np.einsum("ijk,ijk->ij", differences, differences)
        return found

    @property
    def _rows(self) -> int:
        """So many rows are compared at once, that the differences fit the processor's cache."""
        return max(1, 100_000 // max(1, self.points.size))

    def _few(self, x: Floats) -> list[Floats]:
        return [x[start : start + self._rows] for start in range(0, len(x), self._rows)]
