"""Transformers that multiply with a matrix, in front of a sum and of trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import FeatureAgglomeration
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.compiler.forms.additive import Additive
from morosidad.errors import NotCompiledWarning
from morosidad.preprocessor import Preprocessor
from morosidad.schema.schema import Schema

PROJECTIONS = [
    PCA(3),
    PCA(2, whiten=True),
    IncrementalPCA(2),
    TruncatedSVD(2),
    FactorAnalysis(2),
    FastICA(2, random_state=0),
    GaussianRandomProjection(3, random_state=0),
    SparseRandomProjection(3, random_state=0),
    FeatureAgglomeration(3),
    NeighborhoodComponentsAnalysis(2, max_iter=3, random_state=0),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=str)
def test_a_projection_before_a_sum_is_multiplied_out(projection, numbers, compiled_as_fitted):
    pipeline = make_pipeline(StandardScaler(), projection, LogisticRegression())
    compiled = compiled_as_fitted(pipeline, *numbers)
    assert isinstance(compiled.form, Additive)
    assert all(term.own_fields or term.parts() for term in compiled.form.terms)
    assert len(compiled.form.terms) == 3


@pytest.mark.parametrize("projection", [PCA(2), LinearDiscriminantAnalysis()], ids=str)
def test_a_projection_before_trees_is_one_product(projection, numbers, compiled_as_fitted):
    trees = DecisionTreeClassifier(max_depth=4, random_state=0)
    compiled_as_fitted(make_pipeline(StandardScaler(), projection, trees), *numbers)


def test_categories_and_other_columns_go_through_a_projection(applicants, compiled_as_fitted):
    schema = Schema.infer(applicants[0])
    both = make_union(PCA(4), "passthrough")
    pipeline = make_pipeline(Preprocessor(schema), both, PCA(3), LogisticRegression())
    assert isinstance(compiled_as_fitted(pipeline, *applicants).form, Additive)


def test_a_column_that_may_be_missing_becomes_required(applicants):
    frame, target = applicants
    given = frame[["edad", "deuda"]].dropna()
    pipeline = make_pipeline(StandardScaler(), PCA(1), LogisticRegression())
    pipeline.fit(given, target[given.index])
    schema = Schema.infer(frame[["edad", "deuda"]])
    assert not schema.fields[1].required
    compiled = compile_pipeline(pipeline, schema)
    assert compiled.compiled
    assert compiled.schema.fields[1].required


def test_another_pooling_function_is_left_to_the_original(numbers):
    frame, target = numbers
    pipeline = make_pipeline(FeatureAgglomeration(2, pooling_func=np.max), LogisticRegression())
    pipeline.fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="pooling_func"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled


def test_too_many_steps_are_left_to_the_original(numbers):
    frame, target = numbers
    turns = [PCA(3, random_state=0) for _ in range(25)]
    pipeline = make_pipeline(StandardScaler(), *turns, LogisticRegression()).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match="more than 20 dense steps"):
        assert not compile_pipeline(pipeline, Schema.infer(frame)).compiled


@pytest.mark.parametrize(
    "step",
    [TruncatedSVD(2), SparseRandomProjection(3, random_state=0), Normalizer(), PolynomialFeatures(2)],
    ids=str,
)
def test_zeros_of_a_sparse_matrix_are_missing_to_xgboost_and_those_of_a_dense_one_are_not(
    step, applicants, compiled_as_fitted
):
    xgboost = pytest.importorskip("xgboost")
    frame, target = applicants
    encoder = OneHotEncoder(handle_unknown="ignore")  # gives a sparse matrix
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=2)
    compiled_as_fitted(make_pipeline(encoder, step, model), frame[["empleo"]], target, tolerance=1e-6)
