"""The conformance check of compiled forms: what passes, and what it says of what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from morosidad import check_compiled
from morosidad.compiler import compiles
from morosidad.compiler.nodes.expressions import Arith
from morosidad.errors import UnsupportedModel
from support import small_frame, small_pipeline


class Shift(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    def __init__(self, by: float = 1.0) -> None:
        self.by = by

    def fit(self, X: Any, y: Any = None) -> Shift:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X, dtype=float) + 1.0


@compiles(Shift)
def shift(estimator: Any, columns: Any, compiler: Any) -> Any:
    return [Arith(column, "+", estimator.by) for column in columns]


RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=80), "b": RNG.normal(size=80)})
Y = (X["a"] + X["b"] > 0).astype(int)


def test_a_form_that_is_right_passes() -> None:
    report = check_compiled(make_pipeline(Shift(), LogisticRegression()).fit(X, Y), X)
    assert report.passed
    assert (report.own_rows, report.batch_rows) == (80, 80)
    frame, y = small_frame()
    assert check_compiled(small_pipeline(frame, y), frame).max_difference < 1e-12


def test_either_class_may_mean_default() -> None:
    model = LogisticRegression().fit(X, np.where(Y, "malo", "bueno"))
    for label in ("malo", "bueno"):
        assert check_compiled(model, X, positive=label).passed
    with pytest.raises(UnsupportedModel, match="'pésimo' is not among the labels"):
        check_compiled(model, X, positive="pésimo")


def test_a_form_that_is_wrong_says_what_differs() -> None:
    with pytest.raises(UnsupportedModel, match="LogisticRegression is not compiled: the parity gate refused"):
        check_compiled(make_pipeline(Shift(1.001), LogisticRegression()).fit(X, Y), X)


def test_what_has_no_form_is_said() -> None:
    with pytest.raises(UnsupportedModel, match="KNeighborsClassifier has no compiled form"):
        check_compiled(KNeighborsClassifier(3).fit(X, Y), X)
