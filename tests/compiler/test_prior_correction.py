"""Compiled forms for another default rate, against the original's probabilities moved by scipy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from morosidad import Scorer
from morosidad.compiler.forms.calibrated import PriorCorrected
from morosidad.compiler.pipeline import CompiledPipeline, rows_of
from morosidad.compiler.prior_correction import with_log_odds_moved
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check
from morosidad.frames.reading import read_frame

FOREST = RandomForestClassifier(3, max_depth=3, random_state=0)
MODELS: dict[str, tuple[Any, str]] = {
    "linear": (LogisticRegression(), "Additive"),
    "forest": (FOREST, "PriorCorrected"),
    "boosting": (HistGradientBoostingClassifier(max_iter=3, max_depth=2), "Sigmoid"),
    "mean": (
        VotingClassifier([("a", LogisticRegression()), ("b", FOREST)], voting="soft"),
        "PriorCorrected",
    ),
    "stack": (StackingClassifier([("a", FOREST)], LogisticRegression(), cv=2), "Stacked"),
    "platt": (CalibratedClassifierCV(LogisticRegression(), cv=2, ensemble=False), "Sigmoid"),
    "isotonic": (
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2, ensemble=False),
        "PriorCorrected",
    ),
    "pure": (DecisionTreeClassifier(random_state=0), "PriorCorrected"),  # probabilities of 0 and 1
}


def numbers(n: int = 80) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.integers(0, 4, n) * 1.0})
    return X, (X["a"] - X["b"] + rng.normal(size=n) > 0.5).astype(int)


def moved_judge(probability: Any, shift: float) -> Any:
    with np.errstate(divide="ignore"):
        return expit(logit(probability) + shift)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("positive", [1, 0])
def test_a_form_is_moved_and_its_contributions_still_add_up(name: str, positive: int) -> None:
    X, y = numbers()
    model, kind = MODELS[name]
    pipeline = model.fit(X, y)
    before = Scorer(pipeline, reference=X, positive=positive)._model.compiled
    columns = read_frame(before.schema, X)[0]
    judge = pipeline.predict_proba(X)[:, list(pipeline.classes_).index(positive)]
    for shift in (-1.3, 0.8):
        after = before.moved(shift)
        inner = after.form.of if positive == 0 and hasattr(after.form, "of") else after.form
        assert kind in (type(inner).__name__, type(after.form).__name__)
        expected = moved_judge(judge, shift)
        assert np.allclose(after.predict(columns), expected, rtol=0, atol=1e-12)
        rows = rows_of(before.schema, columns)
        assert np.allclose([after.predict_one(row) for row in rows], expected, rtol=0, atol=1e-12)
        check_contributions(before, after, rows[:25])
        scores, shares = after.explain([column[:25] for column in columns])
        assert np.ptp(scores - shares.sum(axis=0)) < 1e-9


def check_contributions(before: CompiledPipeline, after: CompiledPipeline, rows: list[Any]) -> None:
    assert before.explain_one is not None
    assert after.explain_one is not None
    assert after.form is not None
    assert before.form is not None
    assert after.form.scale == before.form.scale
    told = [after.explain_one(row) for row in rows]
    shares = np.array([each[1] for each in told])
    probability = np.array([each[0] for each in told])
    assert np.allclose(probability, [after.predict_one(row) for row in rows], rtol=0, atol=1e-15)
    if after.form.scale == "probability":
        assert np.ptp(probability - shares.sum(axis=1)) < 1e-9
    else:  # on the log-odds, or before a calibration, they stay
        earlier = np.array([before.explain_one(row)[1] for row in rows])
        assert np.allclose(shares, earlier, rtol=0, atol=1e-12)


def test_two_moves_are_one() -> None:
    X, y = numbers()
    for model in (LogisticRegression(), FOREST, HistGradientBoostingClassifier(max_iter=2)):
        before = Scorer(model.fit(X, y), reference=X)._model.compiled
        columns = read_frame(before.schema, X)[0]
        once, twice = before.moved(0.9), before.moved(0.4).moved(0.5)
        assert np.allclose(once.predict(columns), twice.predict(columns), rtol=0, atol=1e-14)
        assert type(once.form) is type(twice.form)
        assert not isinstance(getattr(twice.form, "of", None), type(twice.form))
        assert once.original is not None
        assert np.allclose(
            once.original.predict(rows_of(before.schema, columns)), once.predict(columns), atol=1e-12
        )


def test_a_moved_form_is_packed_and_a_factor_that_is_none_is_refused() -> None:
    X, y = numbers()
    form = Scorer(FOREST.fit(X, y), reference=X)._model.compiled.form
    assert form is not None
    moved = with_log_odds_moved(form, 0.5)
    data, arrays = pack(moved)
    again = unpack(data, arrays)
    check(again, 3)
    assert isinstance(again, PriorCorrected)
    assert again.factor == moved.factor  # type: ignore[attr-defined]
    for wrong in (0.0, -1.0, {"float": "inf"}, {"float": "nan"}, "x"):
        data["root"]["of"]["factor"] = wrong
        with pytest.raises(ValueError, match=r"factor|describes no compiled form"):
            unpack(data, arrays)


def test_a_demand_stays_where_a_form_is_moved() -> None:
    from morosidad.compiler.forms.guarded import Guarded

    X, y = numbers()
    form = Scorer(LogisticRegression().fit(X, y), reference=X)._model.compiled.form
    assert form is not None
    moved = with_log_odds_moved(Guarded(form, ()), 1.0)
    assert isinstance(moved, Guarded)
    assert moved.of.intercept == form.intercept + 1.0  # type: ignore[attr-defined]


def test_a_direction_holds_as_before() -> None:
    from morosidad import check_monotone

    X, y = numbers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forest = RandomForestClassifier(2, max_depth=1, random_state=1).fit(X[["a"]], y)
        scorer = Scorer(forest, reference=X[["a"]])
    before, after = (check_monotone(one, {"a": 1}) for one in (scorer, scorer.calibrated(to=0.1, of=0.4)))
    assert [each.verdict for each in before] == [each.verdict for each in after]
