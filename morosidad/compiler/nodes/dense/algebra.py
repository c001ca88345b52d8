"""Dense steps of linear algebra: products with matrices, activations, norms, products of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from morosidad.compiler.nodes.base import Floats, Ints
from morosidad.compiler.nodes.dense.step import DenseStep


class Affine(DenseStep, frozen=True, eq=False):
    """``(x - shift) @ weights + offset``.

    Attributes
    ----------
    shift : ndarray of float64, shape (width,)
    weights : ndarray of float64, shape (width, size)
    offset : ndarray of float64, shape (size,)
    """

    shift: Floats
    weights: Floats
    offset: Floats

    @property
    def width(self) -> int:
        return int(self.weights.shape[0])

    @property
    def size(self) -> int:
        return int(self.weights.shape[1])

    @property
    def fits(self) -> bool:
        if self.weights.ndim != 2:
            return False
        return self.shift.shape == (self.width,) and self.offset.shape == (self.size,)

    def apply(self, x: Floats) -> Floats:
        return (x - self.shift) @ self.weights + self.offset

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        found: Floats = slopes @ self.weights.T
        return found


class SameWidth(DenseStep, frozen=True, eq=False):
    """A step that gives as many numbers as it takes.

    Attributes
    ----------
    n_numbers : int
        How many.
    """

    n_numbers: int

    @property
    def width(self) -> int:
        return self.n_numbers

    @property
    def size(self) -> int:
        return self.n_numbers

    @property
    def fits(self) -> bool:
        return self.n_numbers > 0


Name = Literal["relu", "tanh", "logistic", "cos", "square"]


class Activation(SameWidth, frozen=True, eq=False):
    """``factor * function(x)``, number by number.

    Attributes
    ----------
    function : str
        Which function.
    factor : float
        What its value is multiplied by.
    """

    function: Name
    factor: float

    def apply(self, x: Floats) -> Floats:
        return _FUNCTIONS[self.function][0](x) * self.factor

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        return slopes * _FUNCTIONS[self.function][1](x) * self.factor


def logistic(x: Floats) -> Floats:
    """Compute ``1 / (1 + exp(-x))``, without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, small) / (1.0 + small)


_FUNCTIONS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "relu": (lambda x: np.maximum(x, 0.0), lambda x: (x > 0.0).astype(np.float64)),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "logistic": (logistic, lambda x: logistic(x) * logistic(-x)),
    "cos": (np.cos, lambda x: -np.sin(x)),
    "square": (np.square, lambda x: 2.0 * x),
}


class UnitNorm(SameWidth, frozen=True, eq=False):
    """Each row divided by its norm, one of zeros left as it is.

    Attributes
    ----------
    norm : {'l1', 'l2', 'max'}
    """

    norm: Literal["l1", "l2", "max"]

    def apply(self, x: Floats) -> Floats:
        return x / self._norms(x)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        norms = self._norms(x)
        along = (slopes * x).sum(axis=1, keepdims=True) / norms**2
        if self.norm == "l2":
            turn = x / norms
        elif self.norm == "l1":
            turn = np.sign(x)
        else:
            turn = np.sign(x) * (np.arange(x.shape[1]) == np.abs(x).argmax(axis=1)[:, None])
        found: Floats = slopes / norms - along * turn
        return found

    def _norms(self, x: Floats) -> Floats:
        if self.norm == "l2":
            norms = np.sqrt(np.einsum("ij,ij->i", x, x))
        else:
            norms = np.abs(x).sum(axis=1) if self.norm == "l1" else np.abs(x).max(axis=1, initial=0.0)
        # scikit-learn takes a norm below ten times the resolution of float64 for zero
        return np.where(norms < 10.0 * np.finfo(np.float64).eps, 1.0, norms)[:, None]


class Products(DenseStep, frozen=True, eq=False):
    """Products of columns: the terms of a polynomial.

    Attributes
    ----------
    factors : ndarray of int32, shape (size, degree)
        The places of the columns that are multiplied, one after the other; ``n_columns`` stands for 1.
    n_columns : int
        How many columns it takes.
    """

    factors: Ints
    n_columns: int

    @property
    def width(self) -> int:
        return self.n_columns

    @property
    def size(self) -> int:
        return len(self.factors)

    @property
    def fits(self) -> bool:
        inside = (self.factors >= 0) & (self.factors <= self.n_columns)
        return self.factors.ndim == 2 and self.factors.shape[1] > 0 and bool(inside.all())

    def apply(self, x: Floats) -> Floats:
        parts = _with_ones(x)[:, self.factors]
        found: Floats = parts[:, :, 0]
        for place in range(1, parts.shape[2]):
            found = found * parts[:, :, place]
        return found

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        parts = _with_ones(x)[:, self.factors]
        found = np.zeros((len(x), x.shape[1] + 1))
        for place in range(parts.shape[2]):
            others = np.delete(parts, place, axis=2).prod(axis=2) * slopes
            for row, change in zip(found, others, strict=True):
                np.add.at(row, self.factors[:, place], change)
        return found[:, :-1]


class Beside(DenseStep, frozen=True, eq=False):
    """Several steps over some of the columns each, side by side.

    Attributes
    ----------
    steps : tuple of DenseStep
    columns : tuple of ndarray of int32
        For each step the places of what it takes.
    n_columns : int
        How many columns there are.
    """

    steps: tuple[DenseStep, ...]
    columns: tuple[Ints, ...]
    n_columns: int

    @property
    def width(self) -> int:
        return self.n_columns

    @property
    def size(self) -> int:
        return sum(step.size for step in self.steps)

    @property
    def fits(self) -> bool:
        if len(self.steps) != len(self.columns) or any(isinstance(step, Beside) for step in self.steps):
            return False
        return all(
            places.shape == (step.width,)
            and bool(((places >= 0) & (places < self.n_columns)).all())
            and len(np.unique(places)) == len(places)
            for step, places in zip(self.steps, self.columns, strict=True)
        )

    def apply(self, x: Floats) -> Floats:
        parts = zip(self.steps, self.columns, strict=True)
        return np.concatenate([step.apply(x[:, places]) for step, places in parts], axis=1)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        found, start = np.zeros_like(x), 0
        for step, places in zip(self.steps, self.columns, strict=True):
            part = step.pull_back(x[:, places], slopes[:, start : start + step.size])
            start += step.size
            found[:, places] += part  # the places of one step are all different
        return found


def _with_ones(x: Floats) -> Floats:
    return np.column_stack([x, np.ones(len(x))])
