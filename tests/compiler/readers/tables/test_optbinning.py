"""Binning processes and scorecards: every setting, special codes, rare, unseen and missing values."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.columns import logistic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from morosidad.compiler import check_compiled, compile_points
from morosidad.errors import UnsupportedModel
from morosidad.frames.compatibility import points_of
from morosidad.schema.schema import Schema

pytest.importorskip("optbinning")
from optbinning import BinningProcess, Scorecard

SCALING = {
    "scaling_method": "pdo_odds",
    "scaling_method_params": {"pdo": 20, "odds": 50, "scorecard_points": 600},
}

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, when it is asked


def with_codes(frame):
    """Give the applicants with a code among their incomes, and ages that are not whole."""
    incomes = frame["ingresos"].where(np.arange(len(frame)) % 9 > 0, -99.0)
    return frame.drop(columns="garante").assign(ingresos=incomes)


def process(frame, **settings):
    categories = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return BinningProcess(list(frame), categorical_variables=categories, special_codes=[-99.0], **settings)


def fitted(model, *data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*data, **settings)


CHOICES = st.sampled_from([0, 0.5, "empirical"])


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    metric=st.sampled_from(["woe", "event_rate", "indices"]),
    special=CHOICES,
    missing=CHOICES,
    cut=st.sampled_from([None, 0.1]),
    unknown=st.sampled_from([None, 1]),
)
def test_a_binning_process_of_any_settings(lenders, metric, special, missing, cut, unknown):
    frame, target = lenders
    frame = with_codes(frame)
    chosen = {"metric": metric, "metric_special": special, "metric_missing": missing}
    if metric == "indices":
        chosen = {"metric": metric}
    categories = {"cat_cutoff": cut, "cat_unknown": unknown}
    bins = process(
        frame,
        binning_transform_params=dict.fromkeys(frame, chosen),
        binning_fit_params=dict.fromkeys(("empleo", "vivienda"), categories),
    )
    check_compiled(fitted(make_pipeline(bins, logistic()), frame, target), frame)


def test_names_of_bins_are_encoded_behind(lenders):
    frame, target = lenders
    frame = with_codes(frame)
    bins = process(frame, binning_transform_params={name: {"metric": "bins"} for name in frame})
    model = make_pipeline(bins, OneHotEncoder(handle_unknown="ignore"), logistic())
    check_compiled(fitted(model, frame, target), frame)


@pytest.mark.parametrize("special", [0, "empirical"])
@pytest.mark.parametrize(
    "settings",
    [
        SCALING,
        {**SCALING, "rounding": True},
        {**SCALING, "intercept_based": True},
        {
            "scaling_method": "min_max",
            "scaling_method_params": {"min": 0, "max": 100},
            "reverse_scorecard": True,
        },
        {},
    ],
    ids=str,
)
def test_a_scorecard_and_its_points(lenders, settings, special):
    frame, target = lenders
    frame = with_codes(frame)
    model = Scorecard(process(frame), LogisticRegression(), **settings)
    fitted(model, frame, target, metric_special=special, metric_missing=special)
    check_compiled(model, frame)
    points = compile_points(model, frame)
    expected = model.score(frame)
    rows = [points.schema.read(record)[0] for record in frame.to_dict("records")]
    np.testing.assert_allclose([points.score_one(row) for row in rows], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        [points.points_one(row) for row in rows], points_of(model, frame), rtol=0, atol=1e-12
    )
    assert points.variables == tuple(model.binning_process_.get_support(names=True))


def test_a_scorecard_of_some_columns_in_another_order(lenders):
    frame, target = lenders
    frame = with_codes(frame)
    chosen = frame[["vivienda", "edad"]]
    model = fitted(Scorecard(process(chosen), LogisticRegression(), **SCALING), chosen, target)
    check_compiled(model, frame)
    points = compile_points(model, frame)
    row = points.schema.read(frame.iloc[0].to_dict())[0]
    assert points.score_one(row) == pytest.approx(model.score(frame.iloc[[0]])[0], abs=1e-12)


def test_variables_that_were_not_selected_are_not_looked_at(lenders):
    frame, target = lenders
    frame = with_codes(frame)
    model = Scorecard(
        process(frame, selection_criteria={"iv": {"strategy": "highest", "top": 2}}),
        LogisticRegression(),
        **SCALING,
    )
    fitted(model, frame, target)
    assert len(model.binning_process_.get_support(names=True)) < frame.shape[1]
    check_compiled(model, frame)


def test_points_are_those_of_a_scorecard_alone(lenders):
    frame, target = lenders
    model = logistic().fit(frame[["edad"]], target)
    with pytest.raises(UnsupportedModel, match="LogisticRegression gives no points"):
        compile_points(model, frame)


def test_points_that_differ_are_refused(lenders, monkeypatch):
    frame, target = lenders
    frame = with_codes(frame)
    model = fitted(Scorecard(process(frame), LogisticRegression(), **SCALING), frame, target)
    score = Scorecard.score
    monkeypatch.setattr(Scorecard, "score", lambda self, X: score(self, X) + (X["edad"] > 40))
    with pytest.raises(UnsupportedModel, match=r"points of .* rows differ"):
        compile_points(model, frame, schema=Schema.infer(frame))
