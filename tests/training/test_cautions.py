"""Warnings of training: silent on clean data of whatever distribution, and on each plant its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from morosidad import Schema
from morosidad.training.cautions import find_warnings
from morosidad.training.search.racing import Data

Draw = Callable[[np.random.Generator, int], Any]

CLEAN: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(rng.uniform(-50, 50), rng.uniform(0.1, 100), n),
    "money": lambda rng, n: np.round(rng.lognormal(rng.uniform(0, 10), rng.uniform(0.3, 1.5), n), 1),
    "counts": lambda rng, n: rng.poisson(rng.uniform(0.1, 10), n),
    "mostly_none": lambda rng, n: np.where(rng.random(n) < 0.6, 0, np.round(rng.lognormal(6, 1, n), 2)),
    "terms": lambda rng, n: rng.choice([6, 12, 18, 24, 36, 48, 60, 72], n),
    "even": lambda rng, n: rng.integers(0, rng.integers(5, 1000), n),
    "waits": lambda rng, n: rng.geometric(rng.uniform(0.05, 0.6), n),
    "shares": lambda rng, n: np.round(rng.beta(2, 5, n), rng.integers(2, 6)),
    "long_tail": lambda rng, n: np.round(1000 * (1 + rng.pareto(2.5, n))),
    "capped": lambda rng, n: np.minimum(rng.poisson(3, n), 10),
    "points": lambda rng, n: np.clip(np.round(rng.normal(650, 90, n)), 300, 850),
    "kinds": lambda rng, n: rng.choice(list("abcde"), n, p=[0.4, 0.3, 0.2, 0.08, 0.02]),
}


def warned(X: pd.DataFrame, bad: Any, protected: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Give the fields that each warning names, for a model that is linear in ranks."""
    numbers = X.select_dtypes("number")
    sorted_ = {name: np.sort(numbers[name].to_numpy(np.float64)) for name in numbers}

    def ranks(frame: pd.DataFrame) -> Any:
        columns = [
            np.searchsorted(known, frame[name].to_numpy(np.float64)) / len(known)
            for name, known in sorted_.items()
        ]
        return np.column_stack([np.zeros(len(frame)), *columns])

    model = LogisticRegression().fit(ranks(X), bad)
    data = Data(X, bad.astype(int), bad)
    found: dict[str, set[str]] = {}
    for one in find_warnings(
        data, Schema.infer(X), lambda frame: model.decision_function(ranks(frame)), protected
    ):
        found.setdefault(one.code, set()).add(one.field)
    return found


def outcome(X: pd.DataFrame, rng: np.random.Generator, rate: float = 0.3) -> Any:
    ranks = X.select_dtypes("number").rank() / len(X) - 0.5
    z = ranks @ rng.normal(size=ranks.shape[1])
    return (rng.random(len(X)) < 1 / (1 + np.exp(-z - np.log(rate / (1 - rate))))).to_numpy()


@settings(deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), kinds=st.sets(st.sampled_from(sorted(CLEAN)), min_size=2))
def test_clean_data_raise_no_warning(seed: int, kinds: set[str]) -> None:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({kind: CLEAN[kind](rng, 1000) for kind in sorted(kinds)})
    assert warned(X, outcome(X, rng)) == {}


@settings(deadline=None, derandomize=True, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["counts", "terms", "capped", "points"]),
    code=st.sampled_from([-9, -999, 9999, 99999]),
)
def test_codes_among_clean_values_are_named(seed: int, kind: str, code: int) -> None:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: CLEAN[name](rng, 1000) for name in ("normal", kind)})
    bad = outcome(X, rng)
    X.loc[rng.random(1000) < 0.05, kind] = code
    assert warned(X, bad) == {"missing_code": {kind}}


def test_few_defaults_and_a_class_that_seems_inverted_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"f{i}": rng.normal(size=150) for i in range(12)})
    assert set(warned(X, outcome(X, rng, 0.2))) == {"few_defaults"}
    X = pd.DataFrame({f"f{i}": rng.normal(size=900) for i in range(4)})
    assert set(warned(X, outcome(X, rng, 0.8))) == {"inverted_class"}
    assert warned(X.rename(columns={"f0": "Estado Civil"}), outcome(X, rng, 0.2), ("f1",)) == {
        "protected": {"Estado Civil", "f1"}
    }
