"""Readers of sparse codes, sketches of polynomials, and waves of logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.dense.algebra import Affine
from morosidad.compiler.nodes.dense.coding import Harmonics, Sketch, SparseCode, Threshold
from morosidad.compiler.nodes.expressions import Clip, Constant
from morosidad.compiler.readers.dense.blocks import dense_columns
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.DictionaryLearning", "sklearn.MiniBatchDictionaryLearning", "sklearn.SparseCoder")
def sparse_codes(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the coefficients of a dictionary's atoms."""
    name, algorithm = type(estimator).__name__, estimator.transform_algorithm
    if algorithm not in ("omp", "threshold") or estimator.split_sign or estimator.positive_code:
        words = f"{name}(transform_algorithm={algorithm!r})"
        raise NotCompilable(f"{words}, or with split_sign or positive_code, has no compiled form")
    atoms = getattr(estimator, "components_", None)
    atoms = np.array(estimator.dictionary if atoms is None else atoms, dtype=np.float64)
    if algorithm == "omp":
        chosen = estimator.transform_n_nonzero_coefs or min(max(atoms.shape[1] / 10, 1), len(atoms))
        return dense_columns(SparseCode(atoms, int(chosen)), columns, compiler)
    alpha = estimator.transform_alpha
    alpha = getattr(estimator, "alpha", None) if alpha is None else alpha
    products = Affine(np.zeros(atoms.shape[1]), atoms.T, np.zeros(len(atoms)))
    limit = Threshold(len(atoms), 1.0 if alpha is None else float(alpha))
    return dense_columns(limit, dense_columns(products, columns, compiler), compiler)


@compiles("sklearn.PolynomialCountSketch")
def polynomial_sketch(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the sketch of a polynomial kernel; its constant is a column more."""
    signs = np.array(estimator.bitHash_, dtype=np.float64)
    signs[:, : len(columns)] *= np.sqrt(estimator.gamma)
    given = list(columns)
    if estimator.coef0 != 0:
        given.append(Constant(float(np.sqrt(estimator.coef0))))
    places = np.array(estimator.indexHash_, dtype=np.int32)
    return dense_columns(Sketch(places, signs, int(estimator.n_components)), given, compiler)


@compiles("sklearn.AdditiveChi2Sampler")
def additive_chi2_sampler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the root of each column, and waves of its logarithm."""
    intervals = {1: 0.8, 2: 0.5, 3: 0.4}
    interval = estimator.sample_interval
    interval = intervals[estimator.sample_steps] if interval is None else interval
    step = Harmonics(int(estimator.sample_steps), float(interval))
    sparse, found = compiler.sparse, []
    for column in columns:
        if not (isinstance(column, Clip) and column.low >= 0.0):
            compiler.above(column, 0.0, strictly=False)
        found.append(dense_columns(step, [column], compiler))
    compiler.sparse = sparse
    return [numbers[place] for place in range(step.size) for numbers in found]
