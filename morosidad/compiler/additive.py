"""Models that are a sum of terms, each of one field: linear models and table models.

The contributions of such a model are exact: a field's share of the log-odds is the sum of its
terms, less what that sum is on average over the reference rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from morosidad.compiler.batch import Batch
from morosidad.compiler.code import Code
from morosidad.compiler.expressions import Expr, Floats, fields_of
from morosidad.compiler.form import Form, emit_sigmoid, sigmoid


class Additive(Form, frozen=True, eq=False):
    """``sigmoid(intercept + sum of terms)``.

    Attributes
    ----------
    intercept : float
        On the log-odds scale, as the terms are.
    terms : tuple of Expr
        Each depends on one field.
    n_fields : int
        Fields of the schema.
    """

    intercept: float
    terms: tuple[Expr, ...]
    n_fields: int

    def emit(self, code: Code) -> str:
        names = [code.value(term) for term in self.terms]
        return emit_sigmoid(code, code.assign(" + ".join([code.constant(self.intercept), *names])))

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        probability = self.emit(code)
        shares: list[list[str]] = [[] for _ in range(self.n_fields)]
        for term in self.terms:
            for field in fields_of(term):
                shares[field].append(code.value(term))
        return probability, [
            " + ".join(share) + f" - {code.constant(base)}" if share else "0.0"
            for share, base in zip(shares, reference.tolist(), strict=True)
        ]

    def batch(self, batch: Batch) -> Floats:
        z = np.full(len(batch), self.intercept)
        for term in self.terms:
            z += term.batch(batch)
        return sigmoid(z)

    def reference(self, batch: Batch) -> Floats:
        means = np.zeros(self.n_fields)
        for term in self.terms:
            for field in fields_of(term):
                means[field] += term.batch(batch).mean()
        return means
