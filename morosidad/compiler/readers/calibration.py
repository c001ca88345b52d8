"""Readers of calibration, soft voting, frozen models, searches and tuned thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from morosidad.compiler.forms.calibrated import Isotonic, Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.dense.coupled import Coupled, coupled_sigmoid
from morosidad.compiler.forms.form import Form, OnLogOdds
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.forms.pooled import LogOddsSum
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.float_order import last_true
from morosidad.compiler.readers.dense.classifiers import platt
from morosidad.compiler.readers.splines import through_points
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, class_name, compiles
from morosidad.errors import UnsupportedModel


@compiles("sklearn.CalibratedClassifierCV", of_default=True)
def calibrated_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the calibrated models, and their mean where there are several."""
    forms = [_calibrated(part, columns, compiler) for part in estimator.calibrated_classifiers_]
    if compiler.default == 0:  # scikit-learn takes 1 less the second class's probability, then the mean
        forms = [Complement(form) for form in forms]
    return forms[0] if len(forms) == 1 else Mean(tuple(forms), (1.0,) * len(forms))


def _calibrated(part: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile one calibrated model, as the probability of the second class."""
    form = compiler.second_class(part.estimator, columns)
    on_log_odds = hasattr(part.estimator, "decision_function")
    form = decision_of(form) if on_log_odds else form
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


def decision_of(form: Form) -> Form:
    """Give the form of a classifier's decision function: that of support vectors, without its sigmoid."""
    return form.of.of if isinstance(form, Coupled) and isinstance(form.of, Sigmoid) else form


@compiles("sklearn.VotingClassifier", of_default=True)
def voting_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Mean:
    """Compile the mean of the models' probabilities."""
    members = tuple(compiler.form(member, columns) for member in estimator.estimators_)
    weights = [1.0] * len(members) if estimator.weights is None else estimator._weights_not_none
    return Mean(members, tuple(map(float, weights)))


@compiles("morosidad.LogOddsPool")
def log_odds_pool(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> LogOddsSum:
    """Compile the weighted sum of the models' log-odds."""
    members: list[OnLogOdds] = []
    for member in estimator.members_:
        form = compiler.form(member, columns)
        if not isinstance(form, OnLogOdds):
            raise NotCompilable(f"the decision function of {type(member).__name__} has no compiled form")
        members.append(form)
    return LogOddsSum(tuple(members), tuple(map(float, estimator.weights)), float(estimator.intercept))


# -- what changes no probability -------------------------------------------------------------------


@compiles("sklearn.FrozenEstimator", of_default=True)
def frozen_estimator(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile what is frozen."""
    return compiler.compile(estimator.estimator, columns)


@compiles(
    "sklearn.GridSearchCV",
    "sklearn.HalvingGridSearchCV",
    "sklearn.HalvingRandomSearchCV",
    "sklearn.RandomizedSearchCV",
    of_default=True,
)
def search(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile the best estimator that was found."""
    return compiler.compile(estimator.best_estimator_, columns)


@compiles("sklearn.FixedThresholdClassifier", "sklearn.TunedThresholdClassifierCV", of_default=True)
def threshold_classifier(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the model; `decision_threshold` reads the threshold."""
    return compiler.form(estimator.estimator_, columns)


def decision_threshold(estimator: Any, default: int = 1) -> float:
    """Find the probability of default above which a fitted classifier's label is that of default.

    Parameters
    ----------
    estimator : object
        A fitted classifier, pipeline or search.
    default : {0, 1}
        The place of the class that means default among the estimator's two.

    Returns
    -------
    float
        0.5, or what a classifier with a fixed or tuned threshold was given, or just below where a
        probability on it has the label of default. Where it was given for the other class, it is exact
        if that class's probability is 1 less that of default.

    Raises
    ------
    UnsupportedModel
        If the threshold is on another scale than probability.
    """
    fixed = fixed_threshold(estimator)
    turn = _where_decision_turns(estimator)
    if fixed is None and turn is not None:
        return turn if default == 1 else 1.0 - turn
    if fixed is None:
        return 0.5 if default != _on_a_tie(estimator) else math.nextafter(0.5, -math.inf)
    threshold, place = fixed
    if place == default:
        return math.nextafter(threshold, -math.inf)  # the label is this class on the threshold too
    if default == 0:
        return 1.0 - threshold
    return float(last_true(lambda values: 1.0 - values >= threshold, 1)[0])


def _where_decision_turns(estimator: Any) -> float | None:
    """Give the probability at which support vectors' labels turn: where the decision function is 0."""
    estimator = _classifier(estimator)
    if class_name(type(estimator)) not in ("sklearn.SVC", "sklearn.NuSVC") or not len(estimator._probA):
        return None
    return coupled_sigmoid(platt(estimator)[1])


def fixed_threshold(estimator: Any) -> tuple[float, int] | None:
    """Give the threshold that a fitted classifier was given, where it was.

    Parameters
    ----------
    estimator : object
        A fitted classifier, pipeline or search.

    Returns
    -------
    threshold : float
        A probability.
    place : {0, 1}
        The label is the class at this place if its probability is at least the threshold.

    Raises
    ------
    UnsupportedModel
        If it is on another scale than probability.
    """
    estimator = _classifier(estimator)
    name = class_name(type(estimator))
    if name == "sklearn.FixedThresholdClassifier":
        threshold, positive = estimator.threshold, estimator.pos_label
        threshold = 0.5 if threshold == "auto" else threshold
    elif name == "sklearn.TunedThresholdClassifierCV":
        threshold, positive = estimator.best_threshold_, estimator._curve_scorer._get_pos_label()
    else:
        return None
    if estimator.response_method == "decision_function":
        words = "sets its threshold on the decision function; use response_method='predict_proba'"
        raise UnsupportedModel(f"{type(estimator).__name__} {words}", type(estimator).__name__)
    return float(threshold), int(positive is None or positive != estimator.classes_[0])


def _on_a_tie(estimator: Any) -> int:
    """Give the place of the class that is the label where both are as probable: mostly the first."""
    return int(class_name(type(_classifier(estimator))) == "sklearn.GradientBoostingClassifier")


def _classifier(estimator: Any) -> Any:
    """Give what classifies: the last step of a pipeline, what is frozen, the best of a search."""
    name = class_name(type(estimator))
    if name.endswith(".Pipeline"):
        return _classifier(estimator.steps[-1][1])
    if name == "sklearn.FrozenEstimator":
        return _classifier(estimator.estimator)
    return _classifier(estimator.best_estimator_) if hasattr(estimator, "best_estimator_") else estimator
