"""Powers, quantiles, bins, splines, functions, selection, target encoding."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from morosidad.compiler import NotCompilable, compile_transformer
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.errors import InvalidRecord
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "atrasos"]


def logistic():
    return LogisticRegression(C=0.1, max_iter=5000)


def same_columns(transformer, frame, *, exact=1e-13):
    """Compare a fitted transformer's columns with its compiled form's, row by row."""
    schema = Schema.infer(frame)
    compiled = compile_transformer(transformer, schema)
    expected = transformer.transform(frame)
    expected = np.asarray(expected.todense() if hasattr(expected, "todense") else expected, dtype=float)
    found = [compiled.row(row) for row in as_rows(schema, frame.to_dict("records"))]
    np.testing.assert_allclose(found, expected, rtol=exact, atol=exact)


@pytest.fixture(scope="module")
def numbers(applicants):
    frame, target = applicants
    return frame[NUMBERS], target


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


# -- quantiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [2, 10, 120])
def test_quantiles(distribution, n_quantiles, applicants, compiled_as_fitted):
    frame, target = applicants
    frame = frame[[*NUMBERS, "deuda"]]
    quantiles = QuantileTransformer(n_quantiles=n_quantiles, output_distribution=distribution)
    compiled_as_fitted(make_pipeline(quantiles, SimpleImputer(), logistic()), frame, target)
    same_columns(quantiles, frame)


@settings(max_examples=80, deadline=None)
@given(
    fitted=st.lists(
        st.integers(-5, 5) | st.floats(-1e3, 1e3).map(lambda x: round(x, 12)), min_size=1, max_size=30
    ),
    asked=st.lists(st.floats(-2e3, 2e3), max_size=10),
    distribution=st.sampled_from(["uniform", "normal"]),
)
def test_quantiles_of_repeated_numbers_on_and_beside_every_knot(fitted, asked, distribution):
    column = np.array(fitted, dtype=float)[:, None]
    transformer = QuantileTransformer(n_quantiles=len(column), output_distribution=distribution).fit(column)
    edges = transformer.quantiles_.ravel()
    near = [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), edges + 1e-7, edges - 1e-7]
    frame = pd.DataFrame({"x": np.concatenate([*near, asked, column.ravel(), [np.nan]])})
    schema = Schema([Field("x", "number")])
    compiled = compile_transformer(transformer, schema)
    expected = transformer.transform(frame.to_numpy())
    found = [compiled.row((None if x != x else x,)) for x in frame["x"]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_quantiles_that_no_slope_joins_are_left_to_the_original():
    transformer = QuantileTransformer(n_quantiles=3).fit([[0.0], [5e-324], [1.0]])
    with pytest.raises(NotCompilable, match="all but meet"):
        compile_transformer(transformer, Schema([Field("x", "number")]))


def test_quantiles_of_a_column_without_values_are_left_to_the_original(numbers, left_to_original):
    frame, target = numbers
    frame = frame.assign(nada=np.nan)
    model = make_pipeline(
        QuantileTransformer(n_quantiles=5), SimpleImputer(keep_empty_features=True), logistic()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
    assert "without values" in left_to_original(model, Schema.infer(frame)).notes[0]


# -- bins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins(encode, strategy, numbers, compiled_as_fitted):
    frame, target = numbers
    bins = KBinsDiscretizer(4, encode=encode, strategy=strategy, quantile_method="averaged_inverted_cdf")
    compiled = compiled_as_fitted(make_pipeline(bins, logistic()), frame, target)
    same_columns(bins, frame)
    assert all(field.required for field in compiled.schema.fields)
    assert len(compiled.form.terms) == len(NUMBERS)  # one table for each field


def test_a_number_that_fell_into_a_single_bin(numbers, compiled_as_fitted):
    frame, target = numbers
    frame = frame.assign(unos=[2.0, *[1.0] * (len(frame) - 1)])
    bins = KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn tells of bins that are too small
        compiled_as_fitted(make_pipeline(bins, logistic()), frame[["unos", "ingresos"]], target)


def test_bins_of_imputed_numbers_hold_their_own_edges(applicants, compiled_as_fitted):
    frame, target = applicants
    bins = make_pipeline(
        SimpleImputer(), KBinsDiscretizer(5, strategy="uniform"), StandardScaler(with_mean=False)
    )
    compiled = compiled_as_fitted(make_pipeline(bins, logistic()), frame[["deuda"]], target)
    schema = compiled.schema
    edges = bins[1].bin_edges_[0]
    for x in [*edges, *np.nextafter(edges, np.inf), *np.nextafter(edges, -np.inf)]:
        expected = compiled.original.predict([(float(x),)])[0]
        assert compiled.predict_one((float(x),)) == pytest.approx(expected, abs=1e-14)
    assert not schema["deuda"].required


@pytest.mark.parametrize("threshold", [0.0, 2.0])
def test_binarizer(threshold, numbers, compiled_as_fitted):
    frame, target = numbers
    binarizer = Binarizer(threshold=threshold)
    compiled_as_fitted(make_pipeline(binarizer, logistic()), frame[["atrasos"]], target)
    same_columns(binarizer, frame[["atrasos"]])


# -- splines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("extrapolation", ["constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("include_bias", [False, True])
def test_splines(extrapolation, degree, include_bias, numbers, compiled_as_fitted):
    frame, target = numbers
    near = frame[["edad", "ingresos"]].assign(ingresos=frame["ingresos"] / 1000.0)
    spline = SplineTransformer(degree=degree, extrapolation=extrapolation, include_bias=include_bias)
    compiled = compiled_as_fitted(make_pipeline(spline, logistic()), near, target)
    outside = near.assign(edad=near["edad"] + 30, ingresos=near["ingresos"] - 0.4)
    same_columns(spline, pd.concat([near, outside]), exact=1e-11)
    assert len(compiled.form.terms) == 2  # one curve for each field


@pytest.mark.parametrize("extrapolation", ["constant", "continue", "periodic"])
def test_splines_of_straight_lines(extrapolation, numbers):
    frame, _ = numbers
    spline = SplineTransformer(degree=1, extrapolation=extrapolation).fit(frame)
    same_columns(spline, frame, exact=1e-12)


def test_splines_at_given_knots_with_missing_values_as_zeros(applicants, compiled_as_fitted):
    frame, target = applicants
    knots = np.array([[0.0], [300.0], [1500.0], [4000.0]])
    spline = SplineTransformer(knots=knots, handle_missing="zeros")
    compiled_as_fitted(make_pipeline(spline, logistic()), frame[["deuda"]], target)
    same_columns(spline, frame[["deuda"]], exact=1e-12)


@pytest.mark.parametrize(
    "setting", [{"extrapolation": "error"}, {"degree": 0}, {"extrapolation": "linear", "degree": 1}], ids=str
)
def test_splines_that_raise_or_jump_are_left_to_the_original(setting, numbers, left_to_original):
    frame, target = numbers
    model = make_pipeline(SplineTransformer(**setting), logistic()).fit(frame, target)
    assert "SplineTransformer(" in left_to_original(model, Schema.infer(frame)).notes[0]


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
        ([FunctionTransformer(np.nan_to_num)], "FunctionTransformer(nan_to_num)"),
        ([StandardScaler(), FunctionTransformer(np.sqrt)], "stands behind another transformer"),
        ([SimpleImputer(strategy="constant"), FunctionTransformer(np.log)], "no value of"),
        ([Normalizer()], "Normalizer has no compiled form"),
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


# -- selection -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selector",
    [
        SelectKBest(k=2),
        SelectPercentile(percentile=60),
        SelectFpr(alpha=0.9),
        SelectFdr(alpha=0.99),
        SelectFwe(alpha=0.99),
        GenericUnivariateSelect(mode="k_best", param=2),
        VarianceThreshold(10.0),
        SelectFromModel(logistic(), threshold="median"),
        RFE(logistic(), n_features_to_select=2),
        RFECV(logistic(), min_features_to_select=2, cv=2),
        SequentialFeatureSelector(logistic(), n_features_to_select=2, cv=2),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_feature_selection(selector, numbers, compiled_as_fitted):
    frame, target = numbers
    compiled_as_fitted(make_pipeline(selector, StandardScaler(), logistic()), frame, target)
    same_columns(selector, frame)


def test_a_selector_that_takes_no_missing_values_demands_the_columns_that_it_drops(
    numbers, compiled_as_fitted
):
    frame, target = numbers
    compiled = compiled_as_fitted(
        make_pipeline(SelectFromModel(logistic(), max_features=1), logistic()), frame, target
    )
    assert all(field.required for field in compiled.schema.fields)


# -- target means ----------------------------------------------------------------------------------


@pytest.mark.parametrize("smooth", ["auto", 3.0])
def test_target_encoders(smooth, applicants, compiled_as_fitted):
    frame, target = applicants
    parts = [("t", TargetEncoder(smooth=smooth, cv=2), ["empleo", "vivienda", "garante", "atrasos"])]
    model = make_pipeline(ColumnTransformer(parts), StandardScaler(), logistic())
    compiled = compiled_as_fitted(model, frame, target)
    assert not any(field.required for field in compiled.schema.fields)


def test_target_encoders_of_many_classes_are_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    encoder = TargetEncoder(target_type="multiclass").fit(frame[["empleo"]], np.arange(len(frame)) % 3)
    model = make_pipeline(encoder, logistic())
    model[1].fit(encoder.transform(frame[["empleo"]]), target)
    note = left_to_original(model, Schema.infer(frame[["empleo"]])).notes[0]
    assert note == "TargetEncoder of more than two classes has no compiled form"


# -- tables worked out beforehand ------------------------------------------------------------------


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
