"""The probabilities of support vector machines, as libsvm makes them of a decision function."""

from __future__ import annotations

import math

import numpy as np

from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.forms.calibrated import OnScore
from morosidad.compiler.nodes.base import Floats

_ITERATIONS = 100
_NEAR = 0.005 / 2  # libsvm's, for two classes
_SMALLEST = 1e-7


class Coupled(OnScore, frozen=True, eq=False):
    """Platt's sigmoid of a decision function, and libsvm's coupling of pairs of classes behind it.

    Two classes have one pair, whose probability needs no coupling; libsvm couples it all the same, and
    stops up to 0.004 before it is there. What is coupled is a `Sigmoid` of the decision function.
    """

    def emit_calibrated(self, code: FunctionSource, score: str) -> str:
        return code.assign(f"{code.constant(coupled_sigmoid)}({score})")

    def calibrated(self, score: Floats) -> Floats:
        return np.fromiter(map(coupled_sigmoid, score.tolist()), np.float64, len(score))


def coupled_sigmoid(z: float) -> float:
    """Give the second class's probability where Platt's sigmoid of z is that in the pair.

    Parameters
    ----------
    z : float
        The log-odds of the second class.

    Returns
    -------
    float
    """
    if z != z:
        return math.nan
    # as libsvm writes it, of the first class and without overflow
    first = 1.0 / (1.0 + math.exp(z)) if z < 0 else math.exp(-z) / (1.0 + math.exp(-z))
    return coupled(min(max(first, _SMALLEST), 1.0 - _SMALLEST))


def coupled(first: float) -> float:
    """Couple the probabilities of one pair of classes, as libsvm does.

    Wu, Lin & Weng (2004), *Probability estimates for multi-class classification by pairwise coupling*,
    JMLR 5, algorithm 2, for two classes.

    Parameters
    ----------
    first : float
        The first class's probability in the pair, above 0 and below 1.

    Returns
    -------
    float
        The second class's probability.
    """
    second = 1.0 - first
    q = (second * second, -second * first, first * first)
    p = [0.5, 0.5]
    for _ in range(_ITERATIONS):
        slopes = [q[0] * p[0] + q[1] * p[1], q[1] * p[0] + q[2] * p[1]]
        mean = p[0] * slopes[0] + p[1] * slopes[1]
        if max(abs(slopes[0] - mean), abs(slopes[1] - mean)) < _NEAR:
            break
        for place in (0, 1):
            own = q[2 * place]
            move = (mean - slopes[place]) / own
            p[place] += move
            mean = (mean + move * (move * own + 2.0 * slopes[place])) / (1.0 + move) / (1.0 + move)
            for other in (0, 1):
                slopes[other] = (slopes[other] + move * q[place + other]) / (1.0 + move)
                p[other] /= 1.0 + move
    return p[1]
