"""Sparse codes, sketches and waves, in front of a sum and of trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import DictionaryLearning, MiniBatchDictionaryLearning, SparseCoder
from sklearn.kernel_approximation import AdditiveChi2Sampler, PolynomialCountSketch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema

ATOMS = np.array([[1.0, 0.2, 0.1], [0.1, 1.0, 0.3], [0.5, 0.2, 1.3], [0.4, 0.3, 0.8]])
STEPS = [
    DictionaryLearning(2, max_iter=3, random_state=0),
    MiniBatchDictionaryLearning(2, max_iter=3, random_state=0),
    SparseCoder(ATOMS),
    SparseCoder(ATOMS, transform_n_nonzero_coefs=2),
    SparseCoder(ATOMS, transform_algorithm="threshold", transform_alpha=0.3),
    PolynomialCountSketch(n_components=7, random_state=0),
    PolynomialCountSketch(gamma=0.3, coef0=1.5, degree=3, n_components=6, random_state=0),
    AdditiveChi2Sampler(),
    AdditiveChi2Sampler(sample_steps=3, sample_interval=0.3),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{type(step).__name__}")
def test_a_step_before_a_sum(step, numbers, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), step, LogisticRegression()), *numbers)


@pytest.mark.parametrize("step", [SparseCoder(ATOMS), AdditiveChi2Sampler()], ids=lambda s: type(s).__name__)
def test_a_step_before_trees(step, numbers, compiled_as_fitted):
    trees = DecisionTreeClassifier(max_depth=3, random_state=0)
    compiled_as_fitted(make_pipeline(MinMaxScaler(clip=True), step, trees), *numbers)


def test_each_wave_is_of_its_own_field(numbers, compiled_as_fitted):
    pipeline = make_pipeline(MinMaxScaler(clip=True), AdditiveChi2Sampler(), LogisticRegression())
    compiled = compiled_as_fitted(pipeline, *numbers)
    assert not compiled.form.shares_equally


def test_numbers_below_zero_are_refused_by_waves(numbers):
    frame, target = numbers
    pipeline = make_pipeline(AdditiveChi2Sampler(), LogisticRegression(max_iter=5000)).fit(frame, target)
    compiled = compile_pipeline(pipeline, Schema.infer(frame))
    assert compiled.compiled
    assert all(field.interval[0] >= 0.0 for field in compiled.schema.fields)


@pytest.mark.parametrize(
    "step",
    [
        SparseCoder(ATOMS, transform_algorithm="lasso_cd"),
        SparseCoder(ATOMS, split_sign=True),
        SparseCoder(ATOMS, transform_algorithm="threshold", positive_code=True),
    ],
    ids=["lasso", "split", "positive"],
)
def test_other_codes_are_left_to_the_original(step, numbers):
    frame, target = numbers
    pipeline = make_pipeline(StandardScaler(), step, LogisticRegression()).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="has no compiled form"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled
