"""The labels that people write for paid and not paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from compiler.versions import FixedThresholdClassifier, TunedThresholdClassifierCV
from conformance.applicants import mixed, numbers, prepared
from conformance.case import Built, Expected, Group
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

GROUP = Group("labels")

KINDS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "0/1": (lambda y: y, 1),
    "0.0/1.0": (lambda y: y.astype(float), 1.0),
    "int8 0/1": (lambda y: y.astype("int8"), 1),
    "False/True": (lambda y: y.astype(bool), True),
    "Good/Bad": (lambda y: np.where(y == 1, "Bad", "Good"), "Bad"),
    "objects no/sí": (lambda y: np.where(y == 1, "sí", "no").astype(object), "sí"),
    "1/2": (lambda y: y + 1, 2),
    "2/1": (lambda y: 2 - y, 1),
    "-1/1": (lambda y: 2 * y - 1, 1),
    "1/-1": (lambda y: 1 - 2 * y, -1),
    "series of text": (lambda y: pd.Series(np.where(y == 1, "malo", "bueno")), "malo"),
    "categories": (lambda y: pd.Series(pd.Categorical(np.where(y == 1, "malo", "bueno"))), "malo"),
    "nullable integers": (lambda y: pd.Series(y, dtype="Int64"), 1),
}
OTHERS = set(KINDS) - {"0/1", "0.0/1.0", "int8 0/1", "False/True", "nullable integers"}


def _models() -> dict[str, Callable[[], Any]]:
    return {
        "logistic": LogisticRegression,
        "boosting": lambda: HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7),
        "isotonic": lambda: CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3),
        "not compiled": KNeighborsClassifier,
    }


def _add(kind: str, model: str, *, said: bool = True, expected: Expected = "", long: bool = False) -> None:
    write, positive = KINDS[kind]

    def build() -> Built:
        X, y = mixed()
        return Built(make_pipeline(prepared(), _models()[model]()).fit(X, write(y)), X)

    words = model if said else f"{model}, positive not said"
    GROUP.add(kind, build, words, positive=positive, said=said, expected=expected, long=long)


def _threshold(kind: str, make: Callable[[Any], Any]) -> Callable[[], Built]:
    write, positive = KINDS[kind]

    def build() -> Built:
        X, y = numbers()
        return Built(make(positive).fit(X, write(y)), X)

    return build


def _own_labels() -> None:
    """Add classifiers whose label is not the larger probability's."""
    models: dict[str, Callable[[], Any]] = {
        "SVC": lambda: SVC(probability=True, random_state=0),
        "SVC, balanced": lambda: SVC(
            probability=True, class_weight="balanced", kernel="linear", random_state=0
        ),
        "NearestCentroid": NearestCentroid,
        "NearestCentroid, priors": lambda: NearestCentroid(priors="empirical"),
    }
    for words, make in models.items():

        def build(make: Callable[[], Any] = make) -> Built:
            X, y = numbers()
            X = (X - X.mean()) / X.std()
            return Built(make().fit(X, y), X)

        GROUP.add("own labels", build, words, expected="answer")


for _kind in KINDS:
    for _model in _models():
        _add(_kind, _model, long=_model in ("boosting", "isotonic"))
    if _kind in OTHERS:
        _add(_kind, "logistic", said=False, expected="refused")
for _kind in ("0/1", "False/True", "Good/Bad", "1/2"):
    _positive = KINDS[_kind][1]
    GROUP.add(
        _kind,
        _threshold(
            _kind,
            lambda p: FixedThresholdClassifier(
                LogisticRegression(), threshold=0.3, pos_label=p, response_method="predict_proba"
            ),
        ),
        "fixed threshold of 0.3",
        positive=_positive,
    )
    GROUP.add(
        _kind,
        _threshold(_kind, lambda p: TunedThresholdClassifierCV(LogisticRegression(), cv=3)),
        "tuned threshold",
        positive=_positive,
    )
_own_labels()
