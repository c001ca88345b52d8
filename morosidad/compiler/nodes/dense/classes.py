"""Last steps of classifiers: what is known of two classes becomes log-odds."""

from __future__ import annotations

import numpy as np

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.dense.step import DenseStep


class LogRatio(DenseStep, frozen=True, eq=False):
    """The logarithm of the second of two weights over the first; no number where both are too small.

    Attributes
    ----------
    least : float
        What the sum of the weights must be above.
    """

    least: float

    @property
    def width(self) -> int:
        return 2

    @property
    def size(self) -> int:
        return 1

    @property
    def fits(self) -> bool:
        return self.least >= 0.0

    def apply(self, x: Floats) -> Floats:
        known = x.sum(axis=1, keepdims=True) > self.least
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(known, np.log(x[:, 1:]) - np.log(x[:, :1]), np.nan)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        positive = x > 0.0
        return np.where(positive, slopes * [[-1.0, 1.0]] / np.where(positive, x, 1.0), 0.0)
