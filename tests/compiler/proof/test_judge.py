"""The judge: which rows it asks about, and what it refuses, in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from morosidad.compiler import check_classifier
from morosidad.compiler.proof.judge import ASKING_SECONDS, LEAST_ROWS, MIN_ROWS, Judge, select_rows
from morosidad.errors import UnsupportedModel


class Answers(ClassifierMixin, BaseEstimator):
    """Answers with a function of the first column."""

    classes_ = np.array([0, 1])

    def __init__(self, function: Any = None, labels: Any = None) -> None:
        self.function = function
        self.labels = labels

    def predict_proba(self, X: Any) -> Any:
        p = self.function(np.asarray(X, dtype=float)[:, 0])
        return p if p.ndim > 1 else np.column_stack([1 - p, p])

    def predict(self, X: Any) -> Any:
        cells = np.asarray(X, dtype=float)[:, 0]
        return (self.function(cells) > 0.5).astype(int) if self.labels is None else self.labels(cells)


FRAME = pd.DataFrame({"a": np.linspace(0, 1, 50)})


def test_a_row_without_a_number_for_an_answer_is_refused() -> None:
    found = Judge(Answers(lambda a: np.where(a > 0.9, np.nan, a)), FRAME).verdict()
    assert sorted(found.refused) == [45, 46, 47, 48, 49]
    assert np.isfinite(found.probabilities).all()
    assert len(found.places) == 45


def test_a_slow_model_is_asked_while_there_is_time() -> None:
    times = iter(np.linspace(0, 2 * ASKING_SECONDS, 20).tolist())
    long = pd.DataFrame({"a": np.linspace(0, 1, 400)})
    found = Judge(Answers(lambda a: a), long, clock=lambda: next(times)).verdict()
    asked = len(found.places)
    assert LEAST_ROWS < asked < LEAST_ROWS + 20
    assert found.left_out == MIN_ROWS - asked
    assert found.places.tolist() == sorted(found.places.tolist())
    np.testing.assert_array_equal(found.probabilities, long["a"].to_numpy()[found.places])


@pytest.mark.parametrize("scores", [lambda a: a * 4 - 2, lambda a: np.where(a == 0.5, np.inf, a)])
def test_scores_that_are_no_probability_are_refused(scores: Any) -> None:
    frame = pd.DataFrame({"a": np.linspace(0, 1, 51)})
    with pytest.raises(UnsupportedModel, match="which is no probability"):
        Judge(Answers(scores), frame).verdict()


def test_rounding_beyond_one_is_one() -> None:
    found = Judge(
        Answers(lambda a: np.where(a > 0.9, 1 + 1e-9, np.where(a < 0.1, -1e-9, a))), FRAME
    ).verdict()
    assert found.probabilities.min() == 0.0
    assert found.probabilities.max() == 1.0


def test_no_number_among_others_differs_from_a_number_alone() -> None:
    with pytest.raises(UnsupportedModel, match="among the others nan"):
        Judge(Answers(lambda a: a if len(a) == 1 else np.where(a > 0.9, np.nan, a)), FRAME).verdict()


def test_a_row_that_is_refused_alone_and_answered_among_others_is_a_dependence() -> None:
    def picky(a: Any) -> Any:
        if len(a) == 1 and a[0] > 0.9:
            raise ValueError("lonely")
        return a

    with pytest.raises(UnsupportedModel, match=r"row 45 .* alone is refused \(ValueError: lonely\)"):
        Judge(Answers(picky), FRAME).verdict()


@pytest.mark.parametrize(
    "shape", [lambda a: np.tile(a[:, None], (1, 1)), lambda a: np.tile(a[:, None], (1, 3))]
)
def test_another_shape_is_refused_in_words(shape: Any) -> None:
    with pytest.raises(UnsupportedModel, match=r"predict_proba of Answers gives an array of shape \(50, "):
        Judge(Answers(shape), FRAME).verdict()


def test_one_dimension_is_refused_in_words() -> None:
    model = Answers(lambda a: a)
    model.predict_proba = lambda X: np.asarray(X)[:, 0]
    with pytest.raises(UnsupportedModel, match=r"of shape \(50,\)"):
        Judge(model, FRAME).verdict()


def test_whoever_answers_nothing_says_why() -> None:
    def broken(a: Any) -> Any:
        raise KeyError("the column b")

    with pytest.raises(UnsupportedModel, match=r"answers none of 50 rows .* KeyError: 'the column b'"):
        Judge(Answers(broken), FRAME).verdict()


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="one of the labels 0 and 1"):
        Judge(Answers(lambda a: a, lambda a: np.array(["x"] * len(a))), FRAME).verdict()
    with pytest.raises(UnsupportedModel, match="labels that depend on the rows beside them"):
        Judge(Answers(lambda a: a, lambda a: (a >= a.mean()).astype(int)), FRAME).verdict()


def test_labels_are_known_however_they_are_written() -> None:
    written = Answers(lambda a: a, lambda a: (a > 0.5).astype(int).astype(str)[:, None])
    found = Judge(written, FRAME).verdict()
    assert found.defaults is not None
    assert found.defaults.tolist() == (FRAME["a"].to_numpy()[found.places] > 0.5).tolist()


def test_rows_of_every_kind_are_chosen() -> None:
    rng = np.random.default_rng(0)
    n = 5000
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": pd.Series(rng.choice(["x", "y"], n), dtype=object)})
    frame.loc[7, "b"] = "rare"
    frame.loc[11, "a"] = 1e9
    frame.loc[13, "b"], frame.loc[17, "b"] = None, np.nan
    frame.loc[19, "a"] = np.nan
    scores = rng.random(n)
    scores[23] = 0.2000001
    chosen = set(select_rows(frame, np.arange(n), scores, [0.2, 0.5]).tolist())
    assert {7, 11, 13, 17, 19, 23} <= chosen
    assert len(chosen) >= MIN_ROWS


def test_only_what_is_not_fitted_is_said_not_to_be() -> None:
    with pytest.raises(UnsupportedModel, match="LogisticRegression is not fitted: This LogisticRegression"):
        check_classifier(LogisticRegression())
    with pytest.raises(UnsupportedModel, match=r"LogisticRegression is not fitted: This Pipeline"):
        check_classifier(make_pipeline(StandardScaler(), LogisticRegression()))

    class Wrapper:
        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), 0.5)

    check_classifier(Wrapper(), FRAME)
    check_classifier(Wrapper())
