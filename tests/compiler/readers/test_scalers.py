"""Powers and functions of numbers, and tables that they are folded into."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.columns import logistic, same_columns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)

from morosidad.compiler import compile_transformer
from morosidad.errors import InvalidRecord
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

# -- powers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("standardize", [False, True])
def test_yeo_johnson_powers(standardize, numbers, compiled_as_fitted):
    frame, target = numbers
    frame = frame.assign(centrado=frame["ingresos"] - 1000.0, fijo=3.0)
    power = PowerTransformer(standardize=standardize)
    model = make_pipeline(power, StandardScaler(), logistic())
    compiled_as_fitted(model, frame, target)
    same_columns(power, frame)


@pytest.mark.parametrize("standardize", [False, True])
def test_box_cox_powers_demand_numbers_above_zero(standardize, numbers, compiled_as_fitted):
    frame, target = numbers
    used = frame[["edad", "ingresos"]]
    power = PowerTransformer("box-cox", standardize=standardize)
    compiled = compiled_as_fitted(make_pipeline(power, StandardScaler(), logistic()), used, target)
    same_columns(power, used)
    assert [field.gt for field in compiled.schema.fields] == [0.0, 0.0]
    with pytest.raises(InvalidRecord, match="edad: debe ser mayor que 0"):
        compiled.schema.read({"edad": 0, "ingresos": 1.0})


@settings(max_examples=60, deadline=None)
@given(
    power=st.floats(-5, 5).filter(lambda power: abs(power) > 1e-3) | st.sampled_from([0.0, 1.0, 2.0]),
    x=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
)
def test_any_power_of_any_number(power, x):
    frame = pd.DataFrame({"x": [*x, np.nan]})
    transformer = PowerTransformer(standardize=False).fit(pd.DataFrame({"x": [1.0, 2.0, 5.0]}))
    transformer.lambdas_ = np.array([power])
    same_columns(transformer, frame, exact=1e-11)


# -- functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square, np.abs, np.fabs,
        np.sign, np.negative, np.tanh, np.arctan, np.arcsinh, None,
    ],
    ids=lambda f: getattr(f, "__name__", "none"),
)  # fmt: skip
def test_numpy_functions(function, numbers, compiled_as_fitted):
    frame, target = numbers
    used = frame[["edad", "ingresos"]]
    step = FunctionTransformer(function)
    compiled = compiled_as_fitted(make_pipeline(step, StandardScaler(), logistic()), used, target)
    same_columns(step, used)
    limits = {"log": (None, 0.0), "log2": (None, 0.0), "log10": (None, 0.0), "log1p": (None, -1.0)}
    name = getattr(function, "__name__", "none")
    expected = limits.get(name, (0.0, None) if name == "sqrt" else (None, None))
    assert [(field.ge, field.gt) for field in compiled.schema.fields] == [expected, expected]


@pytest.mark.parametrize("function", [np.exp, np.exp2, np.expm1], ids=lambda f: f.__name__)
def test_exponentials_of_scaled_numbers(function, numbers, compiled_as_fitted):
    frame, target = numbers
    step = make_pipeline(QuantileTransformer(n_quantiles=20), FunctionTransformer(function))
    compiled_as_fitted(make_pipeline(step, logistic()), frame, target)


def test_functions_of_numbers_beyond_the_largest_float_are_infinite():
    frame = pd.DataFrame({"x": [-1e4, 800.0, 1e4]})
    step = FunctionTransformer(np.exp).fit(frame)
    compiled = compile_transformer(step, Schema([Field("x", "number")]))
    assert [compiled.row((x,))[0] for x in frame["x"]] == [0.0, np.inf, np.inf]


def test_functions_of_numbers_that_are_filled_demand_only_what_is_given(applicants, compiled_as_fitted):
    frame, target = applicants
    step = make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p))
    compiled = compiled_as_fitted(make_pipeline(step, logistic()), frame[["deuda"]], target)
    assert compiled.schema["deuda"].gt == -1.0
    assert not compiled.schema["deuda"].required


def test_a_limit_that_is_declared_already_stays(numbers, compiled_as_fitted):
    frame, target = numbers
    schema = Schema([Field("edad", "integer", ge=18), Field("ingresos", "number", gt=0.0)])
    model = make_pipeline(FunctionTransformer(np.log), logistic())
    compiled = compiled_as_fitted(model, frame[["edad", "ingresos"]], target, schema=schema)
    assert compiled.schema["edad"].gt is None
    assert compiled.schema["ingresos"].gt == 0.0


@pytest.mark.parametrize(
    ("steps", "note"),
    [
        ([FunctionTransformer(np.exp, kw_args={"dtype": "f8"})], "FunctionTransformer(exp)"),
        ([StandardScaler(), FunctionTransformer(np.sqrt)], "stands behind another transformer"),
        ([SimpleImputer(strategy="constant"), FunctionTransformer(np.log)], "no value of"),
    ],
)
def test_functions_without_a_compiled_form(steps, note, numbers, left_to_original):
    frame, target = numbers
    frame = frame[["edad", "ingresos"]] / 1e3
    model = make_pipeline(*steps, SimpleImputer(), logistic())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
    assert note in left_to_original(model, Schema.infer(frame)).notes[0]


def test_a_function_of_a_flag_that_it_has_no_value_of_is_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    model = make_pipeline(FunctionTransformer(np.log1p), logistic()).fit(frame[["garante"]], target)
    assert "no value of" in left_to_original(model, Schema.infer(frame[["garante"]])).notes[0]


# -- constants folded -----------------------------------------------------------------------------


def _ill_conditioned(steps):
    """Tell whether a power, which may leave two values an ulp apart, comes before a curve that parts them."""
    kinds = [type(step) for step in steps]
    curves = (QuantileTransformer, SplineTransformer)
    return PowerTransformer in kinds and any(
        kind in curves for kind in kinds[kinds.index(PowerTransformer) + 1 :]
    )


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.sampled_from(
            [
                StandardScaler(),
                PowerTransformer(),
                QuantileTransformer(n_quantiles=3),
                FunctionTransformer(np.square),
                SimpleImputer(add_indicator=True),
                SplineTransformer(degree=2, n_knots=3),
            ]
        ),
        max_size=3,
    )
    .filter(lambda steps: not _ill_conditioned(steps))
    .map(lambda steps: [clone(step) for step in steps])
)
def test_functions_of_encoded_columns_become_part_of_the_table(steps, applicants, compiled_as_fitted):
    frame, target = applicants
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    model = make_pipeline(encoder, *steps, StandardScaler(), logistic())
    compiled = compiled_as_fitted(model, frame[["empleo", "vivienda"]], target, tolerance=1e-11)
    assert len(compiled.form.terms) == 2
