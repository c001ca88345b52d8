"""Readers of polynomials of columns, of rows divided by their norm, and of weighted counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.dense.algebra import Products, UnitNorm
from morosidad.compiler.nodes.expressions import Arith
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.PolynomialFeatures")
def polynomial_features(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the products of columns, in scikit-learn's order of multiplication."""
    powers = estimator.powers_
    degree = max(1, int(powers.sum(axis=1).max(initial=1)))
    factors = np.full((len(powers), degree), len(columns), dtype=np.int32)
    for row, exponents in zip(factors, powers, strict=True):
        places = np.repeat(np.arange(len(columns)), exponents)[::-1]
        row[: len(places)] = places
    return dense_columns(Products(factors, len(columns)), columns, compiler, keeps_sparse=True)


@compiles("sklearn.Normalizer")
def normalizer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each row divided by its norm."""
    return dense_columns(UnitNorm(len(columns), estimator.norm), columns, compiler, keeps_sparse=True)


@compiles("sklearn.TfidfTransformer")
def inverse_frequencies(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile counts times the inverse frequencies of their terms, each row divided by its norm."""
    if estimator.sublinear_tf:
        raise NotCompilable("TfidfTransformer(sublinear_tf=True) has no compiled form")
    compiler.sparse = True
    weighted = list(columns)
    if estimator.use_idf:
        weights = np.asarray(estimator.idf_).tolist()
        weighted = [fold_constants(Arith(c, "*", w)) for c, w in zip(columns, weights, strict=True)]
    if estimator.norm is None:
        return weighted
    return dense_columns(UnitNorm(len(columns), estimator.norm), weighted, compiler, keeps_sparse=True)
