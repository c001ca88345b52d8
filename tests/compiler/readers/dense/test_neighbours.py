"""Classifiers and transformers that look at fitted rows near a record."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid, RadiusNeighborsClassifier, RadiusNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from morosidad.compiler import compile_pipeline
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.dense.network import Network
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema


@pytest.mark.parametrize(
    "classifier",
    [
        RadiusNeighborsClassifier(1.3),
        RadiusNeighborsClassifier(1.3, algorithm="ball_tree"),
        RadiusNeighborsClassifier(1.3, algorithm="brute"),
        RadiusNeighborsClassifier(10.0),
        LabelPropagation(gamma=5.0),
        LabelSpreading(gamma=5.0, alpha=0.3),
    ],
    ids=str,
)
def test_a_classifier_of_near_rows(classifier, numbers, compiled_as_fitted):
    compiled = compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), classifier), *numbers)
    assert isinstance(compiled.form, Network)


def test_a_label_that_is_not_known_is_learnt_from_near_rows(numbers, compiled_as_fitted):
    frame, target = numbers
    partly = np.where(np.arange(len(target)) % 3 == 0, -1, target)
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), LabelSpreading(gamma=5.0)), frame, partly)


def test_a_record_without_neighbours_has_no_answer(numbers):
    frame, target = numbers
    pipeline = make_pipeline(StandardScaler(), RadiusNeighborsClassifier(2.0)).fit(frame, target)
    compiled = compile_pipeline(pipeline, Schema.infer(frame))
    assert compiled.compiled
    assert np.isnan(compiled.predict_one((1e6, 1e9, 1e6)))
    with pytest.raises(ValueError, match="No neighbors"):
        pipeline.predict_proba(frame[:1] * 1e6)


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_columns_of_near_rows(mode, numbers, compiled_as_fitted):
    step = RadiusNeighborsTransformer(mode=mode, radius=0.3)
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), step, LogisticRegression()), *numbers)


with_probabilities = pytest.mark.skipif(
    not hasattr(NearestCentroid, "predict_proba"), reason="this scikit-learn gives no probabilities of it"
)


@with_probabilities
@pytest.mark.parametrize("shrink", [None, 0.1])
def test_the_nearest_centroid_is_a_sum(shrink, numbers, compiled_as_fitted):
    classifier = NearestCentroid(shrink_threshold=shrink, priors=[0.4, 0.6])
    compiled = compiled_as_fitted(make_pipeline(MinMaxScaler(), classifier), *numbers)
    assert isinstance(compiled.form, Additive)


@pytest.mark.parametrize(
    "classifier",
    [
        RadiusNeighborsClassifier(1.0, weights="distance"),
        RadiusNeighborsClassifier(1.0, outlier_label=0),
        RadiusNeighborsClassifier(1.0, metric="manhattan"),
        LabelPropagation(kernel="knn"),
        pytest.param(NearestCentroid(), marks=with_probabilities, id="NearestCentroid()"),
    ],
    ids=str,
)
def test_other_settings_are_left_to_the_original(classifier, numbers):
    frame, target = numbers
    pipeline = make_pipeline(MinMaxScaler(clip=True), classifier).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="has no compiled form"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled
