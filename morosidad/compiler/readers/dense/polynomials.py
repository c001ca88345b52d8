"""Readers of polynomials of columns, and of rows divided by their norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.dense.algebra import Products, UnitNorm
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, compiles


@compiles("sklearn.PolynomialFeatures")
def polynomial_features(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the products of columns, in scikit-learn's order of multiplication."""
    powers = estimator.powers_
    degree = max(1, int(powers.sum(axis=1).max(initial=1)))
    factors = np.full((len(powers), degree), len(columns), dtype=np.int32)
    for row, exponents in zip(factors, powers, strict=True):
        places = np.repeat(np.arange(len(columns)), exponents)[::-1]
        row[: len(places)] = places
    return dense_columns(Products(factors, len(columns)), columns, compiler)


@compiles("sklearn.Normalizer")
def normalizer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each row divided by its norm."""
    return dense_columns(UnitNorm(estimator.norm, len(columns)), columns, compiler)
