"""category_encoders: every encoder that is a table, with what it does to unknown and missing values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from compiler.columns import logistic
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from morosidad.compiler import check_compiled, compile_pipeline
from morosidad.errors import UnsupportedModel
from morosidad.schema.schema import Schema

encoders = pytest.importorskip("category_encoders")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, when it is asked

SIMPLE = (
    "BaseNEncoder",
    "BinaryEncoder",
    "CatBoostEncoder",
    "CountEncoder",
    "GrayEncoder",
    "HelmertEncoder",
    "JamesSteinEncoder",
    "LeaveOneOutEncoder",
    "MEstimateEncoder",
    "OneHotEncoder",
    "OrdinalEncoder",
    "SumEncoder",
    "TargetEncoder",
    "WOEEncoder",
)


def fitted(model, frame, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(frame, target)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(SIMPLE),
    unknown=st.sampled_from(["value", "return_nan", "error"]),
    missing=st.sampled_from(["value", "return_nan"]),
    objects=st.booleans(),
    numbers=st.booleans(),
)
def test_any_encoder_of_any_settings(lenders, name, unknown, missing, objects, numbers):
    assume(not (numbers and unknown == "error"))  # then only the original can say which numbers it takes
    frame, target = lenders
    columns = ["empleo", "vivienda", *(["edad"] if numbers else [])]
    chosen = frame[["ingresos", *columns]]
    if numbers:
        chosen = chosen.assign(edad=chosen["edad"] // 10)
    if objects:
        chosen = chosen.astype({"vivienda": object})
        chosen.loc[chosen["vivienda"].isna(), "vivienda"] = None
    encoder = getattr(encoders, name)(cols=columns, handle_unknown=unknown, handle_missing=missing)
    model = fitted(
        make_pipeline(encoder, SimpleImputer(keep_empty_features=True), logistic()), chosen, target
    )
    together = model.predict_proba(chosen)
    alone = np.vstack([model.predict_proba(chosen.iloc[[i]]) for i in range(30)])
    assume(np.abs(together[:30] - alone).max() < 1e-9)  # else it is refused: rows beside a row count
    check_compiled(model, chosen)


def test_a_category_that_the_schema_does_not_know_is_in_the_table(lenders):
    frame, target = lenders
    model = fitted(make_pipeline(encoders.WOEEncoder(), logistic()), frame[["empleo"]], target)
    few = frame.loc[frame["empleo"] != "otro", ["empleo"]]
    compiled = compile_pipeline(model, Schema.infer(few))
    assert compiled.compiled
    expected = model.predict_proba(frame.loc[frame["empleo"] == "otro", ["empleo"]])[0, 1]
    assert compiled.predict_one(("otro",)) == pytest.approx(expected, abs=1e-12)


def test_an_encoder_that_tells_unknown_categories_apart_is_left_alone(lenders):
    frame, target = lenders
    hashed = encoders.HashingEncoder(n_components=8, max_process=1)
    model = fitted(make_pipeline(hashed, logistic()), frame[["empleo"]], target)
    with pytest.raises(UnsupportedModel, match="HashingEncoder has no compiled form"):
        check_compiled(model, frame[["empleo"]])


def test_an_encoder_that_refuses_unknown_categories_makes_them_invalid(lenders):
    frame, target = lenders
    encoder = encoders.TargetEncoder(handle_unknown="error")
    model = fitted(make_pipeline(encoder, logistic()), frame[["empleo"]], target)
    compiled = compile_pipeline(model, Schema.infer(frame[["empleo"]]))
    assert set(compiled.schema["empleo"].categories) == set(np.unique(frame["empleo"]))
