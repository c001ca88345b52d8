"""A classifier whose first class, and not its second, means default."""

from __future__ import annotations

from collections.abc import Sequence

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import Around
from morosidad.compiler.nodes.base import Floats


class Complement(Around, frozen=True, eq=False):
    """One less another form's probability; the contributions change their sign.

    Attributes
    ----------
    of : Form
        The classifier, whose second class means no default.
    """

    @property
    def scale(self) -> str:
        return self.of.scale

    def emit(self, code: FunctionSource) -> str:
        return code.assign(f"1.0 - ({self.of.emit(code)})")

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        return _turned(code, *self.of.emit_reasons(code, reference))

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        return _turned(code, *self.of.emit_probability_reasons(code, reference))

    def batch(self, batch: ColumnBatch) -> Floats:
        return 1.0 - self.of.batch(batch)

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        probability, shares = self.of.batch_reasons(batch, reference)
        return 1.0 - probability, -shares

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        probability, shares = self.of.batch_probability_reasons(batch, reference)
        return 1.0 - probability, -shares


def _turned(code: FunctionSource, probability: str, shares: Sequence[str]) -> tuple[str, Sequence[str]]:
    turned = [share if share == NO_SHARE else f"-({share})" for share in shares]
    return code.assign(f"1.0 - ({probability})"), turned
