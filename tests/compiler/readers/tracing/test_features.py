"""A corpus of features as people write them: compiled, stored and read again; and what must not be."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.readers.tracing import features
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from morosidad import check_compiled

FRAME = features.frame_of(130)
TARGET = (np.random.default_rng(1).random(len(FRAME)) < 1 / (1 + np.exp(2.0 - FRAME["edad"] / 30))).astype(
    int
)


def fitted(step, columns, *, arrays=False):
    X = FRAME if columns is None else FRAME[columns]
    X = X.to_numpy() if arrays else X
    model = make_pipeline(step, SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=2000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, TARGET), X


@pytest.mark.parametrize("name", [*features.FEATURES, *features.CLASSES])
def test_a_feature_is_compiled(name):
    if name in features.CLASSES:
        step, columns = features.CLASSES[name]
    else:
        function, columns = features.FEATURES[name]
        step = FunctionTransformer(function)
    arrays = name.startswith("array")
    model, X = fitted(step, columns, arrays=arrays)
    if name == "codes_are_missing" and pd.__version__ == "3.0.0":
        pytest.skip("this version of pandas replaces nothing in one row")
    assert check_compiled(model, X).max_difference <= 1e-12
