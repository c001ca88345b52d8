"""Readers of calibration, soft voting, frozen models, searches and tuned thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.calibrated import Isotonic, Sigmoid
from morosidad.compiler.forms.form import Form, OnLogOdds
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.readers.splines import through_points
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, class_name, compiles
from morosidad.errors import UnsupportedModel


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
