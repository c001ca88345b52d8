"""A scorer where scikit-learn expects a fitted classifier, beside the pipeline that it came from."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiler.versions import FrozenEstimator, TunedThresholdClassifierCV, calibration_of
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibrationDisplay
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, get_scorer
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.utils.validation import check_is_fitted

from morosidad import Scorer
from support import small_frame, small_pipeline

Case = tuple[Scorer, Any, pd.DataFrame, Any]


@pytest.fixture(scope="module", params=["numbers", "texts", "texts, default first"])
def case(request: pytest.FixtureRequest) -> Case:
    X, y = small_frame()
    positive = None
    if request.param != "numbers":
        labels = ("paga", "mora") if request.param == "texts" else ("zeta", "arrears")
        y, positive = np.where(y == 1, labels[1], labels[0]), labels[1]
    pipeline = small_pipeline(X, y)
    return Scorer(pipeline, reference=X, positive=positive), pipeline, X, y


def test_it_is_a_fitted_classifier_with_the_originals_attributes(case: Case) -> None:
    scorer, pipeline, X, y = case
    check_is_fitted(scorer)
    assert is_classifier(scorer)
    assert scorer.classes_.tolist() == pipeline.classes_.tolist()
    assert scorer.classes_.dtype.kind == pipeline.classes_.dtype.kind
    assert scorer.n_features_in_ == pipeline.n_features_in_
    assert scorer.feature_names_in_.tolist() == pipeline.feature_names_in_.tolist()
    assert scorer.score(X, y) == pipeline.score(X, y)
    weights = np.arange(len(X))
    assert scorer.score(X, y, weights) == pipeline.score(X, y, sample_weight=weights)


def test_metrics_of_scikit_learn_ask_it_as_they_ask_the_pipeline(case: Case) -> None:
    scorer, pipeline, X, y = case
    for name in ("roc_auc", "neg_log_loss", "accuracy", "average_precision"):
        if name == "average_precision" and y.dtype.kind != "i":
            continue  # it wants to be told the positive label
        metric = get_scorer(name)
        assert metric(scorer, X, y) == pytest.approx(metric(pipeline, X, y), abs=1e-12), name


def test_a_clone_is_the_scorer_itself_and_cross_validation_measures_it_on_each_part(case: Case) -> None:
    scorer, pipeline, X, y = case
    assert clone(scorer) is scorer
    frozen = cross_val_score(FrozenEstimator(pipeline), X, y, scoring="roc_auc")
    np.testing.assert_allclose(cross_val_score(scorer, X, y, scoring="roc_auc"), frozen, atol=1e-12)
    found = cross_val_predict(scorer, X, y, method="predict_proba")
    np.testing.assert_allclose(found, pipeline.predict_proba(X), atol=1e-12)


def test_inspection_gives_what_it_gives_for_the_pipeline(case: Case) -> None:
    scorer, pipeline, X, y = case
    ours, theirs = (
        permutation_importance(each, X, y, n_repeats=2, random_state=0) for each in (scorer, pipeline)
    )
    np.testing.assert_allclose(ours.importances, theirs.importances, atol=1e-12)
    X = X.dropna()
    ours, theirs = (partial_dependence(each, X, ["ingresos"])["average"] for each in (scorer, pipeline))
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    ours, theirs = (
        partial_dependence(each, X, ["empleo"], categorical_features=["empleo"])["average"]
        for each in (scorer, pipeline)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_displays_draw_it(case: Case) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    scorer, pipeline, X, y = case
    positive = scorer.classes_[1]
    ours, theirs = (
        RocCurveDisplay.from_estimator(each, X, y, pos_label=positive) for each in (scorer, pipeline)
    )
    np.testing.assert_array_equal(ours.tpr, theirs.tpr)
    drawn, expected = (
        CalibrationDisplay.from_estimator(each, X, y, pos_label=positive) for each in (scorer, pipeline)
    )
    np.testing.assert_allclose(drawn.prob_true, expected.prob_true, atol=1e-12)


def test_the_boundary_between_two_numbers_is_drawn() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    y = (X["a"] + rng.normal(size=200) > 0).astype(int)
    pipeline = LogisticRegression().fit(X, y)
    drawn = [
        DecisionBoundaryDisplay.from_estimator(each, X, grid_resolution=12, response_method="predict_proba")
        for each in (Scorer(pipeline, reference=X), pipeline)
    ]
    np.testing.assert_allclose(drawn[0].response, drawn[1].response, atol=1e-12)


def test_ensembles_and_calibration_hold_it_as_a_fitted_model(case: Case) -> None:
    scorer, pipeline, X, y = case
    calibrated = calibration_of(scorer).fit(X, y)  # by probability: no log-odds here
    before, after = scorer.predict_proba(X)[:, 1], calibrated.predict_proba(X)[:, 1]
    assert (np.diff(after[np.argsort(before)]) >= -1e-12).all()
    made = [
        lambda each: VotingClassifier([("a", each), ("b", each)], voting="soft"),
        lambda each: StackingClassifier([("a", each)], cv="prefit"),
        lambda each: TunedThresholdClassifierCV(each, cv="prefit", refit=False),
    ]
    for make in made[: 3 if y.dtype.kind == "i" else 2]:
        ours, theirs = make(scorer).fit(X, y), make(FrozenEstimator(pipeline)).fit(X, y)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)


def test_fit_changes_nothing_and_there_is_nothing_to_set(case: Case) -> None:
    scorer, _, X, y = case
    before = scorer.digest
    assert scorer.fit(X, y, sample_weight=None) is scorer
    assert scorer.digest == before
    assert scorer.get_params() == {}
    assert scorer.set_params() is scorer
    with pytest.raises(ValueError, match="no parameters to set: C"):
        scorer.set_params(C=1.0)


def test_columns_without_names_have_none_here_either() -> None:
    X, y = small_frame()
    numbers = X[["ingresos", "moras"]].fillna(0.0).to_numpy()
    scorer = Scorer(LogisticRegression(max_iter=1000).fit(numbers, y), reference=numbers)
    assert scorer.n_features_in_ == 2
    assert not hasattr(scorer, "feature_names_in_")
    assert cross_val_score(scorer, numbers, y, cv=3).shape == (3,)
    assert scorer.score(numbers, y) > 0.5


def test_a_model_file_answers_scikit_learn_too() -> None:
    scorer = Scorer.default()
    assert scorer.classes_.tolist() == [0, 1]
    assert scorer.n_features_in_ == len(scorer.feature_names_in_)
    assert set(scorer.feature_names_in_) <= set(scorer.schema.names)


def test_its_attributes_load_no_scikit_learn() -> None:
    code = (
        "import sys; from morosidad import Scorer; s = Scorer.default(); "
        "s.classes_, s.n_features_in_, s.feature_names_in_, s.get_params(), s.fit(None); "
        "assert 'sklearn' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
