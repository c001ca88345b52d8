"""Steps and classifiers as other people's pipelines hold them: some can't be stored, some crash."""

from __future__ import annotations

import ctypes
import functools
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from morosidad import Scorer
from morosidad.errors import ArtifactUntrusted
from support import small_frame


class Root(TransformerMixin, BaseEstimator):
    """A step without a compiled form."""

    def fit(self, X: Any, y: Any = None) -> Root:
        self.n_features_in_ = np.asarray(X).shape[1]
        return self

    def transform(self, X: Any) -> Any:
        rows = np.asarray(X, dtype=np.float64).tolist()
        return np.sqrt(np.abs(np.array(rows)))


class HoldsAFrame(Root):
    """Keeps a table of pandas, which skops can't give back."""

    def fit(self, X: Any, y: Any = None) -> HoldsAFrame:
        super().fit(X)
        self.means_ = pd.DataFrame({"mean": np.asarray(X, dtype=np.float64).mean(axis=0)})
        return self

    def transform(self, X: Any) -> Any:
        return super().transform(X) - self.means_["mean"].to_numpy()


class HoldsAPartial(Root):
    """Keeps a function with some of its arguments."""

    def fit(self, X: Any, y: Any = None) -> HoldsAPartial:
        super().fit(X)
        self.function_ = functools.partial(np.clip, a_min=0.0, a_max=1e9)
        return self

    def transform(self, X: Any) -> Any:
        return self.function_(super().transform(X))


class _Reloaded(Root):
    """Behaves where it was fitted, and otherwise once it was read back."""

    def fit(self, X: Any, y: Any = None) -> Any:
        super().fit(X)
        self._fitted_here = True
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"n_features_in_": self.n_features_in_, "_fitted_here": False}

    def transform(self, X: Any) -> Any:
        if not self._fitted_here:
            self.misbehave()
        return super().transform(X) if self._fitted_here else np.zeros_like(np.asarray(X, dtype=np.float64))

    def misbehave(self) -> None:
        """Do what goes wrong."""


class Forgets(_Reloaded):
    """Answers otherwise once it was read back."""


class Crashes(_Reloaded):
    """Ends the process once it was read back."""

    def misbehave(self) -> None:
        ctypes.string_at(0)


class Hangs(_Reloaded):
    """Never ends once it was read back."""

    def misbehave(self) -> None:
        time.sleep(600)


class Exits(_Reloaded):
    """Leaves once it was read back."""

    def misbehave(self) -> None:
        os._exit(3)


class CrashesWhenWritten(Root):
    """Ends the process that asks for its content."""

    def __getstate__(self) -> dict[str, Any]:
        ctypes.string_at(0)
        return {}


class HangsWhenWritten(Root):
    """Never gives its content."""

    def __getstate__(self) -> dict[str, Any]:
        time.sleep(600)
        return {}


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier that gives labels of its own, other than a threshold at one half does."""

    def fit(self, X: Any, y: Any) -> Odd:
        self.classes_ = np.unique(y)
        self.weights_ = np.linspace(0.1, 0.5, np.asarray(X).shape[1])
        return self

    def predict_proba(self, X: Any) -> Any:
        p = 1 / (1 + np.exp(-np.asarray(X, dtype=np.float64) @ self.weights_ + 3))
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.3).astype(int)]


# -- scorers of them -----------------------------------------------------------------------------

KEY = b"a key of the tests"
PICKLED: dict[str, Any] = {"key": KEY, "allow_pickle": True}


def scorer_of(classifier: Any, step: Any = None, X: Any = None, y: Any = None, **options: Any) -> Scorer:
    """Fit a pipeline with a step that has no compiled form."""
    if X is None:
        X, y = small_frame(200)
    parts = make_column_transformer(
        (SimpleImputer(), ["ingresos", "moras"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["empleo"]),
    )
    pipeline = make_pipeline(parts, Root() if step is None else step, classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X, y)
        return Scorer(pipeline, reference=X, **options)


def load(path: Path, **options: Any) -> Scorer:
    """Load a file, naming what it holds."""
    try:
        return Scorer.load(path, **options)
    except ArtifactUntrusted as error:
        return Scorer.load(path, trusted=error.types, **options)
