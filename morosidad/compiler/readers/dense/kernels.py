"""Readers of transformers that compare a record with some points, or draw waves through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.dense.algebra import Activation, Affine
from morosidad.compiler.nodes.dense.kernels import Kernel
from morosidad.compiler.nodes.expressions import Arith, Clip
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, NotCompilable, compiles

NameOfKernel = Literal["rbf", "laplacian", "polynomial", "sigmoid", "linear", "euclidean"]
_NAMES = {
    "poly": "polynomial",
    **{name: name for name in ("rbf", "laplacian", "polynomial", "sigmoid", "linear")},
}


def kernel(owner: str, name: Any, points: Any, gamma: float, coef0: Any, degree: Any) -> Kernel:
    """Make the step of a kernel as scikit-learn names it.

    Parameters
    ----------
    owner : str
        The estimator's class, for the message.
    name : object
        As ``kernel=`` takes it.
    points : array-like of shape (size, width)
    gamma, coef0, degree : float

    Returns
    -------
    Kernel

    Raises
    ------
    NotCompilable
        If it is a function of the user's, or another kernel.
    """
    known = _NAMES.get(name) if isinstance(name, str) else None
    if known is None:
        raise NotCompilable(f"{owner}(kernel={name!r}) has no compiled form")
    at = points.toarray() if hasattr(points, "toarray") else points
    return Kernel(
        cast(NameOfKernel, known), np.array(at, dtype=np.float64), float(gamma), float(coef0), float(degree)
    )


@compiles("sklearn.Nystroem")
def nystroem(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a kernel with some points, times a matrix."""
    near = dense_columns(_kernel_of(estimator, estimator.components_), columns, compiler)
    weights = np.array(estimator.normalization_.T, dtype=np.float64)
    return dense_columns(Affine(np.zeros(len(near)), weights, np.zeros(weights.shape[1])), near, compiler)


@compiles("sklearn.KernelPCA")
def kernel_pca(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a kernel with the fitted rows, centred, times a matrix."""
    near = dense_columns(_kernel_of(estimator, estimator.X_fit_), columns, compiler)
    centre, values = estimator._centerer, np.array(estimator.eigenvalues_)
    roots = np.sqrt(np.where(values > 0.0, values, 1.0))
    alphas = np.where(values != 0.0, estimator.eigenvectors_ / roots, 0.0)
    # each row's own mean is taken from it, so that the matrix has sums of 0 in its columns
    weights = alphas - alphas.sum(axis=0) / len(alphas)
    offset = float(np.ravel(centre.K_fit_all_)[0]) * alphas.sum(axis=0)
    return dense_columns(
        Affine(np.zeros(len(near)), weights, offset - centre.K_fit_rows_ @ alphas), near, compiler
    )


def _kernel_of(estimator: Any, points: Floats) -> Kernel:
    if getattr(estimator, "kernel_params", None):
        raise NotCompilable(f"{type(estimator).__name__} with kernel_params has no compiled form")
    gamma = getattr(estimator, "gamma_", estimator.gamma)
    gamma = 1.0 / points.shape[1] if gamma is None else gamma
    coef0 = 1.0 if estimator.coef0 is None else estimator.coef0
    degree = 3.0 if estimator.degree is None else estimator.degree
    return kernel(type(estimator).__name__, estimator.kernel, points, gamma, coef0, degree)


@compiles("sklearn.RBFSampler")
def rbf_sampler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile cosines of random projections."""
    return _waves(estimator, columns, compiler, (2.0 / estimator.n_components) ** 0.5)


@compiles("sklearn.SkewedChi2Sampler")
def skewed_chi2_sampler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile cosines of random projections of logarithms."""
    for column in columns:
        if not (isinstance(column, Clip) and column.low > -estimator.skewedness):
            compiler.above(column, -estimator.skewedness, strictly=True)
    logs = [Function(fold_constants(Arith(c, "+", float(estimator.skewedness))), "log") for c in columns]
    factor = np.sqrt(2.0) / np.sqrt(estimator.n_components)
    return _waves(estimator, list(map(fold_constants, logs)), compiler, factor)


def _waves(estimator: Any, columns: Sequence[Expr], compiler: Compiler, factor: float) -> list[Expr]:
    weights = np.array(estimator.random_weights_, dtype=np.float64)
    line = Affine(np.zeros(len(weights)), weights, np.array(estimator.random_offset_, dtype=np.float64))
    lines = dense_columns(line, columns, compiler)
    return dense_columns(Activation(len(lines), "cos", float(factor)), lines, compiler)


@compiles("sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.BisectingKMeans")
def distances_to_centres(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the distances to the centres of clusters."""
    return dense_columns(_euclidean(estimator.cluster_centers_), columns, compiler)


@compiles("sklearn.Birch")
def distances_to_subclusters(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the distances to the centroids of the leaves' subclusters."""
    return dense_columns(_euclidean(estimator.subcluster_centers_), columns, compiler)


def _euclidean(points: Floats) -> Kernel:
    return Kernel("euclidean", np.array(points, dtype=np.float64), 1.0, 0.0, 1.0)


@compiles("sklearn.BernoulliRBM")
def hidden_units(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the probabilities of a restricted Boltzmann machine's hidden units."""
    weights = np.array(estimator.components_.T, dtype=np.float64)
    line = Affine(np.zeros(len(weights)), weights, np.array(estimator.intercept_hidden_, dtype=np.float64))
    lines = dense_columns(line, columns, compiler)
    return dense_columns(Activation(len(lines), "logistic", 1.0), lines, compiler)
