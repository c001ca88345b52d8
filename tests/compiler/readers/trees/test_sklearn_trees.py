"""scikit-learn's trees, compiled as fitted."""

from __future__ import annotations

import numpy as np
import pytest
from compiler.tree_models import MODELS, NUMBERS, TEXTS, compile_numbers, prepared
from compiler.versions import SKLEARN, k_bins, since
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.trees import Trees
from morosidad.frames.layout import FrameLayout
from morosidad.schema.schema import Schema

EXAMPLES = 40  # a longer run finds no more; try it by hand after a change
EXTRA = since(1, 6, "missing values in extra trees")
REFUSING = {"boosting"} if SKLEARN >= (1, 6) else {"boosting", "extra"}
"""The models that take no missing values."""


@pytest.mark.parametrize("name", MODELS)
def test_behind_a_usual_pipeline_every_model_answers_as_it_was_fitted(
    name, walker, applicants, compiled_as_fitted
):
    compiled = compiled_as_fitted(prepared(MODELS[name]), *applicants)
    if isinstance(compiled.form, Trees):
        assert compiled.form.walker.name == walker
    else:
        assert name in ("stumps", "one leaf"), "a sum of terms of one field each becomes tables"


@pytest.mark.parametrize(
    "texts",
    [
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), StandardScaler()),
        make_pipeline(OrdinalEncoder(), StandardScaler()),
    ],
    ids=["ordinal", "scaled columns", "scaled ordinal, missing passed on"],
)
def test_whatever_an_encoder_makes_of_categories_becomes_sets_of_them(
    texts, walker, applicants, compiled_as_fitted
):
    compiled = compiled_as_fitted(prepared(RandomForestClassifier(5, random_state=0), texts), *applicants)
    assert len(compiled.form.columns) <= len(compiled.schema)


def test_intervals_become_sets_too(walker, applicants, compiled_as_fitted):
    frame, target = applicants
    bins = k_bins(4, encode="onehot-dense")
    model = make_pipeline(bins, RandomForestClassifier(5, random_state=0))
    compiled = compiled_as_fitted(model, frame[["edad", "ingresos"]], target)
    assert (compiled.form.subset[compiled.form.child > 0] >= 0).all()


def test_imputers_and_scalers_melt_into_the_thresholds(applicants, compiled_as_fitted):
    frame, target = applicants
    model = make_pipeline(SimpleImputer(), StandardScaler(), RandomForestClassifier(9, random_state=0))
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert set(compiled.form.columns) == {Raw(i) for i in range(4)}
    assert not compiled.schema["deuda"].required


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=3, random_state=0),
        RandomForestClassifier(9, random_state=0),
        pytest.param(ExtraTreesClassifier(9, random_state=0), marks=EXTRA),
        DecisionTreeClassifier(random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_missing_numbers_go_where_the_model_sends_them(model, walker, applicants, compiled_as_fitted):
    frame, target = applicants
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert not any(field.required for field in compiled.schema.fields)


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=3),
        pytest.param(ExtraTreeClassifier(splitter="best", random_state=0), marks=EXTRA),
    ],
)
def test_models_that_refuse_missing_numbers_demand_them(model, applicants, compiled_as_fitted):
    frame, target = applicants
    compiled = compiled_as_fitted(model, frame[["edad", "ingresos"]], target)
    assert all(field.required for field in compiled.schema.fields)


# -- native categories -----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [True, False])
def test_native_categories_known_unknown_and_missing(missing, walker, applicants):
    frame, target = applicants
    frame = frame.assign(**{name: frame[name].astype("category") for name in TEXTS})
    frame["vivienda"] = frame["vivienda"] if missing else frame["vivienda"].fillna("propia")
    model = HistGradientBoostingClassifier(
        categorical_features="from_dtype", max_iter=20, min_samples_leaf=3, random_state=0
    ).fit(frame, target)
    schema = Schema.infer(frame)
    rows = [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]
    layout = FrameLayout.of(frame, {name: name for name in frame})
    compiled = compile_pipeline(model, schema, rows, layout=layout)
    assert compiled.compiled, compiled.notes
    assert compiled.parity.rows > 500


def test_numbers_declared_to_be_categories(walker, applicants, compiled_as_fitted):
    frame, target = applicants
    model = HistGradientBoostingClassifier(
        max_iter=20,
        min_samples_leaf=3,
        categorical_features=["atrasos"],
        random_state=0,
    )
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert (compiled.form.subset >= 0).any()


# -- random models and rows ------------------------------------------------------------------------


@st.composite
def fitted_models(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(20, 60)), draw(st.integers(1, 4))
    X = rng.normal(0.0, 10.0 ** draw(st.integers(-6, 8)), (n, width))
    X[:, 0] = rng.integers(-2, 3, n)
    y = (np.arange(n) + rng.integers(0, 2, n)) % 2
    kind = draw(st.sampled_from(["tree", "forest", "extra", "hist", "boosting"]))
    seed = draw(st.integers(0, 99))
    if kind not in REFUSING and draw(st.booleans()):
        X[rng.random(X.shape) < 0.2] = np.nan
    models = {
        "tree": DecisionTreeClassifier(max_depth=draw(st.integers(1, 8)), random_state=seed),
        "forest": RandomForestClassifier(draw(st.integers(1, 9)), random_state=seed),
        "extra": ExtraTreesClassifier(draw(st.integers(1, 9)), random_state=seed),
        "hist": HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=1, random_state=seed),
        "boosting": GradientBoostingClassifier(n_estimators=9, random_state=seed),
    }
    return kind, models[kind].fit(X, y), X


SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 1e-40, 1.0, -1.0, 16777217.0, 1e30, -1e30, 3.4e38]


def rows_to_ask(kind, form, X, rng):
    """Draw rows of data, of thresholds and their neighbours, and of numbers that are special."""
    trees = isinstance(form, Trees)
    edges = form.number[(form.child > 0) & np.isfinite(form.number)] if trees else np.empty(0)
    pool = np.concatenate(
        [X[np.isfinite(X)], edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), SPECIAL]
    )
    pool = pool[np.abs(pool) < 3.4028e38]
    rows = rng.choice(pool, (60, X.shape[1]))
    if kind not in REFUSING:
        rows[rng.random(rows.shape) < 0.2] = np.nan
    if kind == "hist":
        rows[rng.random(rows.shape) < 0.1] = np.inf
        rows[rng.random(rows.shape) < 0.1] = -np.inf
    return rows


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(fitted_models(), st.integers(0, 2**32 - 1))
def test_random_models_answer_random_rows_as_they_were_fitted(walker, fitted, seed):
    kind, model, X = fitted
    compiled, refuses_missing = compile_numbers(model, X.shape[1])
    assert refuses_missing == (kind in REFUSING)
    asked = rows_to_ask(kind, compiled.form, X, np.random.default_rng(seed))
    expected = model.predict_proba(asked)[:, 1]
    found = [compiled.predict_one(tuple(None if v != v else v for v in row)) for row in asked.tolist()]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(compiled.predict(list(asked.T)), expected, rtol=0, atol=1e-12)


def test_forests_add_up_in_the_order_of_their_trees(walker, applicants):
    frame, target = applicants
    X = frame[["edad", "ingresos"]].to_numpy()
    model = RandomForestClassifier(30, min_samples_leaf=7, random_state=0).fit(X, target)
    compiled, _ = compile_numbers(model, 2)
    assert [compiled.predict_one(tuple(row)) for row in X.tolist()] == model.predict_proba(X)[:, 1].tolist()


@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 9, 250])
def test_any_number_of_rows_is_answered_at_once(n_rows, walker, applicants):
    frame, target = applicants
    X = np.tile(frame[["edad", "ingresos"]].to_numpy(), (3, 1))
    model = HistGradientBoostingClassifier(max_iter=11, min_samples_leaf=3).fit(X[:120], target)
    compiled, _ = compile_numbers(model, 2)
    found = compiled.predict(list(X[:n_rows].T))
    np.testing.assert_allclose(found, [compiled.predict_one(tuple(row)) for row in X[:n_rows]], atol=1e-15)
