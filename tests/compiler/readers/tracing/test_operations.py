"""Each recorded operation answers as pandas and numpy do; any other ends the trace and says why."""

from __future__ import annotations

import warnings

import pytest
from compiler.readers.tracing.operations import ENDED, RECORDED
from compiler.readers.tracing.test_features import fitted
from compiler.readers.tracing.test_unrecordable import FRAME, TARGET, notes_of
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from morosidad import check_compiled


def name_of(given):
    return f"{given.__name__}-{given.__code__.co_firstlineno}" if callable(given) else ""


@pytest.mark.parametrize("function", RECORDED, ids=name_of)
def test_what_is_recorded_answers_as_it_does_itself(function):
    model, X = fitted(FunctionTransformer(function), None)
    assert check_compiled(model, X).max_difference <= 1e-12


@pytest.mark.parametrize(("function", "reason"), ENDED, ids=name_of)
def test_what_is_not_recorded_ends_the_trace_and_says_why(function, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(FunctionTransformer(function), SimpleImputer(), LogisticRegression()).fit(
            FRAME, TARGET
        )
    assert reason in notes_of(model, FRAME)
