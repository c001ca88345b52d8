"""Transformers as people write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class Medians(BaseEstimator, TransformerMixin):
    """Fills with fitted medians, and says where."""

    def fit(self, X, y=None):
        self.medians_ = X.median()
        self.columns_ = list(X.columns)
        return self

    def transform(self, X):
        out = X[self.columns_].fillna(self.medians_)
        for name in self.columns_:
            out[name + "_falta"] = X[name].isna().astype(int)
        return out


class Ratios(BaseEstimator):
    """Inherits only BaseEstimator; has a helper of its own."""

    def __init__(self, pairs=(("deuda", "ingresos"), ("cuota", "ingresos"))):
        self.pairs = pairs

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)

    def _ratio(self, X, a, b):
        return X[a].fillna(0) / X[b]

    def transform(self, X):
        out = X[["edad"]].copy()
        for a, b in self.pairs:
            out[f"{a}_{b}"] = self._ratio(X, a, b)
        return out


class Winsorizer(BaseEstimator, TransformerMixin):
    """Holds numbers within fitted quantiles."""

    def fit(self, X, y=None):
        X = np.asarray(X, dtype=float)
        self.low_, self.high_ = np.nanquantile(X, [0.05, 0.95], axis=0)
        return self

    def transform(self, X):
        X = np.asarray(X, dtype=float)
        return np.clip(X, self.low_, self.high_)


class OwnWoe(BaseEstimator, TransformerMixin):
    """Weight of evidence of text columns."""

    def fit(self, X, y):
        y = np.asarray(y)
        self.tables_ = {}
        for name in X.columns:
            good = pd.Series(1 - y).groupby(X[name].to_numpy()).sum() + 0.5
            bad = pd.Series(y).groupby(X[name].to_numpy()).sum() + 0.5
            self.tables_[name] = np.log((good / good.sum()) / (bad / bad.sum())).to_dict()
        return self

    def transform(self, X):
        X = X.copy()
        for name, table in self.tables_.items():
            X[name] = X[name].map(table).fillna(0.0)
        return X


class GroupIncome(BaseEstimator, TransformerMixin):
    """Income beside the fitted mean of the region."""

    def fit(self, X, y=None):
        self.means_ = X.groupby("region")["ingresos"].mean()
        self.mean_ = float(X["ingresos"].mean())
        return self

    def transform(self, X):
        usual = X["region"].map(self.means_).fillna(self.mean_)
        return pd.DataFrame({"rel": X["ingresos"] / usual, "dif": X["ingresos"] - usual})


# -- checks that raise -------------------------------------------------------------------------------


def checked(df):
    """Check as libraries do: whatever row is at fault, it raises."""
    used = df[["ingresos", "cuota"]]
    if used.isna().any().any() or np.isinf(used).any(axis=None):
        raise ValueError("missing or infinite")
    if (df["cuota"] > 5000).any():
        raise ValueError("too much")
    if not (df["plazo"] > 0).all():
        raise ValueError("no time")
    if (used < 0).any().any():
        raise ValueError("negative")
    return used.assign(share=df["cuota"] / df["ingresos"])


def checked_array(X):
    """Check an array as a whole, and each of its columns."""
    if np.any(np.isnan(X)) or not np.all(np.isfinite(X)):
        raise ValueError("missing or infinite")
    if np.any(X < -1e9, axis=0).any():
        raise ValueError("too little")
    return X / 2.0
