"""The first class means default: its probability is the estimator's own, one row at a time."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.versions import FixedThresholdClassifier, FrozenEstimator
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from morosidad import Policy, Scorer

POLICY = Policy(review_at=0.2, decline_at=0.8)
OUTCOMES = np.array(["aprobar", "revisar", "rechazar"])

_FORESTS = st.sampled_from(
    [
        RandomForestClassifier(10, random_state=0),
        RandomForestClassifier(7, max_depth=3, random_state=0),
        ExtraTreesClassifier(5, random_state=0),
        DecisionTreeClassifier(max_depth=4, random_state=0),
        LogisticRegression(),
    ]
)


def _wrapped(inner):
    weights = st.sampled_from([None, [2.0, 0.3]])
    return st.one_of(
        inner.map(lambda model: make_pipeline(StandardScaler(), model)),
        inner.map(lambda model: CalibratedClassifierCV(model, cv=2, method="isotonic")),
        st.tuples(inner, inner, weights).map(
            lambda drawn: VotingClassifier(
                list(zip("ab", drawn[:2], strict=True)), voting="soft", weights=drawn[2]
            )
        ),
    )


MODELS = st.recursive(_FORESTS, _wrapped, max_leaves=3)


def frame_and_labels(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 5, 150).astype(float) for name in "abc"})
    bad = frame["a"] + frame["b"] + 2.0 * rng.normal(size=150) > 4.5
    return frame, np.where(bad, "Bad", "Good")


def answers_as_the_judge(model, frame, positive):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = Scorer(model, reference=frame, positive=positive, policy=POLICY)
        rows = frame.drop_duplicates()[:60]
        place = list(model.classes_).index(positive)
        expected = np.array([model.predict_proba(rows.iloc[[i]])[0, place] for i in range(len(rows))])
        labels = model.predict(rows) == positive
    found = [scorer.score_one(record) for record in rows.to_dict("records")]
    np.testing.assert_allclose([d.probability for d in found], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scorer.score_frame(rows)["probability"], expected, rtol=0, atol=1e-12)
    assert [d.label for d in found] == labels.astype(int).tolist()
    outcomes = OUTCOMES[(expected >= 0.2).astype(int) + (expected >= 0.8)]
    assert [d.outcome for d in found] == outcomes.tolist()
    return scorer


@settings(max_examples=6, deadline=None)
@given(model=MODELS, seed=st.integers(0, 3), positive=st.sampled_from(["Bad", "Good"]))
def test_either_class_may_mean_default(model, seed, positive):
    frame, labels = frame_and_labels(seed)
    answers_as_the_judge(model.fit(frame, labels), frame, positive)


@pytest.mark.parametrize("positive", ["Bad", "Good"])
@pytest.mark.parametrize(("threshold", "of"), [(0.2, None), (0.8, None), (0.3, "Bad")])
def test_thresholds_on_either_class_and_on_a_tie(threshold, of, positive):
    frame, labels = frame_and_labels(0)
    forest = FrozenEstimator(RandomForestClassifier(10, random_state=0).fit(frame, labels))
    model = FixedThresholdClassifier(forest, threshold=threshold, pos_label=of).fit(frame, labels)
    scorer = answers_as_the_judge(model, frame, positive)
    assert scorer.plan.compiled, scorer.plan.notes


def test_a_forest_inside_a_search_is_compiled_though_its_classes_are_two_sums():
    frame, labels = frame_and_labels(0)
    search = GridSearchCV(RandomForestClassifier(10, random_state=0), {"max_depth": [2, None]}, cv=2)
    scorer = answers_as_the_judge(search.fit(frame, labels), frame, "Bad")
    assert scorer.plan.form == "Forest", scorer.plan.notes


@settings(max_examples=6, deadline=None)
@given(
    trees=st.integers(1, 8),
    groups=st.integers(2, 4),
    loss=st.sampled_from(["log_loss", "exponential"]),
    positive=st.sampled_from(["Bad", "Good"]),
    behind=st.booleans(),
)
def test_the_label_of_a_probability_of_one_half_is_that_of_boosting(trees, groups, loss, positive, behind):
    size = 2 * groups
    frame = pd.DataFrame({"a": np.repeat(np.arange(-groups, groups + 1), size).astype(float)})
    place = np.tile(np.arange(size), 2 * groups + 1)
    labels = np.where(place < groups + frame["a"], "Bad", "Good")  # half of those in the middle
    model = GradientBoostingClassifier(n_estimators=trees, max_depth=3, loss=loss, random_state=0)
    model = GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=2) if behind else model
    model.fit(frame, labels)
    scorer = answers_as_the_judge(model, frame, positive)
    halves = (model.predict_proba(frame)[:, 1] == 0.5).sum()
    if halves and positive == "Good":
        assert "exactly 0.5" in str(scorer.plan) or not scorer.plan.compiled
