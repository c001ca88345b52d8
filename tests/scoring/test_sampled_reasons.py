"""Contributions by sampling: what they add up to, their standard errors, and the reasons made of them."""

from __future__ import annotations

import warnings
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from morosidad.compiler.proof.sampled_shapley import SampledContributions, background
from morosidad.errors import SettingsError, UnsupportedModel
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer

RNG = np.random.default_rng(0)
BACKGROUND = [tuple(row) for row in RNG.normal(size=(24, 4)).tolist()]


def interacting(rows: Any) -> Any:
    a = np.asarray(rows, dtype=float)
    return 1 / (1 + np.exp(-(a[:, 0] + a[:, 1] * a[:, 2] - 0.5 * a[:, 3])))


def additive(rows: Any) -> Any:
    return 0.5 + np.asarray(rows, dtype=float) @ [0.1, -0.05, 0.02, 0.0]


def exact(function: Any, values: Any) -> np.ndarray[Any, Any]:
    n, shares = len(values), np.zeros(len(values))
    for field in range(n):
        others = [other for other in range(n) if other != field]
        for size in range(n):
            for chosen in combinations(others, size):
                without = [
                    tuple(values[i] if i in chosen else row[i] for i in range(n)) for row in BACKGROUND
                ]
                joined = [tuple(values[i] if i == field else x for i, x in enumerate(row)) for row in without]
                gain = float((function(joined) - function(without)).mean())
                shares[field] += gain / (n * comb(n - 1, size))
    return shares


@pytest.mark.parametrize("function", [interacting, additive])
def test_they_add_up_and_their_errors_cover_the_exact_value(function: Any) -> None:
    sample = SampledContributions(function, BACKGROUND, pairs=96)
    values = (1.5, -2.0, 1.0, 0.3)
    found = sample(values)
    mean = float(np.mean(function(BACKGROUND)))
    assert found.shares.sum() == pytest.approx(found.probability - mean, abs=1e-12)
    assert (np.abs(found.shares - exact(function, values)) <= 4 * found.errors + 1e-12).all()


def test_a_background_is_wanted() -> None:
    for wrong in ([], [()], [(1.0,), (1.0, 2.0)]):
        with pytest.raises(ValueError, match="background rows were expected"):
            SampledContributions(additive, wrong)


def test_no_background_row_is_a_real_one_by_design() -> None:
    columns = [list(range(1000)), list(range(1000))]
    assert sum(a == b for a, b in background(columns)) <= 2


def test_mixtures_that_the_model_refuses_are_left_out() -> None:
    def picky(rows: Any) -> Any:
        a = np.asarray(rows, dtype=float)
        return np.where((a[:, 0] > 1) & (a[:, 1] > 0), np.nan, additive(rows))

    sample = SampledContributions(picky, BACKGROUND)
    found = sample((1.5, -1.0, 0.0, 0.0))
    assert np.isfinite(found.shares).all()
    assert found.shares.sum() < 1
    nothing = SampledContributions(lambda rows: np.full(len(rows), np.nan), BACKGROUND)((0.0,) * 4)
    assert np.isnan(nothing.shares).all()


def neighbours() -> tuple[Any, pd.DataFrame]:
    X = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["a", "b", "c"])
    return KNeighborsClassifier(9).fit(X, (X["a"] > 0.3).astype(int)), X


def quietly(*args: Any, **options: Any) -> Scorer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Scorer(*args, **options)


def test_a_scorer_gives_them_with_errors_and_in_words() -> None:
    model, X = neighbours()
    scorer = quietly(model, reference=X, reasons="sampled")
    record = {"a": 2.0, "b": 0.0, "c": 0.0}
    found = scorer.contributions(record)
    assert found.scale == "probability, sampled"
    assert found.errors is not None
    assert list(found.errors) == ["a", "b", "c"]
    assert max(found.contributions, key=lambda name: found.contributions[name]) == "a"
    decision = scorer.score_one(record)
    assert decision.reasons[0].field == "a"
    assert scorer.score_many([record])[0] == decision
    assert scorer.score_frame(pd.DataFrame([record]), reasons=True)["reasons"][0] == [
        reason.text for reason in decision.reasons
    ]
    assert "answers of the original a record, in " in str(scorer.plan)


def test_without_a_reference_they_are_refused() -> None:
    model, X = neighbours()
    with pytest.raises(SettingsError, match="reference rows"):
        quietly(model, schema=Schema.infer(X), reasons="sampled")
    with pytest.raises(UnsupportedModel, match="reasons='sampled'"):
        quietly(model, reference=X).contributions({"a": 0.0, "b": 0.0, "c": 0.0})
