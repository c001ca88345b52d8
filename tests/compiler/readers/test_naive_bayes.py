"""Naive Bayes classifiers, and the classifier that always says the same."""

from __future__ import annotations

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder

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


@pytest.mark.parametrize("unknown", ["error", "use_encoded_value"])
def test_naive_bayes_of_codes(unknown, applicants, compiled_as_fitted):
    frame, target = applicants
    settings = {} if unknown == "error" else {"handle_unknown": unknown, "unknown_value": 40}
    encoder = OrdinalEncoder(**settings)
    classifier = CategoricalNB(min_categories=41) if settings else CategoricalNB()
    compiled_as_fitted(make_pipeline(encoder, classifier), frame[["empleo"]], target)


def test_whole_numbers_are_codes(numbers, compiled_as_fitted):
    frame, target = numbers
    compiled = compiled_as_fitted(CategoricalNB(), frame[["atrasos"]], target)
    highest = int(frame["atrasos"].max())
    assert compiled.schema.fields[0].categories == tuple(range(highest + 1))


def test_fractions_that_nobody_encodes_are_left_to_the_original(numbers):
    frame, target = numbers
    counts = CategoricalNB().fit(frame[["atrasos"]] / 2.0, target)
    with pytest.warns(NotCompiledWarning, match="no encoder gives"):
        assert not compile_pipeline(counts, Schema.infer(frame[["atrasos"]] / 2.0)).compiled


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
