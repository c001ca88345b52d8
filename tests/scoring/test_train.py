"""A scorer trained on a data frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from morosidad import Policy, Rule, Schema
from morosidad.errors import InvalidFrame, RuleError
from morosidad.scoring.scorer import Scorer
from morosidad.training import fitting
from support import small_frame, small_pipeline


def test_training_makes_a_scorer_from_a_frame() -> None:
    X, y = small_frame()
    scorer = Scorer.train(X, y)
    assert scorer.plan.compiled
    assert scorer.training["rows"] == len(X)
    assert scorer.score_one({"ingresos": 300.0, "empleo": "libre", "moras": 5}).probability > 0.5


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(300), "two classes"),
        (np.arange(300) % 3, "two classes"),
        (np.where(np.arange(300) < 5, np.nan, np.arange(300) % 2), "missing"),
        (np.arange(299) % 2, "300 rows, and 299 answers"),
        (None, "one answer for each row"),
        (np.zeros((300, 2)), "one answer for each row"),
    ],
)
def test_answers_that_cannot_be_learnt_are_refused(y: Any, message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        Scorer.train(small_frame()[0], y)


def test_an_array_without_names_is_no_frame_to_learn_from() -> None:
    X, y = small_frame()
    with pytest.raises(InvalidFrame, match="a data frame was expected, not ndarray"):
        Scorer.train(X[["moras"]].to_numpy(), y)  # type: ignore[arg-type]


def test_labels_may_be_words() -> None:
    X, y = small_frame()
    words = np.where(y == 1, "moroso", "cumplido")
    scorer = Scorer.train(X, words, positive="moroso")
    assert set(scorer.predict(X)) == {"moroso", "cumplido"}
    late = scorer.score_one({"ingresos": 300.0, "empleo": "libre", "moras": 6})
    assert late.probability > 0.5


def test_the_small_pipeline_is_what_people_write() -> None:
    X, y = small_frame()
    assert small_pipeline(X, y).predict_proba(X).shape == (len(X), 2)


def test_rules_that_do_not_fit_show_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = small_frame()
    monkeypatch.setattr(fitting, "train", None)
    with pytest.raises(RuleError, match="did you mean 'moras'"):
        Scorer.train(X, y, schema=Schema.infer(X), policy=Policy(rules=(Rule("mora > 1", "revisar", "A"),)))
    with pytest.raises(TypeError, match="a Policy was expected, not int"):
        Scorer.train(X, y, policy=3)  # type: ignore[arg-type]
