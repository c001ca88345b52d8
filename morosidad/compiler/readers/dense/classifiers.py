"""Readers of classifiers whose score is no sum over the columns: networks, support vectors, quadratics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.dense.coupled import Coupled
from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.dense.algebra import Activation, Affine, Beside
from morosidad.compiler.nodes.dense.step import DenseStep
from morosidad.compiler.readers.dense.blocks import network
from morosidad.compiler.readers.dense.kernels import kernel
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.MLPClassifier")
def multilayer_perceptron(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Network:
    """Compile the layers of a network; the last one gives the log-odds."""
    steps: list[DenseStep] = []
    for weights, offset in zip(estimator.coefs_, estimator.intercepts_, strict=True):
        layer = np.array(weights, dtype=np.float64)
        if steps and estimator.activation != "identity":
            steps.append(Activation(len(layer), estimator.activation, 1.0))
        steps.append(Affine(np.zeros(len(layer)), layer, np.array(offset, dtype=np.float64)))
    return network(steps, columns, compiler)


@compiles("sklearn.QuadraticDiscriminantAnalysis")
def quadratic_discriminant(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Network:
    """Compile the difference of two squared distances, each on the axes of its class."""
    axes: list[DenseStep] = []
    sizes: list[int] = []
    for mean, rotation, scaling in zip(
        estimator.means_, estimator.rotations_, estimator.scalings_, strict=True
    ):
        weights = rotation * scaling**-0.5
        axes.append(Affine(np.array(mean), weights, np.zeros(len(scaling))))
        sizes.append(len(scaling))
    everything = np.arange(len(columns), dtype=np.int32)
    signs = np.repeat([0.5, -0.5], sizes)[:, None]
    logs = [float(np.log(scaling).sum()) for scaling in estimator.scalings_]
    prior = float(np.log(estimator.priors_[1]) - np.log(estimator.priors_[0]))
    steps = [
        Beside(tuple(axes), (everything, everything.copy()), len(columns)),
        Activation(sum(sizes), "square", 1.0),
        Affine(np.zeros(sum(sizes)), signs, np.array([0.5 * (logs[0] - logs[1]) + prior])),
    ]
    return network(steps, columns, compiler)


@compiles("sklearn.SVC", "sklearn.NuSVC")
def support_vectors(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Coupled | Network:
    """Compile the decision function, and the probability where there is one."""
    near = kernel(
        type(estimator).__name__,
        estimator.kernel,
        estimator.support_vectors_,
        estimator._gamma,
        estimator.coef0,
        estimator.degree,
    )
    dual = estimator.dual_coef_
    weights = np.array(dual.toarray() if hasattr(dual, "toarray") else dual, dtype=np.float64).T
    last = Affine(np.zeros(len(weights)), weights, np.array(estimator.intercept_, dtype=np.float64))
    decision = network([near, last], columns, compiler)
    if not len(estimator._probA):
        return decision  # a calibration stands around it
    slope, intercept = platt(estimator)
    if slope <= 0.0:  # labels follow the decision function, which the probability then contradicts
        name = type(estimator).__name__
        raise NotCompilable(f"{name} whose probability falls with its score has no compiled form")
    return Coupled(Sigmoid(decision, True, slope, intercept), True)


def platt(estimator: Any) -> tuple[float, float]:
    """Give the slope and the intercept of Platt's sigmoid of a support vector machine's decision function."""
    return -float(estimator._probA[0]), float(estimator._probB[0])
