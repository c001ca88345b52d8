"""Readers of projections: transformers that multiply the columns with a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.dense.algebra import Affine
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.PCA", "sklearn.IncrementalPCA")
def principal_components(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - mean) @ components``, whitened where that is asked for."""
    scale = np.ones(len(estimator.components_))
    if estimator.whiten:
        scale = np.sqrt(estimator.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
    weights = estimator.components_.T / scale
    return _affine(weights, columns, compiler, offset=-(estimator.mean_ @ weights))


@compiles("sklearn.TruncatedSVD", "sklearn.NeighborhoodComponentsAnalysis")
def components(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x @ components``."""
    return _affine(estimator.components_.T, columns, compiler)


@compiles("sklearn.GaussianRandomProjection", "sklearn.SparseRandomProjection")
def random_projection(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a product with random numbers, many of them 0 where they are sparse."""
    weights, keeps = estimator.components_, False
    if hasattr(weights, "toarray"):
        weights, keeps = weights.toarray(), not estimator.dense_output
    return _affine(weights.T, columns, compiler, keeps_sparse=keeps)


@compiles("sklearn.FastICA")
def independent_components(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the unmixing of sources."""
    shift = estimator.mean_ if estimator.whiten else None
    return _affine(estimator.components_.T, columns, compiler, shift=shift)


@compiles("sklearn.FactorAnalysis")
def factor_analysis(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the mean of the factors, given the record."""
    scaled = estimator.components_ / estimator.noise_variance_
    covariance = np.linalg.inv(np.eye(len(scaled)) + scaled @ estimator.components_.T)
    return _affine(scaled.T @ covariance, columns, compiler, shift=estimator.mean_)


@compiles("sklearn.FeatureAgglomeration")
def feature_agglomeration(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the means of groups of columns."""
    if estimator.pooling_func is not np.mean:
        raise NotCompilable(
            "FeatureAgglomeration with another pooling_func than the mean has no compiled form"
        )
    groups = np.unique(estimator.labels_, return_inverse=True)[1]
    member = np.eye(int(groups.max()) + 1)[groups]
    return _affine(member / member.sum(axis=0), columns, compiler)


@compiles("sklearn.LinearDiscriminantAnalysis", as_step=True)
def discriminants(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile a linear discriminant analysis that stands where a transformer does."""
    weights = estimator.scalings_[:, : estimator._max_components]
    return _affine(weights, columns, compiler, shift=estimator.xbar_ if estimator.solver == "svd" else None)


def _affine(
    weights: Floats,
    columns: Sequence[Expr],
    compiler: Compiler,
    *,
    shift: Floats | None = None,
    offset: Floats | None = None,
    keeps_sparse: bool = False,
) -> list[Expr]:
    width, size = weights.shape
    step = Affine(
        np.zeros(width) if shift is None else np.array(shift, dtype=np.float64).ravel(),
        np.array(weights, dtype=np.float64),
        np.zeros(size) if offset is None else np.array(offset, dtype=np.float64).ravel(),
    )
    return dense_columns(step, columns, compiler, keeps_sparse=keeps_sparse)
