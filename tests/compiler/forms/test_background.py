"""Contributions against a background of many rows, and of many records at once."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiler.versions import calibration_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from morosidad.compiler import compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_trees import PythonWalker
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.walked import Walked
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.schema.schema import Schema
from support import small_frame, small_pipeline

pytest.importorskip("numba")

from morosidad.compiler.backends.numba import background

N = 6


def numbers(seed: int = 0, n: int = 200) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    y = (X["a"] * X["b"] + X["c"] + rng.normal(size=n) > 0).astype(int)
    X.iloc[::9, 2] = np.nan
    return X, y


def with_categories(estimator: Any) -> Any:
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encode, ["empleo"]), remainder="passthrough")
    return make_pipeline(columns, estimator)


def models() -> dict[str, Any]:
    hist = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=6, min_samples_leaf=5)
    forest = make_pipeline(SimpleImputer(), RandomForestClassifier(10, max_depth=5, random_state=0))
    linear = make_pipeline(SimpleImputer(), LogisticRegression())
    return {
        "linear": linear,
        "boosting": hist,
        "gradient boosting": make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=10)),
        "forest": forest,
        "extra trees": make_pipeline(SimpleImputer(), ExtraTreesClassifier(10, max_depth=4, random_state=0)),
        "stack": StackingClassifier([("a", linear), ("b", hist)], LogisticRegression(), cv=3),
        "vote": VotingClassifier([("a", linear), ("b", hist), ("c", forest)], voting="soft"),
    }


def compiled_on(estimator: Any, X: pd.DataFrame, y: Any) -> tuple[CompiledPipeline, list[Any]]:
    schema = Schema.infer(X)
    rows = [schema.read(record)[0] for record in X.to_dict("records")]
    found = compile_pipeline(estimator.fit(X, y), schema, rows)
    assert found.form is not None
    return found, rows


def against(compiled: CompiledPipeline, rows: list[Any]) -> CompiledPipeline:
    assert compiled.form is not None
    batch = ColumnBatch.of_records(rows, len(compiled.schema))
    reference = compiled.form.background(batch)
    return CompiledPipeline(compiled.schema, compiled.form, reference=reference)


def cases() -> dict[str, Any]:
    X, y = numbers()
    found = {name: (model, X, y) for name, model in models().items()}
    hist = models()["boosting"].fit(X, y)
    for method in ("sigmoid", "isotonic"):
        found[method] = (calibration_of(hist, method=method), X, y)
    texts, late = small_frame()
    found["encoded"] = (small_pipeline(texts, late), texts, late)
    tree = HistGradientBoostingClassifier(max_iter=10, categorical_features=[0], min_samples_leaf=5)
    found["categories"] = (with_categories(tree), texts, late)
    return found


CASES = cases()


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[CompiledPipeline, list[Any]]:
    return compiled_on(*CASES[request.param])


def test_many_records_at_once_get_what_each_gets_alone(case: tuple[CompiledPipeline, list[Any]]) -> None:
    compiled, rows = case
    assert compiled.form is not None
    for one in (compiled, against(compiled, rows[:N])):
        assert one.explain_one is not None
        assert one.reference is not None
        batch = ColumnBatch.of_records(rows[:40], len(one.schema))
        p, shares = compiled.form.batch_reasons(batch, one.reference)
        alone = [one.explain_one(row) for row in rows[:40]]
        np.testing.assert_allclose(p, [answer[0] for answer in alone], atol=1e-12)
        np.testing.assert_allclose(shares.T, [answer[1] for answer in alone], atol=1e-10)


def test_a_background_is_the_mean_over_its_rows(case: tuple[CompiledPipeline, list[Any]]) -> None:
    compiled, rows = case
    form = compiled.form
    if not isinstance(form, Walked | Additive | Sigmoid):
        pytest.skip("the mean of log-odds is brought to probabilities after the mean")
    many = against(compiled, rows[:N]).explain_one
    ones = [against(compiled, [row]).explain_one for row in rows[:N]]
    assert many is not None
    for row in rows[20:40]:
        mean = np.mean([one(row)[1] for one in ones if one is not None], axis=0)
        np.testing.assert_allclose(many(row)[1], mean, atol=1e-10)


def test_contributions_are_shapley_values_by_their_definition() -> None:
    for name in ("boosting", "forest"):
        X, y = numbers()
        compiled, rows = compiled_on(models()[name], X, y)
        form, explain = compiled.form, against(compiled, rows[:N]).explain_one
        assert isinstance(form, Walked)
        assert explain is not None

        def earned(row: Any, joined: tuple[int, ...], rows: list[Any] = rows, form: Any = form) -> float:
            mixed = [tuple(row[i] if i in joined else other[i] for i in range(4)) for other in rows[:N]]
            batch = ColumnBatch.of_records(mixed, 4)
            total = form.batch_total(batch) / (form.n_trees if form.scale == "probability" else 1)
            return float(np.mean(total))

        for row in rows[30:36]:
            expected = np.zeros(4)
            for i in range(4):
                others = [j for j in range(4) if j != i]
                for size in range(4):
                    weight = factorial(size) * factorial(3 - size) / factorial(4)
                    for chosen in combinations(others, size):
                        expected[i] += weight * (earned(row, (*chosen, i)) - earned(row, chosen))
            np.testing.assert_allclose(explain(row)[1], expected, atol=1e-12)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 9), st.booleans())
def test_machine_code_gives_what_plain_python_gives(seed: int, n: int, depth: int, forest: bool) -> None:
    X, y = numbers(seed, 80)
    estimator: Any = (
        make_pipeline(SimpleImputer(), RandomForestClassifier(3, max_depth=depth, random_state=seed))
        if forest
        else HistGradientBoostingClassifier(
            max_iter=3, max_depth=depth, min_samples_leaf=2, random_state=seed
        )
    )
    compiled, rows = compiled_on(estimator, X, y)
    form = compiled.form
    if not isinstance(form, Walked):
        return
    table = form.matrix(ColumnBatch.of_records(rows[:30], 4))
    others = np.ascontiguousarray(table[:, :n].T)
    fast = background.background_shares(form, others)
    assert fast is not None
    slow = PythonWalker(form).shares(table, others)
    np.testing.assert_allclose(fast(table), slow, atol=1e-12)
    np.testing.assert_allclose(fast.of_row(np.ascontiguousarray(table[:, 3]).tobytes()), slow[3], atol=1e-12)


def test_too_many_sets_or_fields_leave_it_to_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = numbers()
    compiled, rows = compiled_on(models()["boosting"], X, y)
    usual = against(compiled, rows[:N]).explain_one
    assert usual is not None
    for name in ("MAX_SLOTS", "MAX_SETS"):
        with monkeypatch.context() as patch:
            patch.setattr(background, name, 1)
            fresh = against(compiled, rows[:N]).explain_one
            assert fresh is not None
            np.testing.assert_allclose(fresh(rows[50])[1], usual(rows[50])[1], atol=1e-12)
            form = compiled.form
            assert isinstance(form, Walked)
            table = form.matrix(ColumnBatch.of_records(rows[50:51], 4))
            np.testing.assert_allclose(form.walker.shares(table, table.T), 0.0, atol=1e-12)


def test_shap_gives_the_same() -> None:
    shap = pytest.importorskip("shap")
    X, y = numbers()
    X = X.fillna(0.0)
    model = GradientBoostingClassifier(n_estimators=20, max_depth=4, random_state=0)
    compiled, rows = compiled_on(model, X, y)
    explain = against(compiled, rows[:50]).explain_one
    assert explain is not None
    theirs = shap.TreeExplainer(model, data=X.iloc[:50]).shap_values(X.iloc[60:80])
    ours = [explain(row)[1] for row in rows[60:80]]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)  # shap reckons in float32
