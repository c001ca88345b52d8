"""Transformers that compare a record with points, and polynomials."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import Birch, BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA, KernelPCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.kernel_approximation import Nystroem, RBFSampler, SkewedChi2Sampler
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.errors import NotCompiledWarning
from morosidad.schema.schema import Schema

STEPS = [
    Nystroem(n_components=6, random_state=0),
    Nystroem(kernel="poly", degree=2, coef0=1.0, gamma=0.3, n_components=6, random_state=0),
    Nystroem(kernel="sigmoid", n_components=6, random_state=0),
    Nystroem(kernel="laplacian", gamma=0.2, n_components=6, random_state=0),
    Nystroem(kernel="linear", n_components=3, random_state=0),
    RBFSampler(n_components=8, random_state=0),
    SkewedChi2Sampler(n_components=8, skewedness=0.5, random_state=0),
    KernelPCA(2, kernel="rbf"),
    KernelPCA(2),
    KMeans(3, random_state=0),
    MiniBatchKMeans(3, random_state=0),
    BisectingKMeans(3, random_state=0),
    Birch(n_clusters=2),
    TfidfTransformer(),
    TfidfTransformer(use_idf=False, norm="l1"),
    TfidfTransformer(norm=None),
    BernoulliRBM(3, n_iter=2, random_state=0),
    Normalizer(),
    Normalizer("l1"),
    Normalizer("max"),
    PolynomialFeatures(2),
    PolynomialFeatures((2, 3), interaction_only=True, include_bias=False),
]


def scaled():
    return MinMaxScaler(clip=True)  # cosines of huge numbers differ between one row and many


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_before_a_sum(step, numbers, compiled_as_fitted):
    compiled_as_fitted(make_pipeline(scaled(), step, LogisticRegression()), *numbers)


@pytest.mark.parametrize("step", [KMeans(3, random_state=0), PolynomialFeatures(2)], ids=str)
def test_a_step_before_trees(step, numbers, compiled_as_fitted):
    trees = DecisionTreeClassifier(max_depth=4, random_state=0)
    compiled_as_fitted(make_pipeline(scaled(), step, trees), *numbers)


def test_steps_stand_beside_and_behind_each_other(numbers, compiled_as_fitted):
    beside = make_union(PCA(2), "passthrough", KMeans(2, random_state=0))
    compiled_as_fitted(make_pipeline(scaled(), beside, LogisticRegression()), *numbers)
    behind = make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), PCA(3))
    compiled_as_fitted(make_pipeline(behind, scaled(), KMeans(2), LogisticRegression()), *numbers)


def test_a_column_given_twice(numbers, compiled_as_fitted):
    twice = make_union("passthrough", "passthrough")
    pipeline = make_pipeline(scaled(), twice, DecisionTreeClassifier(max_depth=3, random_state=0))
    compiled_as_fitted(pipeline, *numbers)


@pytest.mark.parametrize(
    "step",
    [
        Nystroem(kernel=lambda a, b: float(a @ b), n_components=3),
        KernelPCA(2, kernel="cosine"),
        Nystroem(kernel="chi2", n_components=3),
        TfidfTransformer(sublinear_tf=True),
    ],
    ids=["own function", "cosine", "chi2", "sublinear"],
)
def test_another_kernel_is_left_to_the_original(step, numbers):
    frame, target = numbers
    pipeline = make_pipeline(scaled(), step, LogisticRegression()).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="has no compiled form"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled


def test_numbers_below_a_logarithm_are_refused(numbers):
    frame, target = numbers
    step = SkewedChi2Sampler(n_components=4, skewedness=2.0, random_state=0)
    pipeline = make_pipeline(step, LogisticRegression()).fit(frame, np.asarray(target))
    compiled = compile_pipeline(pipeline, Schema.infer(frame))
    assert all(field.interval[0] >= -2.0 for field in compiled.schema.fields if compiled.compiled)
