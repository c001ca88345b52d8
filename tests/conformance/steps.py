"""Own steps as people write them: functions and transformers that the cases share, importable by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin


def as_array(X: Any) -> Any:
    """Forget the columns' names."""
    return np.asarray(X, dtype=float)


def with_ratio(X: Any) -> Any:
    """Add a column that is made of two others."""
    return X.assign(ratio=X["deuda"] / X["ingresos"])


def lowered(X: Any) -> Any:
    """Write texts in small letters."""
    return X.apply(lambda column: column.astype(object).map(lambda v: v.lower() if isinstance(v, str) else v))


def dummies(X: Any) -> Any:
    """Make columns of zeros and ones of the rows at hand; alone, a row has one category of each."""
    wide = pd.get_dummies(X, drop_first=True, dtype=float)
    names = ["empleo_libre", "empleo_otro", "region_isla", "region_norte", "region_oeste", "region_sur"]
    return wide.reindex(columns=names, fill_value=0.0)


def codes(X: Any) -> Any:
    """Number the categories of the rows at hand."""
    return X.apply(lambda column: column.astype("category").cat.codes.astype(float))


def ranks(X: Any) -> Any:
    """Rank among the rows at hand."""
    return X.rank(pct=True)


def around_mean(X: Any) -> Any:
    """Measure from the mean of the rows at hand."""
    return X - X.mean()


def filled_by_median(X: Any) -> Any:
    """Fill gaps with the median of the rows at hand."""
    return X.fillna(X.median()).fillna(0.0)


def refuses_small(X: Any) -> Any:
    """Refuse rows, as a person's own checks may."""
    if (np.asarray(X["deuda"]) < 200.0).any():
        raise ValueError("a debt is too small")
    return X


def parsed(X: Any) -> Any:
    """Read numbers that stand in texts."""
    return X.apply(lambda column: column.astype(object).map(float))


class Clipper(TransformerMixin, BaseEstimator):
    """Clips columns; keeps no names and no number of features."""

    def __init__(self, low: float = 0.0, high: float = 3000.0) -> None:
        self.low = low
        self.high = high

    def fit(self, X: Any, y: Any = None) -> Clipper:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return np.clip(np.asarray(X, dtype=float), self.low, self.high)


class OneDimensional(ClassifierMixin, BaseEstimator):
    """Answers with one column only."""

    def fit(self, X: Any, y: Any) -> OneDimensional:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.full(len(X), 0.4)

    def predict(self, X: Any) -> Any:
        return np.repeat(self.classes_[0], len(X))


class Wrapper(ClassifierMixin, BaseEstimator):
    """Stands around a classifier and passes everything on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def fit(self, X: Any, y: Any) -> Wrapper:
        self.inner_ = self.inner.fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.inner_.predict_proba(X)

    def predict(self, X: Any) -> Any:
        return self.inner_.predict(X)


def numeric_names(X: Any) -> list[str]:
    """Choose the columns that hold numbers."""
    return [name for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
