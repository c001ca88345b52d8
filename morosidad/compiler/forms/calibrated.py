"""Calibrated classifiers: a sigmoid, a temperature or an isotonic regression of a model's answer.

A sigmoid (or a temperature) makes log-odds that are linear in what it calibrates: so are the
contributions, which stay exact. An isotonic calibration of one model keeps the model's
contributions, on the scale that it had before: they say what moved the score, and the score's order
is the probability's. A model can be moved to another default rate: its odds are multiplied by a number.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import Around, OnLogOdds, along_chord, emit_along_chord
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.expressions import NARROW
from morosidad.compiler.nodes.functions import prior_corrected
from morosidad.compiler.nodes.lookups import Curve


class Calibrated(Around, frozen=True, eq=False):
    """A model, and what is made of its answer.

    Attributes
    ----------
    of : Form
        The model.
    on_log_odds : bool
        Whether the number in front of its sigmoid is taken, and not its probability.
    """

    on_log_odds: bool

    @property
    def alike(self) -> bool:
        return self.of.alike and self.on_log_odds

    def emit_score(self, code: FunctionSource) -> str:
        """Write the number that is calibrated."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.emit_log_odds(code)
        return self.of.emit(code)

    def emit_score_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the number that is calibrated, and the fields' contributions to it."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.emit_log_odds_reasons(code, reference)
        return self.of.emit_probability_reasons(code, reference)

    def batch_score(self, batch: ColumnBatch) -> Floats:
        """Compute the number that is calibrated for many rows."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.batch_log_odds(batch)
        return self.of.batch(batch)

    def batch_score_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        """Compute the number that is calibrated for many rows, and the fields' contributions to it."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.batch_log_odds_reasons(batch, reference)
        return self.of.batch_probability_reasons(batch, reference)


class Sigmoid(Calibrated, OnLogOdds, frozen=True, eq=False):
    """``sigmoid(slope * score + intercept)``: Platt's calibration, or a temperature."""

    slope: float
    intercept: float

    def emit_log_odds(self, code: FunctionSource) -> str:
        return self._line(code, self.emit_score(code))

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        slope = code.constant(self.slope)
        return self._line(code, score), [
            share if share == NO_SHARE else f"{slope} * ({share})" for share in shares
        ]

    def _line(self, code: FunctionSource, score: str) -> str:
        return code.assign(f"{code.constant(self.slope)} * {score} + {code.constant(self.intercept)}")

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        return self.slope * self.batch_score(batch) + self.intercept

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        score, shares = self.batch_score_reasons(batch, reference)
        return self.slope * score + self.intercept, self.slope * shares


class OnScore(Calibrated, frozen=True, eq=False):
    """A calibration that keeps the model's contributions, on the scale of the number that it takes."""

    @property
    def scale(self) -> str:
        return f"{'log-odds' if self.on_log_odds else 'probability'} before calibration"

    def emit_calibrated(self, code: FunctionSource, score: str) -> str:
        """Write the probability that a number in a variable is calibrated to."""
        raise NotImplementedError

    def calibrated(self, score: Floats) -> Floats:
        """Compute it for many numbers."""
        raise NotImplementedError

    def emit(self, code: FunctionSource) -> str:
        return self.emit_calibrated(code, self.emit_score(code))

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        return self.emit_calibrated(code, score), shares

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        return emit_along_chord(code, self.emit_calibrated, score, shares)

    def batch(self, batch: ColumnBatch) -> Floats:
        return self.calibrated(self.batch_score(batch))

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        score, shares = self.batch_score_reasons(batch, reference)
        return self.calibrated(score), shares

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        return along_chord(self.calibrated, *self.batch_score_reasons(batch, reference))


class Isotonic(OnScore, frozen=True, eq=False):
    """A rising line through points, at the score.

    Attributes
    ----------
    curve : Curve
        The line; level before the first point and after the last.
    """

    curve: Curve

    @property
    def tolerance(self) -> float:
        # Sums of floats differ in their last bits with the order of the additions, between
        # scikit-learn's own answers for one row and for many too; a steep step magnifies that.
        steepest = float(np.nanmax(np.abs(self.curve.rows[:, 1])))
        return max(self.of.tolerance, min(1e-9, 1e-14 * steepest))

    @property
    def _summed_in_32_bits(self) -> OnLogOdds | None:
        """The model, where its probability is one of 32 bits: rounded otherwise, a steep step shows it."""
        narrow = isinstance(self.of, Boosting) and self.of.narrow and not self.on_log_odds
        return self.of if narrow and isinstance(self.of, OnLogOdds) else None

    def emit_score(self, code: FunctionSource) -> str:
        model = self._summed_in_32_bits
        return super().emit_score(code) if model is None else _emit_single(code, model.emit_log_odds(code))

    def emit_score_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        model = self._summed_in_32_bits
        if model is None:
            return super().emit_score_reasons(code, reference)
        return emit_along_chord(code, _emit_single, *model.emit_log_odds_reasons(code, reference))

    def batch_score(self, batch: ColumnBatch) -> Floats:
        model = self._summed_in_32_bits
        return super().batch_score(batch) if model is None else _singles(model.batch_log_odds(batch))

    def batch_score_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        model = self._summed_in_32_bits
        if model is None:
            return super().batch_score_reasons(batch, reference)
        return along_chord(_singles, *model.batch_log_odds_reasons(batch, reference))

    def emit_calibrated(self, code: FunctionSource, score: str) -> str:
        edges = code.constant(self.curve.edges.values.tolist())
        at = code.assign(f"{code.constant(bisect_right)}({edges}, {score})")
        return code.assign(self.curve.emit(code, score, at))

    def calibrated(self, score: Floats) -> Floats:
        return self.curve.compute(score, self.curve.edges.find(score))


class PriorCorrected(Calibrated, frozen=True, eq=False):
    """``factor * p / (factor * p + 1 - p)``: a probability for another default rate.

    Elkan 2001, *The foundations of cost-sensitive learning*, theorem 2; Saerens et al. 2002,
    doi:10.1162/089976602753284446. Contributions on the log-odds, or on the scale before an isotonic
    calibration, stay as they are.

    Attributes
    ----------
    factor : float
        Of the odds.
    """

    factor: float

    def __post_init__(self) -> None:
        if not 0.0 < self.factor < math.inf:
            raise ValueError("factor: a positive number was expected")

    @property
    def scale(self) -> str:
        return self.of.scale

    def emit(self, code: FunctionSource) -> str:
        return self._emit_moved(code, self.of.emit(code))

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        if self.scale == "probability":
            return self.emit_probability_reasons(code, reference)
        probability, shares = self.of.emit_reasons(code, reference)
        return self._emit_moved(code, probability), shares

    def emit_probability_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        probability, shares = self.of.emit_probability_reasons(code, reference)
        return emit_along_chord(code, self._emit_moved, code.assign(probability), shares)

    def _emit_moved(self, code: FunctionSource, probability: str) -> str:
        name = code.assign(probability)
        top = code.assign(f"{code.constant(self.factor)} * {name}")
        return code.assign(f"{top} / ({top} + (1.0 - {name}))")

    def batch(self, batch: ColumnBatch) -> Floats:
        return prior_corrected(self.of.batch(batch), self.factor)

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        if self.scale == "probability":
            return self.batch_probability_reasons(batch, reference)
        probability, shares = self.of.batch_reasons(batch, reference)
        return prior_corrected(probability, self.factor), shares

    def batch_probability_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        def moved(probability: Floats) -> Floats:
            return prior_corrected(probability, self.factor)

        return along_chord(moved, *self.of.batch_probability_reasons(batch, reference))


# -- a sigmoid in 32 bits --------------------------------------------------------------------------

_LARGEST_EXPONENT = 88.7  # of what 32 bits hold
_rounded = NARROW["float32"]


def _emit_single(code: FunctionSource, z: str) -> str:
    return code.assign(f"{code.constant(_single)}({z})")


def _single(z: float) -> float:
    """Compute the sigmoid as XGBoost does, each step rounded to 32 bits."""
    return _rounded(1.0 / _rounded(1.0 + _rounded(math.exp(min(-z, _LARGEST_EXPONENT)))))


def _singles(z: Floats) -> Floats:
    """Compute the same of many numbers."""
    one = np.float32(1.0)
    found: Floats = (one / (one + np.exp(np.minimum(-z, _LARGEST_EXPONENT)).astype(np.float32))).astype(
        np.float64
    )
    return found
