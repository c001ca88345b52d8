"""What stands around models: calibration, soft voting, frozen models, searches, tuned thresholds.

How the contributions of a model change with what stands around it:

- A sigmoid (or a temperature) makes log-odds that are linear in what it calibrates: so are the
  contributions, which stay exact.
- An isotonic calibration of one model keeps the model's contributions, on the scale that it had
  before: they say what moved the score, and the score's order is the probability's.
- A mean of models, calibrated or not, is a mean of probabilities. Each member's contributions are
  brought to the probability scale (see `form.emit_along_chord`), and their mean adds up to the
  difference between the mean probability and that of the reference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import chain
from operator import add
from typing import Any

import numpy as np

from morosidad.compiler.backends.numpy_columns import Batch
from morosidad.compiler.backends.python_source import Code
from morosidad.compiler.forms.form import NOTHING, Form, OnLogOdds, OnProbability, emit_along_chord
from morosidad.compiler.nodes.expressions import Expr, Floats
from morosidad.compiler.nodes.lookups import Curve
from morosidad.compiler.readers.splines import through_points
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, class_name, compiles
from morosidad.errors import UnsupportedModel
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

# -- one model -------------------------------------------------------------------------------------


class Calibrated(Form, frozen=True, eq=False):
    """A model, and what is made of its answer.

    Attributes
    ----------
    of : Form
        The model.
    on_log_odds : bool
        Whether the number in front of its sigmoid is taken, and not its probability.
    """

    of: Form
    on_log_odds: bool

    @property
    def tolerance(self) -> float:
        return self.of.tolerance

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        return self.of.probes(schema, bases)

    def reference(self, batch: Batch) -> Floats:
        return self.of.reference(batch)

    def emit_score(self, code: Code) -> str:
        """Write the number that is calibrated."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.emit_log_odds(code)
        return self.of.emit(code)

    def emit_score_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the number that is calibrated, and the fields' contributions to it."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.emit_log_odds_reasons(code, reference)
        return self.of.emit_probability_reasons(code, reference)

    def batch_score(self, batch: Batch) -> Floats:
        """Compute the number that is calibrated for many rows."""
        if self.on_log_odds and isinstance(self.of, OnLogOdds):
            return self.of.batch_log_odds(batch)
        return self.of.batch(batch)


class Sigmoid(Calibrated, OnLogOdds, frozen=True, eq=False):
    """``sigmoid(slope * score + intercept)``: Platt's calibration, or a temperature."""

    slope: float
    intercept: float

    def emit_log_odds(self, code: Code) -> str:
        return self._line(code, self.emit_score(code))

    def emit_log_odds_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        slope = code.constant(self.slope)
        return self._line(code, score), [
            share if share == NOTHING else f"{slope} * ({share})" for share in shares
        ]

    def _line(self, code: Code, score: str) -> str:
        return code.assign(f"{code.constant(self.slope)} * {score} + {code.constant(self.intercept)}")

    def batch_log_odds(self, batch: Batch) -> Floats:
        return self.slope * self.batch_score(batch) + self.intercept


class Isotonic(Calibrated, frozen=True, eq=False):
    """A rising line through points, at the score.

    Attributes
    ----------
    curve : Curve
        The line; level before the first point and after the last.
    """

    curve: Curve

    @property
    def scale(self) -> str:
        return f"{'log-odds' if self.on_log_odds else 'probability'} before calibration"

    @property
    def tolerance(self) -> float:
        # Sums of floats differ in their last bits with the order of the additions, between
        # scikit-learn's own answers for one row and for many too; a steep step magnifies that.
        steepest = float(np.nanmax(np.abs(self.curve.rows[:, 1])))
        return max(self.of.tolerance, min(1e-9, 1e-14 * steepest))

    def emit(self, code: Code) -> str:
        return self._emit_curve(code, self.emit_score(code))

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        return self._emit_curve(code, score), shares

    def emit_probability_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        score, shares = self.emit_score_reasons(code, reference)
        return emit_along_chord(code, self._emit_curve, score, shares)

    def _emit_curve(self, code: Code, score: str) -> str:
        edges = code.constant(self.curve.edges.values.tolist())
        at = code.assign(f"{code.constant(bisect_right)}({edges}, {score})")
        return code.assign(self.curve.emit(code, score, at))

    def batch(self, batch: Batch) -> Floats:
        score = self.batch_score(batch)
        return self.curve.compute(score, self.curve.edges.find(score))


@compiles("sklearn.CalibratedClassifierCV")
def calibrated_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the calibrated models, and their mean where there are several."""
    forms = [_calibrated(part, columns, compiler) for part in estimator.calibrated_classifiers_]
    return forms[0] if len(forms) == 1 else Mean(tuple(forms), (1.0,) * len(forms))


def _calibrated(part: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    form = compiler.form(part.estimator, columns)
    on_log_odds = hasattr(part.estimator, "decision_function")
    if on_log_odds and not isinstance(form, OnLogOdds):
        name = type(part.estimator).__name__
        raise NotCompilable(f"the decision function of {name} has no compiled form")
    (calibrator,) = part.calibrators
    if part.method == "sigmoid":
        return Sigmoid(form, on_log_odds, -float(calibrator.a_), -float(calibrator.b_))
    if part.method == "isotonic":
        points = through_points(calibrator.X_thresholds_, calibrator.y_thresholds_)
        return Isotonic(form, on_log_odds, points)
    if part.method == "temperature" and on_log_odds:
        return Sigmoid(form, on_log_odds, 2.0 * float(calibrator.beta_), 0.0)
    raise NotCompilable(f"calibration by {part.method} of probabilities has no compiled form")


# -- many models -----------------------------------------------------------------------------------


class Mean(OnProbability, frozen=True, eq=False):
    """The weighted mean of several models' probabilities.

    Attributes
    ----------
    members : tuple of Form
        The models.
    weights : tuple of float
        One for each; they need not add up to 1.
    """

    members: tuple[Form, ...]
    weights: tuple[float, ...]

    @property
    def whole(self) -> float:
        """The sum of the weights, added up as the members are: `sum` compensates from Python 3.12 on."""
        return reduce(add, self.weights)

    @property
    def tolerance(self) -> float:
        return max(member.tolerance for member in self.members)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        return chain.from_iterable(member.probes(schema, bases) for member in self.members)

    def emit(self, code: Code) -> str:
        return self._emit_mean(code, [member.emit(code) for member in self.members])

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        answers = [
            member.emit_probability_reasons(code, part)
            for member, part in zip(self.members, _split(reference), strict=True)
        ]
        by_field = zip(*(shares for _, shares in answers), strict=True)
        return self._emit_mean(code, [p for p, _ in answers]), [
            NOTHING if set(shares) == {NOTHING} else self._emit_mean(code, shares) for shares in by_field
        ]

    def _emit_mean(self, code: Code, numbers: Sequence[str]) -> str:
        weighted = zip(numbers, self.weights, strict=True)
        parts = [f"{number} * {code.constant(weight)}" for number, weight in weighted]
        return code.assign(f"{code.total(parts)} / {code.constant(self.whole)}")

    def batch(self, batch: Batch) -> Floats:
        total = np.zeros(len(batch))
        for member, weight in zip(self.members, self.weights, strict=True):
            total += member.batch(batch) * weight
        return total / self.whole

    def reference(self, batch: Batch) -> Floats:
        return _join([member.reference(batch) for member in self.members])


def _join(parts: Sequence[Floats]) -> Floats:
    """Put arrays one after the other, behind their number and their lengths."""
    return np.concatenate([[len(parts), *map(len, parts)], *parts])


def _split(joined: Floats) -> list[Floats]:
    n = int(joined[0])
    return np.split(joined[n + 1 :], np.cumsum(joined[1:n].astype(np.intp)))


@compiles("sklearn.VotingClassifier")
def voting_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Mean:
    """Compile the mean of the models' probabilities."""
    members = tuple(compiler.form(member, columns) for member in estimator.estimators_)
    weights = [1.0] * len(members) if estimator.weights is None else estimator._weights_not_none
    return Mean(members, tuple(map(float, weights)))


# -- what changes no probability -------------------------------------------------------------------


@compiles("sklearn.FrozenEstimator")
def frozen_estimator(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile what is frozen."""
    return compiler.compile(estimator.estimator, columns)


@compiles(
    "sklearn.GridSearchCV",
    "sklearn.HalvingGridSearchCV",
    "sklearn.HalvingRandomSearchCV",
    "sklearn.RandomizedSearchCV",
)
def search(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile the best estimator that was found."""
    return compiler.compile(estimator.best_estimator_, columns)


@compiles("sklearn.FixedThresholdClassifier", "sklearn.TunedThresholdClassifierCV")
def threshold_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the model; `decision_threshold` reads the threshold."""
    return compiler.form(estimator.estimator_, columns)


def decision_threshold(estimator: Any) -> float:
    """Find the probability above which a fitted classifier's label is its second class.

    Parameters
    ----------
    estimator : object
        A fitted classifier, pipeline or search.

    Returns
    -------
    float
        0.5, or what a classifier with a fixed or tuned threshold was given.

    Raises
    ------
    UnsupportedModel
        If the threshold is on another scale than probability.
    """
    name = class_name(type(estimator))
    if name.endswith(".Pipeline"):
        return decision_threshold(estimator.steps[-1][1])
    if name == "sklearn.FrozenEstimator":
        return decision_threshold(estimator.estimator)
    if hasattr(estimator, "best_estimator_"):
        return decision_threshold(estimator.best_estimator_)
    if name == "sklearn.FixedThresholdClassifier":
        threshold, positive = estimator.threshold, estimator.pos_label
        threshold = 0.5 if threshold == "auto" else threshold
    elif name == "sklearn.TunedThresholdClassifierCV":
        threshold, positive = estimator.best_threshold_, estimator._curve_scorer._get_pos_label()
    else:
        return 0.5
    if estimator.response_method == "decision_function":
        words = "sets its threshold on the decision function; use response_method='predict_proba'"
        raise UnsupportedModel(f"{type(estimator).__name__} {words}", type(estimator).__name__)
    if positive is not None and positive == estimator.classes_[0]:
        return 1.0 - float(threshold)
    return float(np.nextafter(threshold, -np.inf))  # scikit-learn's label is 1 on the threshold too
