"""Directions of models: proven, refuted by a pair that scoring confirms, or undecided; beside brute force."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiler.versions import calibration_of, k_bins
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, SplineTransformer, StandardScaler

from morosidad import Field, Schema, Scorer, check_monotone
from morosidad.errors import BrokenDirectionWarning, NotCompiledWarning, SettingsError
from scoring_parts import neighbours
from support import small_frame

LEVELS = 4


def small_grid(seed: int, n: int = 150) -> tuple[pd.DataFrame, Any]:
    """Make applicants of three integer fields with few values, so that every pair can be tried."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.integers(0, LEVELS, (n, 3)), columns=list("abc"))
    z = X["a"] * rng.normal() + rng.normal() * X["b"] * (X["c"] - 1.5) + rng.normal(size=n)
    return X, (z > np.median(z)).astype(int)


SCHEMA = Schema([Field(name, "integer", ge=0, le=LEVELS - 1, required=True) for name in "abc"])


def brute_force(scorer: Scorer, field: str, direction: int) -> bool:
    """Try every applicant that there is."""
    grid = pd.DataFrame(list(itertools.product(range(LEVELS), repeat=3)), columns=list("abc"))
    p = scorer.predict_proba(grid)[:, 1].reshape((LEVELS,) * 3)
    steps = direction * np.diff(p, axis="abc".index(field))
    return bool((steps >= -1e-9).all())


def models(seed: int) -> dict[str, Any]:
    cst = {"a": 1, "b": -1}
    hist = HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=5, min_samples_leaf=5, random_state=seed)
    return {
        "free": hist,
        "constrained": HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5, monotonic_cst=cst),
        "gradient": GradientBoostingClassifier(n_estimators=5, max_depth=3, random_state=seed),
        "forest": RandomForestClassifier(4, max_depth=3, random_state=seed),
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "bins": make_pipeline(k_bins(3), LogisticRegression()),
    }


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from(sorted(models(0))))
def test_small_models_are_decided_as_by_trying_everybody(seed: int, name: str) -> None:
    X, y = small_grid(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = models(seed)[name].fit(X, y)
        scorer = Scorer(pipeline, schema=SCHEMA, reference=X)
    assume(scorer.plan.compiled)  # rows exactly on the threshold may keep it from that
    for field in "abc":
        for direction in (1, -1):
            (found,) = check_monotone(scorer, {field: direction})
            assert found.verdict == ("held" if brute_force(scorer, field, direction) else "broken")
            confirm(scorer, found)


def confirm(scorer: Scorer, found: Any) -> None:
    """Score the pair of a counterexample."""
    if found.verdict != "broken":
        assert found.lower is found.higher is found.probabilities is None
        return
    low, high = (scorer.score_one(record).probability for record in (found.lower, found.higher))
    assert found.direction * (high - low) < 0
    assert found.probabilities == (low, high)
    changed = {name for name in found.lower if found.lower[name] != found.higher[name]}
    assert changed == {found.field}
    assert found.lower[found.field] < found.higher[found.field]


def wide(seed: int = 0, n: int = 400) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    X["k"] = rng.integers(0, 9, n)
    y = (X["a"] - X["b"] * X["d"] + 0.4 * X["k"] + rng.normal(size=n) * 1.5 > 1).astype(int)
    X.iloc[::9, 2] = np.nan
    return X, y


def test_a_constrained_model_of_each_kind_holds_and_a_free_one_is_refuted() -> None:
    X, y = wide()
    cst = {"a": 1, "k": 1}
    boosting = HistGradientBoostingClassifier(max_iter=30, monotonic_cst=cst)
    linear = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression())
    held = {
        "boosting": boosting,
        "linear": linear,
        "power": make_pipeline(SimpleImputer(), PowerTransformer(), LogisticRegression()),
        "vote": VotingClassifier([("a", boosting), ("b", linear)], voting="soft"),
        "stack": StackingClassifier([("a", boosting), ("b", linear)], LogisticRegression(), cv=3),
        "sigmoid": calibration_of(boosting.fit(X, y)),
        "isotonic": calibration_of(boosting.fit(X, y), method="isotonic"),
    }
    for name, model in held.items():
        scorer = Scorer(model.fit(X, y), reference=X)
        assert [found.verdict for found in check_monotone(scorer, cst)] == ["held", "held"], name
        (wrong,) = check_monotone(scorer, {"a": -1})
        assert wrong.verdict == "broken", name
        confirm(scorer, wrong)
    free = {
        "boosting": HistGradientBoostingClassifier(max_iter=30),
        "forest": make_pipeline(SimpleImputer(), RandomForestClassifier(20, max_depth=6, random_state=0)),
        "splines": make_pipeline(SimpleImputer(), SplineTransformer(n_knots=4), LogisticRegression()),
    }
    for name, model in free.items():
        scorer = Scorer(model.fit(X, y), reference=X)
        (found,) = check_monotone(scorer, {"b": 1})
        assert found.verdict == "broken", name
        confirm(scorer, found)


def plus_flag(X: Any) -> Any:
    return pd.DataFrame({"f": X["a"].fillna(0.0) + X["a"].isna() * 1.0, "b": X["b"]})


def times_flag(X: Any) -> Any:
    return pd.DataFrame({"f": X["a"].fillna(0.0) * (1.0 - X["a"].isna()), "b": X["b"]})


def where_given(X: Any) -> Any:
    return np.where(X[["a", "b"]].isna(), 0.0, X[["a", "b"]])


def filled_root(X: Any) -> Any:
    return pd.DataFrame({"f": np.sqrt(X["a"]).fillna(9.0), "b": X["b"]})


@pytest.mark.parametrize("feature", [plus_flag, times_flag, where_given, filled_root])
def test_features_that_also_say_whether_there_is_a_value_are_never_held_wrongly(feature: Any) -> None:
    X, y = wide()
    X.loc[::7, "a"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        model = make_pipeline(FunctionTransformer(feature), LogisticRegression()).fit(X[["a", "b"]], y)
        scorer = Scorer(model, reference=X[["a", "b"]])
    line = pd.DataFrame({"a": np.linspace(-2.0, 2.0, 81), "b": 0.0})
    steps = np.diff(scorer.predict_proba(line)[:, 1])
    for direction in (1, -1):
        (found,) = check_monotone(scorer, {"a": direction})
        assert found.verdict != "held" or (direction * steps >= 0.0).all()
        confirm(scorer, found)


def test_a_coefficient_of_nothing_moves_in_no_direction() -> None:
    X, y = wide()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[["a", "b"]], y)
    model[-1].coef_[0, 1] = 0.0
    scorer = Scorer(model, reference=X[["a", "b"]])
    assert [found.verdict for found in check_monotone(scorer, {"b": 1})] == ["held"]
    assert [found.verdict for found in check_monotone(scorer, {"b": -1})] == ["held"]


def test_interactions_of_tables_are_held_against_their_worst_partner() -> None:
    interpret = pytest.importorskip("interpret.glassbox")
    X, y = small_grid(3, 300)
    model = interpret.ExplainableBoostingClassifier(interactions=3, max_rounds=60, n_jobs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    scorer = Scorer(model, schema=SCHEMA, reference=X)
    for field in "abc":
        for direction in (1, -1):
            (found,) = check_monotone(scorer, {field: direction})
            assert found.verdict == ("held" if brute_force(scorer, field, direction) else "broken")
            confirm(scorer, found)


def test_where_the_work_ends_or_nothing_is_understood_it_is_undecided() -> None:
    X, y = wide()
    scorer = Scorer(
        HistGradientBoostingClassifier(max_iter=30, monotonic_cst={"a": 1}).fit(X, y), reference=X
    )
    assert check_monotone(scorer, {"a": 1}, max_work=10)[0].verdict == "undecided"
    frame, late = small_frame()
    with pytest.warns(NotCompiledWarning):
        slow = Scorer(neighbours(frame, late), reference=frame)
    assert check_monotone(slow, {"empleo": 1})[0].verdict == "undecided"
    (found,) = check_monotone(slow, {"moras": -1})
    assert found.verdict in ("broken", "undecided")
    confirm(slow, found)


def test_what_is_declared_and_not_held_is_said_at_load_and_in_the_plan(tmp_path: Path) -> None:
    X, y = wide()
    schema = Schema.infer(X)
    schema = schema.replace([Field("a", "number", monotonic=-1), *schema.fields[1:]])
    model = HistGradientBoostingClassifier(max_iter=20, monotonic_cst={"a": 1}).fit(X, y)
    scorer = Scorer(model, schema=schema, reference=X)
    assert [found.field for found in check_monotone(scorer)] == ["a"]
    assert scorer.plan.directions == "a"
    assert "moves against what is declared for: a" in str(scorer.plan)
    scorer.save(tmp_path / "m")
    with pytest.warns(BrokenDirectionWarning, match="check_monotone: a") as told:
        loaded = Scorer.load(tmp_path / "m")
    assert told[0].message.fields == ("a",)  # type: ignore[union-attr]
    assert loaded.digest == scorer.digest
    fine = schema.replace([Field("a", "number", monotonic=1), *schema.fields[1:]])
    good = Scorer(model, schema=fine, reference=X)
    good.save(tmp_path / "n")
    assert good.plan.directions == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Scorer.load(tmp_path / "n")


def test_strangers_and_other_directions_are_refused() -> None:
    scorer = Scorer.default()
    with pytest.raises(SettingsError, match="'x' is no field") as caught:
        check_monotone(scorer, {"x": 1, "edad": 2})
    assert len(caught.value.problems) == 2


def test_a_field_takes_its_direction_under_either_name() -> None:
    one, other = Field("a", "number", monotonic=-1), Field("a", "number", monotonic_cst=-1)
    assert one == other
    assert one.monotonic == one.monotonic_cst == -1
    assert Schema([one]).digest == Schema([other]).digest
    assert Field("a", "number").monotonic == 0
