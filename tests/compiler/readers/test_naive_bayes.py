"""Naive Bayes classifiers, and the classifier that always says the same."""

from __future__ import annotations

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from morosidad.compiler import compile_pipeline
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema


@pytest.mark.parametrize(
    "classifier",
    [
        GaussianNB(),
        MultinomialNB(),
        MultinomialNB(fit_prior=False, alpha=0.1),
        ComplementNB(),
        ComplementNB(norm=True),
        BernoulliNB(binarize=0.3),
        BernoulliNB(binarize=0.0, fit_prior=False),
    ],
    ids=str,
)
def test_naive_bayes_of_numbers(classifier, numbers, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), classifier), *numbers)


@pytest.mark.parametrize("binarize", [0.5, None])
def test_naive_bayes_of_categories(binarize, applicants, compiled_as_fitted):
    frame, target = applicants
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    compiled_as_fitted(make_pipeline(encoder, BernoulliNB(binarize=binarize)), frame[["empleo"]], target)


@pytest.mark.parametrize(
    "classifier",
    [
        DummyClassifier(),
        DummyClassifier(strategy="most_frequent"),
        DummyClassifier(strategy="constant", constant=1),
    ],
    ids=str,
)
def test_the_same_for_everybody(classifier, numbers, compiled_as_fitted):
    compiled_as_fitted(classifier, *numbers)


def test_drawing_lots_is_left_to_the_original(numbers):
    frame, target = numbers
    lots = DummyClassifier(strategy="stratified", random_state=0).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="stratified"):
        assert not compile_pipeline(lots, Schema.infer(frame)).compiled
