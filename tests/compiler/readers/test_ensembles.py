"""Ensembles over compiled members, samplers, and classes that change nothing of what is asked."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from compiler.columns import logistic
from compiler.versions import SKLEARN
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import check_compiled
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.registry import Compiler
from morosidad.errors import UnsupportedModel
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "atrasos"]


class Renamed(LogisticRegression):
    """A subclass that only has a default of its own."""

    def __init__(self, C=0.2, max_iter=500):
        super().__init__(C=C, max_iter=max_iter)

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)


class FewVectors(SVC):
    """A subclass of a class with abstract methods, of which Python keeps a note in the subclass."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X[:60], y[:60])


class FewRows(StandardScaler):
    """A subclass of a transformer, of which scikit-learn keeps a note."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X[:60])


class Halved(LogisticRegression):
    """A subclass that answers otherwise."""

    def predict_proba(self, X):
        found = super().predict_proba(X)[:, 1] / 2
        return np.column_stack([1 - found, found])


def checked(model, frame, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
    return check_compiled(model, frame)


def scaled():
    return make_pipeline(StandardScaler(), LogisticRegression())


def few():
    return RandomForestClassifier(4, max_depth=3, random_state=0)


MODELS = {
    "bagging": BaggingClassifier(scaled(), 3, random_state=0),
    "bagging of few columns": BaggingClassifier(scaled(), 4, max_features=2, random_state=0),
    "bagging of trees": BaggingClassifier(DecisionTreeClassifier(max_depth=3), 3, random_state=0),
    "adaboost": AdaBoostClassifier(n_estimators=8, random_state=0),
    "adaboost of deeper trees": AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4),
    "stacking": StackingClassifier([("a", scaled()), ("b", few())], cv=2),
    "stacking passed through": StackingClassifier(
        [("a", few()), ("b", logistic())], passthrough=True, cv=2, final_estimator=logistic()
    ),
    "stacking of margins": StackingClassifier(
        [("a", scaled()), ("b", few())], stack_method="auto", cv=2, final_estimator=LogisticRegression()
    ),
    "stacking of decision functions": StackingClassifier(
        [("a", logistic()), ("b", AdaBoostClassifier(n_estimators=3))], stack_method="decision_function", cv=2
    ),
    "one against the rest": OneVsRestClassifier(scaled()),
    "self-training": SelfTrainingClassifier(scaled()),
    "voting of ensembles": VotingClassifier(
        [("a", BaggingClassifier(logistic(), 2)), ("b", AdaBoostClassifier(n_estimators=3))], voting="soft"
    ),
    "boosting from a model": GradientBoostingClassifier(
        n_estimators=4, max_depth=2, init=make_pipeline(StandardScaler(), LogisticRegression())
    ),
    "calibrated adaboost": CalibratedClassifierCV(AdaBoostClassifier(n_estimators=4), cv=2),
    "calibrated bagging": CalibratedClassifierCV(BaggingClassifier(few(), 2), method="isotonic", cv=2),
    "subclass": make_pipeline(StandardScaler(), Renamed()),
    "subclass of a transformer": make_pipeline(FewRows(), LogisticRegression()),
    "subclass of an abstract class": make_pipeline(
        StandardScaler(), CalibratedClassifierCV(FewVectors(), cv=2)
    ),
}
if SKLEARN >= (1, 8):
    MODELS["calibrated stacking"] = CalibratedClassifierCV(
        StackingClassifier([("a", logistic())], logistic(), cv=2), method="temperature", cv=2
    )


@pytest.mark.parametrize("name", MODELS)
def test_ensembles(name, applicants):
    frame, target = applicants
    checked(MODELS[name], frame[NUMBERS], target)


@pytest.mark.parametrize("name", ["bagging of few columns", "stacking passed through", "adaboost"])
def test_ensembles_whose_first_class_means_default(name, applicants):
    frame, target = applicants
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MODELS[name].fit(frame[NUMBERS], np.where(target == 1, "malo", "normal"))
    check_compiled(model, frame[NUMBERS], positive="malo")


def test_the_mean_of_log_odds_that_adaboost_was_by_default(applicants):
    frame, target = applicants
    X = frame[["edad", "ingresos", "atrasos"]]
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated where it is the default
        model.fit(X, target)
    model.algorithm = "SAMME.R"  # as older versions of scikit-learn call it
    model.estimator_weights_ = np.ones(len(model.estimators_))
    form = Compiler(Schema.infer(X)).form(model, [Raw(i) for i in range(3)])
    least = np.finfo(float).eps
    odds = [np.log(np.maximum(tree.predict_proba(X.to_numpy()), least)) for tree in model.estimators_]
    expected = np.mean([each[:, 1] - each[:, 0] for each in odds], axis=0)
    table = np.ascontiguousarray(X.to_numpy(float).T)
    np.testing.assert_allclose(form.walker.totals(table), expected, rtol=0, atol=1e-12)


def test_samplers_do_nothing_when_asked(applicants):
    frame, target = applicants
    over = pytest.importorskip("imblearn.over_sampling")
    from imblearn.pipeline import make_pipeline as with_samplers

    model = with_samplers(StandardScaler(), over.SMOTE(k_neighbors=2, random_state=0), LogisticRegression())
    checked(model, frame[NUMBERS], target)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("BalancedRandomForestClassifier", {"n_estimators": 4, "max_depth": 3}),
        ("BalancedBaggingClassifier", {"n_estimators": 3}),
        ("EasyEnsembleClassifier", {"n_estimators": 2}),
        ("RUSBoostClassifier", {"n_estimators": 4}),
    ],
)
def test_ensembles_of_imbalanced_learn(name, settings, applicants):
    frame, target = applicants
    ensemble = pytest.importorskip("imblearn.ensemble")
    checked(getattr(ensemble, name)(random_state=0, **settings), frame[NUMBERS], target)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Halved(), "Halved has no compiled form"),
        (AdaBoostClassifier(LogisticRegression(), n_estimators=2), "other models than trees"),
        (
            StackingClassifier([("a", logistic())], HistGradientBoostingClassifier(max_iter=2), cv=2),
            "final_estimator=HistGradientBoostingClassifier",
        ),
        (StackingClassifier([("a", logistic())], stack_method="predict", cv=2), "stack_method='predict'"),
        (GradientBoostingClassifier(init=few(), n_estimators=2), "such a model"),
    ],
)
def test_what_is_left_to_the_original(model, reason, applicants):
    frame, target = applicants
    with pytest.raises(UnsupportedModel, match=reason):
        checked(model, frame[NUMBERS], target)
