"""Scorers with parts, and models that fail, for the tests of this folder."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from morosidad.errors import PredictionError
from morosidad.scoring.scorer import Scorer

RECORD = {"ingresos": 300.0, "empleo": "libre", "moras": 4}


def scorer_with(trained: tuple[Any, pd.DataFrame], **parts: Any) -> Scorer:
    return Scorer(trained[0], reference=trained[1], **parts)


def failing(monkeypatch: pytest.MonkeyPatch, scorer: Scorer, times: int) -> list[int]:
    """Make the model fail so many times; give the list that counts its calls."""
    calls: list[int] = []
    honest = type(scorer._model).estimate

    def estimate(self: Any, values: Any) -> Any:
        calls.append(1)
        if len(calls) <= times:
            raise PredictionError("out of order")
        return honest(self, values)

    monkeypatch.setattr(type(scorer._model), "estimate", estimate)
    return calls


def neighbours(X: pd.DataFrame, y: Any, *, imputed: bool = True) -> Any:
    """Fit a model that has no compiled form."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = SimpleImputer() if imputed else "passthrough"
    unknown = "ignore" if imputed else "error"
    parts = make_column_transformer(
        (numbers, ["ingresos", "moras"]), (OneHotEncoder(handle_unknown=unknown), ["empleo"])
    )
    return make_pipeline(parts, KNeighborsClassifier()).fit(X, y)
