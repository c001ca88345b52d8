"""Classifiers whose log-odds are no sum over the columns."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from compiler.conftest import rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, NuSVC

from morosidad.compiler import compile_pipeline
from morosidad.compiler.forms.dense.coupled import coupled, coupled_sigmoid
from morosidad.compiler.forms.dense.network import Network
from morosidad.errors import NotCompiledWarning
from morosidad.preprocessor import Preprocessor
from morosidad.schema.schema import Schema


def perceptron(activation="relu", sizes=(6,)):
    return MLPClassifier(sizes, activation=activation, max_iter=15, random_state=0)


CLASSIFIERS = [
    *(perceptron(name) for name in ("relu", "tanh", "logistic", "identity")),
    perceptron(sizes=(5, 4)),
    QuadraticDiscriminantAnalysis(reg_param=0.1),
]


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)
def test_a_classifier_alone_and_behind_a_projection(classifier, numbers, compiled_as_fitted):
    alone = compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), classifier), *numbers)
    assert isinstance(alone.form, Network)
    behind = compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), PCA(2), classifier), *numbers)
    assert isinstance(behind.form, Network)
    assert len(behind.form.columns) == 3  # contributions are those of what goes into the projection


def test_categories_go_into_a_network(applicants, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(Preprocessor(Schema.infer(applicants[0])), perceptron()), *applicants)


@pytest.mark.parametrize(
    "around",
    [
        CalibratedClassifierCV(perceptron(), cv=2),
        VotingClassifier([("a", perceptron()), ("b", GaussianNB())], voting="soft"),
        StackingClassifier([("a", perceptron()), ("b", GaussianNB())], cv=2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_networks_are_members_of_others(around, numbers, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), around), *numbers)


def test_passed_columns_of_a_stack_behind_a_kernel_are_left_to_the_original(numbers):
    from sklearn.cluster import KMeans

    frame, target = numbers
    stack = StackingClassifier([("a", LogisticRegression())], passthrough=True, cv=2)
    pipeline = make_pipeline(StandardScaler(), KMeans(2, n_init=1), stack).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="passthrough=True"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled


def late(frame):
    """Give a target that can be learnt, but for some."""
    return ((frame["atrasos"] + frame["edad"] / 30 > 2.7) ^ (np.arange(len(frame)) % 9 == 0)).astype(int)


def machine(kind=SVC, **settings):
    return kind(probability=True, random_state=0, **settings)


@pytest.mark.parametrize(
    "classifier",
    [
        machine(),
        machine(NuSVC, nu=0.3),
        machine(kernel="poly", degree=2, coef0=1.0),
        machine(kernel="linear"),
    ],
    ids=str,
)
def test_support_vectors_give_libsvm_s_probabilities_and_labels(classifier, numbers, compiled_as_fitted):
    frame, _ = numbers
    target = late(frame)
    pipeline = make_pipeline(MinMaxScaler(clip=True), classifier)
    compiled = compiled_as_fitted(pipeline, frame, target)
    found = compiled.predict_one
    rows = rows_of(compiled.schema, frame)
    labels = np.array([found(row) > compiled.threshold for row in rows])
    assert labels.tolist() == (pipeline.predict(frame) == 1).tolist()


def test_support_vectors_inside_a_calibration(numbers, compiled_as_fitted):
    frame, _ = numbers
    for member in (SVC(), machine()):
        around = CalibratedClassifierCV(member, cv=2)
        compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), around), frame, late(frame))


def test_probabilities_that_fall_with_the_score_are_left_to_the_original(numbers):
    frame, _ = numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn is to drop the option
        pipeline = make_pipeline(MinMaxScaler(), machine()).fit(frame, late(frame))
    pipeline[-1]._probA = -pipeline[-1]._probA
    with pytest.warns(NotCompiledWarning, match="falls with its score"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled


@settings(max_examples=60, deadline=None)
@given(first=st.floats(1e-7, 1 - 1e-7))
def test_the_coupling_of_one_pair_ends_near_it(first):
    assert coupled(first) == pytest.approx(1.0 - first, abs=0.006)


def test_no_score_has_no_probability():
    assert np.isnan(coupled_sigmoid(np.nan))
    assert coupled_sigmoid(-1e6) < 1e-3 < 0.999 < coupled_sigmoid(1e6)
