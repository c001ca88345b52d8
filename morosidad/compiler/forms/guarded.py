"""A classifier that has no answer where some computed number is none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.forms.form import Around
from morosidad.compiler.nodes.base import Expr, Floats


class Guarded(Around, frozen=True, eq=False):
    """Another form's answer, or NaN where a number that its original demands is missing or infinite.

    A field's own number is demanded by the schema. One that is computed from several, such as a ratio,
    is known only when the record is there.

    Attributes
    ----------
    of : Form
        The classifier.
    demanded : tuple of Expr
        The numbers that must be finite.
    """

    demanded: tuple[Expr, ...]

    @property
    def scale(self) -> str:
        return self.of.scale

    @property
    def alike(self) -> bool:
        return self.of.alike and all(expr.alike for expr in self.demanded)

    def emit(self, code: FunctionSource) -> str:
        return self._guarded(code, self.of.emit(code))

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        probability, shares = self.of.emit_reasons(code, reference)
        return self._guarded(code, probability), shares

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        probability, shares = self.of.emit_probability_reasons(code, reference)
        return self._guarded(code, probability), shares

    def _guarded(self, code: FunctionSource, probability: str) -> str:
        # the difference of a number to itself is NaN where it is infinite or none
        parts = [code.assign(f"{name} - {name}") for name in map(code.value, self.demanded)]
        total, nan = code.total(parts), code.constant(math.nan)
        return code.assign(f"{probability} if {total} == 0.0 else {nan}")

    def batch(self, batch: ColumnBatch) -> Floats:
        with np.errstate(all="ignore"):
            return self._where_known(batch, self.of.batch(batch))

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        with np.errstate(all="ignore"):
            probability, shares = self.of.batch_reasons(batch, reference)
        return self._where_known(batch, probability), shares

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        with np.errstate(all="ignore"):
            probability, shares = self.of.batch_probability_reasons(batch, reference)
        return self._where_known(batch, probability), shares

    def _where_known(self, batch: ColumnBatch, probability: Floats) -> Floats:
        known = np.ones(len(batch), dtype=np.bool_)
        for expr in self.demanded:
            known &= np.isfinite(batch.value(expr))
        return np.where(known, probability, np.nan)
