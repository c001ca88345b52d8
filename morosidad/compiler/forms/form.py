"""Base classes of compiled classifiers, by the scale that their contributions add up on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.nodes.base import Floats
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema


class Form(msgspec.Struct, frozen=True, eq=False):
    """A compiled classifier: columns in, probability of default out, contributions on request.

    Subclasses hold plain data, so that a model file can hold them; the `code` that they write is
    made anew when a file is loaded.
    """

    @property
    def scale(self) -> str:
        """What the contributions are measured on: ``log-odds`` or ``probability``."""
        raise NotImplementedError

    @property
    def tolerance(self) -> float:
        """The largest difference from the original that the parity gate allows."""
        return 1e-12

    @property
    def backend(self) -> str:
        """What answers for one record: ``numba`` or ``Python``."""
        return "Python"

    @property
    def alike(self) -> bool:
        """Whether many rows at once get the answers and contributions of each alone, to the last bit."""
        return False

    @property
    def fits(self) -> bool:
        """Whether the sizes that it names are there, as those in a file may not be."""
        return True

    @property
    def shares_equally(self) -> bool:
        """Whether some contribution is divided equally among fields, as nothing is known of each one's."""
        return False

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        """Make rows at the discontinuities of the answer out of some others: the parity gate tries them."""
        return ()

    def emit(self, code: FunctionSource) -> str:
        """Write the probability of default for one record."""
        raise NotImplementedError

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the probability and each field's contribution against the reference."""
        raise NotImplementedError

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the same with the contributions on the probability scale."""
        raise NotImplementedError

    def batch(self, batch: ColumnBatch) -> Floats:
        """Compute the probability of default for many rows."""
        raise NotImplementedError

    def reference(self, batch: ColumnBatch) -> Floats:
        """Summarise reference rows as what the reasons are measured against."""
        raise NotImplementedError

    def background(self, batch: ColumnBatch) -> Floats:
        """Give rows in the same form as `reference`, but so that reasons are the mean over all of them."""
        return self.reference(batch)

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        """Compute the probability of many rows, and each field's contributions: shape (n_fields, n_rows)."""
        raise NotImplementedError

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        """Compute the same with the contributions on the probability scale."""
        raise NotImplementedError


class Around(Form, frozen=True, eq=False):
    """A form made of one other form, which asks that one about the reference and is as near to the original.

    Attributes
    ----------
    of : Form
        The other form.
    """

    of: Form

    @property
    def tolerance(self) -> float:
        return self.of.tolerance

    @property
    def alike(self) -> bool:
        return self.of.alike

    @property
    def backend(self) -> str:
        return self.of.backend

    @property
    def shares_equally(self) -> bool:
        return self.of.shares_equally

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        return self.of.probes(schema, bases)

    def reference(self, batch: ColumnBatch) -> Floats:
        return self.of.reference(batch)

    def background(self, batch: ColumnBatch) -> Floats:
        return self.of.background(batch)


class OnProbability(Form, frozen=True, eq=False):
    """A classifier whose contributions add up on the probability scale, as a forest's do."""

    @property
    def scale(self) -> str:
        return "probability"

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        return self.emit_reasons(code, reference)

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        return self.batch_reasons(batch, reference)


class OnLogOdds(Form, frozen=True, eq=False):
    """A classifier whose probability is the sigmoid of a sum, as a linear or a boosted model's is."""

    @property
    def scale(self) -> str:
        return "log-odds"

    def emit_log_odds(self, code: FunctionSource) -> str:
        """Write the log-odds into a variable and name it."""
        raise NotImplementedError

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the log-odds, and each field's contribution to them against the reference."""
        raise NotImplementedError

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        """Compute the log-odds for many rows."""
        raise NotImplementedError

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        """Compute the log-odds of many rows, and each field's contributions to them."""
        raise NotImplementedError

    def emit(self, code: FunctionSource) -> str:
        return emit_sigmoid(code, self.emit_log_odds(code))

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        z, shares = self.emit_log_odds_reasons(code, reference)
        return emit_sigmoid(code, z), shares

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        z, shares = self.emit_log_odds_reasons(code, reference)
        return emit_along_chord(code, emit_sigmoid, z, shares)

    def batch(self, batch: ColumnBatch) -> Floats:
        return sigmoid(self.batch_log_odds(batch))

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        z, shares = self.batch_log_odds_reasons(batch, reference)
        return sigmoid(z), shares

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        return along_chord(sigmoid, *self.batch_log_odds_reasons(batch, reference))


_NEAR = 1e-6


def emit_along_chord(
    code: FunctionSource, curve: Callable[[FunctionSource, str], str], z: str, shares: Sequence[str]
) -> tuple[str, list[str]]:
    """Write ``curve(z)``, and the shares of z as shares of the curve's value.

    Each share is multiplied by the slope of the chord from the reference to the record, so that
    they add up to the difference between the two. This is the Aumann-Shapley value of the curve
    after the sum (Sundararajan et al. 2017, *Axiomatic attribution for deep networks*,
    DOI 10.48550/arXiv.1703.01365). Where record and reference all but meet, the chord is drawn over a
    short distance on both sides.
    """
    answer = curve(code, z)
    shares = [share if share == NO_SHARE else code.assign(share) for share in shares]
    moved = code.total(shares)
    far = code.assign(f"not -{_NEAR!r} < {moved} < {_NEAR!r}")
    start = code.assign(f"{z} - ({moved} if {far} else {_NEAR!r})")
    end = code.assign(f"{z} + (0.0 if {far} else {_NEAR!r})")
    rise = code.assign(f"{curve(code, end)} - {curve(code, start)}")
    slope = code.assign(f"{rise} / ({moved} if {far} else {2 * _NEAR!r})")
    return answer, [share if share == NO_SHARE else f"{share} * {slope}" for share in shares]


def along_chord(curve: Callable[[Floats], Floats], z: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Compute what `emit_along_chord` writes, for many rows: shares of shape (n_fields, n_rows)."""
    moved = shares.sum(axis=0)
    far = np.abs(moved) >= _NEAR
    start, end = z - np.where(far, moved, _NEAR), z + np.where(far, 0.0, _NEAR)
    slope = (curve(end) - curve(start)) / np.where(far, moved, 2 * _NEAR)
    return curve(z), shares * slope


def emit_sigmoid(code: FunctionSource, z: str) -> str:
    """Write ``1 / (1 + exp(-z))`` without overflow, for z in a variable."""
    exp = code.constant(math.exp)
    return code.assign(f"1.0 / (1.0 + {exp}(-{z})) if {z} > -700.0 else {exp}({z})")


def sigmoid(z: Floats) -> Floats:
    """Compute what `emit_sigmoid` writes for many numbers, to the last bit.

    Numpy's own exponential rounds in another way than that of `math`, and differently on each processor.
    """
    near = z > -700.0
    powers = np.fromiter(map(math.exp, np.where(near, -z, z).tolist()), np.float64, len(z))
    return np.where(near, 1.0 / (1.0 + powers), powers)
