"""Shares of trees: Shapley values against one applicant, proven by brute force and against shap."""

from __future__ import annotations

import itertools
import math
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from morosidad.compiler import CompiledPipeline, Compiler
from morosidad.compiler.backends.numba import layout
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.shapley import weights
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.trees import Trees
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

EXAMPLES = 30  # a longer run finds no more; try it by hand after a change


def shapley_by_definition(worth, fields):
    """Average what each field adds over all coalitions of the others."""
    n = len(fields)
    shares = dict.fromkeys(fields, 0.0)
    for field in fields:
        others = [other for other in fields if other != field]
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for coalition in itertools.combinations(others, size):
                shares[field] += weight * (worth({*coalition, field}) - worth(set(coalition)))
    return shares


def test_the_weights_are_those_of_the_formula():
    table = weights(5, 0.5)
    for i in range(5):
        for j in range(5 - i):
            exact = math.factorial(i) * math.factorial(j) / math.factorial(i + j + 1)
            assert table[i, j] == pytest.approx(0.5 * exact, rel=1e-15)


def test_many_fields_have_weights_too():
    table = weights(200)
    assert np.isfinite(table).all()
    assert table[0, 0] == 1.0
    assert table[100, 99] > 0.0


# -- by brute force --------------------------------------------------------------------------------


def log_odds(p):
    return math.log(p / (1.0 - p))


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        (HistGradientBoostingClassifier(max_iter=12, min_samples_leaf=4, random_state=0), log_odds),
        (GradientBoostingClassifier(n_estimators=12, random_state=0), log_odds),
        (GradientBoostingClassifier(loss="exponential", n_estimators=9, random_state=0), log_odds),
        (RandomForestClassifier(12, max_depth=6, random_state=0), float),
    ],
    ids=["hist", "boosting", "exponential loss", "forest"],
)
def test_shares_of_fields_are_the_shapley_values_of_the_original_pipeline(
    model, scale, walker, applicants, compiled_as_fitted
):
    frame, target = applicants
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", SimpleImputer(add_indicator=True), ["edad", "ingresos", "deuda", "atrasos"]),
                (
                    "texts",
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                    ["empleo", "vivienda"],
                ),
            ],
            remainder="passthrough",
        ),
        model,
    )
    compiled = compiled_as_fitted(pipeline, frame, target)
    rows = [tuple(None if v is None or v != v else v for v in row) for row in frame.itertuples(index=False)]
    table = compiled.form.matrix(ColumnBatch.of_records(rows, 7))
    same = (table == compiled.reference[:, None]) | (np.isnan(table) & np.isnan(compiled.reference[:, None]))
    reference = rows[int(np.flatnonzero(same.all(axis=0))[0])]
    coalitions = list(itertools.product([False, True], repeat=7))
    for row in rows[:3]:
        mixed = [
            tuple(own if held else other for held, own, other in zip(chosen, row, reference, strict=True))
            for chosen in coalitions
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = compiled.original.predict(mixed)
        worth = {chosen: scale(p) for chosen, p in zip(coalitions, answers, strict=True)}
        expected = shapley_by_definition(
            lambda held, worth=worth: worth[tuple(field in held for field in range(7))], range(7)
        )
        p, shares = compiled.explain_one(row)
        np.testing.assert_allclose(shares, list(expected.values()), rtol=0, atol=1e-10)
        assert sum(shares) == pytest.approx(scale(p) - scale(compiled.predict_one(reference)), abs=1e-9)


@st.composite
def games(draw):
    """Fit a small model on columns of which some are alike, and draw a record and a reference."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(20, 60)), draw(st.integers(1, 5))
    X = rng.normal(size=(n, width)).round(draw(st.sampled_from([0, 1, 5])))
    if draw(st.booleans()):
        X[rng.random(X.shape) < 0.2] = np.nan
    y = (np.arange(n) + rng.integers(0, 2, n)) % 2
    seed = draw(st.integers(0, 99))
    model = draw(
        st.sampled_from(
            [
                HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1, random_state=seed),
                RandomForestClassifier(5, random_state=seed),
            ]
        )
    )
    pool = np.append(X.ravel(), np.nan) if np.isnan(X).any() else X.ravel()
    return model.fit(X, y), rng.choice(pool, (4, width)), rng.choice(pool, width)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(games())
def test_shares_of_random_models_are_shapley_values(walker, game):
    model, records, reference = game
    n = len(reference)
    schema = Schema([Field(f"x{i}", "number") for i in range(n)])
    form = Compiler(schema).form(model, [Raw(i) for i in range(n)])
    assume(isinstance(form, Trees))
    fields = [column.field for column in form.columns if isinstance(column, Raw)]
    compiled = CompiledPipeline(
        schema, form, reference=reference[fields] if fields else np.zeros(len(form.columns))
    )

    def worth(record):
        def of(held):
            mixed = np.where([i in held for i in range(n)], record, reference)
            columns = form.matrix(ColumnBatch(list(mixed[:, None])))
            return compiled.form.walker.totals(columns)[0] * form.weight

        return of

    for record in records:
        _, shares = compiled.explain_one(tuple(None if v != v else v for v in record.tolist()))
        expected = shapley_by_definition(worth(record), range(n))
        np.testing.assert_allclose(shares, list(expected.values()), rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def wide():
    """Deep trees over more fields than a machine word has bits."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 90)).round(1)
    X[rng.random(X.shape) < 0.1] = np.nan
    model = RandomForestClassifier(12, max_features=3, random_state=0)
    return model.fit(X, np.nansum(X[:, ::7], axis=1) > 0), X


def explain_wide(wide):
    model, X = wide
    schema = Schema([Field(f"x{i}", "number") for i in range(90)])
    form = Compiler(schema).form(model, [Raw(i) for i in range(90)])
    compiled = CompiledPipeline(schema, form, reference=X[0, [column.field for column in form.columns]])
    rows = [tuple(None if v != v else v for v in row) for row in X[:30].tolist()]
    return form, [compiled.explain_one(row)[1] for row in rows]


def by_python(wide, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "numba", None)
        return explain_wide(wide)[1]


def test_more_fields_than_a_word_has_bits_are_told_apart_along_each_path(wide, monkeypatch):
    pytest.importorskip("numba")
    form, found = explain_wide(wide)
    assert len(form.players) > layout.MAX_SLOTS
    assert layout.for_shares(form, np.zeros(len(form.columns))) is not None
    np.testing.assert_allclose(found, by_python(wide, monkeypatch), rtol=0, atol=1e-14)


@pytest.mark.parametrize("most", [12, 2])
def test_paths_of_still_more_fields_are_followed_by_python(most, wide, monkeypatch):
    pytest.importorskip("numba")
    expected = by_python(wide, monkeypatch)
    monkeypatch.setattr(layout, "MAX_SLOTS", most)
    form, found = explain_wide(wide)
    assert layout.for_shares(form, np.zeros(len(form.columns))) is None
    assert found == expected


def test_no_two_fields_on_a_path_have_one_slot(wide):
    form, _ = explain_wide(wide)
    slots = layout._slots(form, layout.levels_of(form))
    ways = [(root, {}) for root in range(form.n_trees)]
    while ways:
        place, seen = ways.pop()
        if child := int(form.child[place]):
            field = int(form.player_of_column[form.column[place]])
            assert seen.get(slots[place], field) == field
            assert list(seen.values()).count(field) <= 1
            ways += [(child, {**seen, slots[place]: field}), (child + 1, {**seen, slots[place]: field})]


# -- against shap ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def larger():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(250, 10))  # shap loses its way in histogram boosting of more values than bins
    y = (X[:, 0] * X[:, 1] + X[:, 2] + 0.5 * rng.normal(size=250) > 0).astype(int)
    return X, y


def model_of(name):
    if name == "lightgbm":
        return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1)
    if name == "xgboost":
        return pytest.importorskip("xgboost").XGBClassifier(n_estimators=60, n_jobs=1)
    return {
        "hist": HistGradientBoostingClassifier(max_iter=60, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=60, random_state=0),
        "forest": RandomForestClassifier(60, random_state=0),
    }[name]


@pytest.mark.parametrize("name", ["hist", "boosting", "forest", "lightgbm", "xgboost"])
def test_shares_of_larger_models_are_those_that_shap_gives(name, walker, larger):
    X, y = larger
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
        model = model_of(name).fit(X, y)
        explainer = shap.TreeExplainer(model, data=X[:1], feature_perturbation="interventional")
        theirs = np.asarray(explainer.shap_values(X[:20], check_additivity=False))
    theirs = theirs[..., 1] if theirs.ndim == 3 else theirs
    schema = Schema([Field(f"x{i}", "number") for i in range(10)])
    form = Compiler(schema).form(model, [Raw(i) for i in range(10)])
    compiled = CompiledPipeline(schema, form, reference=X[0, [column.field for column in form.columns]])
    ours = np.array([compiled.explain_one(tuple(row))[1] for row in X[:20].tolist()])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)  # shap keeps leaves and weights in 32 bits
    totals = form.walker.totals(np.ascontiguousarray(X[:20].T)[[c.field for c in form.columns]])
    moved = (totals - totals[0]) * form.weight
    np.testing.assert_allclose(ours.sum(axis=1), moved, rtol=0, atol=1e-5 if form.narrow else 1e-9)


# -- what follows ----------------------------------------------------------------------------------


@pytest.fixture
def pair(walker):
    """Two fields that do the same, and one that does nothing."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=200)
    X = np.column_stack([half, half, rng.normal(size=200)])
    model = HistGradientBoostingClassifier(max_iter=20, max_features=0.4, max_depth=2, random_state=0)
    model.fit(X[:, :2], half > 0)
    schema = Schema([Field(name, "number") for name in ("a", "b", "nothing")])
    form = Compiler(schema).form(model, [Raw(0), Raw(1)])
    return CompiledPipeline(schema, form, reference=np.array([-1.0] * len(form.columns)))


def test_a_field_that_the_trees_do_not_test_has_no_share(pair):
    assert pair.explain_one((2.0, 2.0, 5.0))[1][2] == 0.0


def test_the_reference_itself_has_no_shares(pair):
    assert pair.explain_one((-1.0, -1.0, 3.0))[1] == (0.0, 0.0, 0.0)


def test_the_same_record_has_the_same_shares_every_time(pair):
    assert len({pair.explain_one((0.3, 1.7, None)) for _ in range(50)}) == 1


def test_two_fields_that_agree_with_the_reference_on_one_share_nothing_there(pair):
    _, (a, b, _) = pair.explain_one((2.0, -1.0, 0.0))
    assert a > 0.0
    assert b == 0.0


def test_a_column_of_a_field_takes_the_side_of_the_field(walker):
    """A field in two columns (its number and whether it is missing) moves as one."""
    frame = pd.DataFrame({"x": [1.0, 2.0, np.nan, np.nan, 5.0, 6.0] * 20})
    target = [0, 1, 1, 1, 0, 1] * 20
    model = make_pipeline(
        SimpleImputer(strategy="mean", add_indicator=True), RandomForestClassifier(9, random_state=0)
    ).fit(frame, target)
    schema = Schema([Field("x", "number")])
    form = Compiler(schema).form(model, [Raw(0)])
    compiled = CompiledPipeline(schema, form, reference=form.reference(ColumnBatch.of_records([(1.0,)], 1)))
    p, shares = compiled.explain_one((None,))
    assert shares == (pytest.approx(p - compiled.predict_one((1.0,)), abs=1e-15),)
