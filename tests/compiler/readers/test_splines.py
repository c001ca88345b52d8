"""Quantiles and splines as polynomials between knots."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.columns import logistic, same_columns
from compiler.versions import since
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    QuantileTransformer,
    SplineTransformer,
)

from morosidad.compiler import NotCompilable, compile_transformer
from morosidad.compiler.readers import splines
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "atrasos"]


MAGNITUDES = [0.0, 5e-324, 2.2e-308, 1e-300, 1e-8, 1e-7, 1.0, 10.0]
EDGES = [*MAGNITUDES, *(-number for number in MAGNITUDES)]
"""Zeros, subnormals, powers of ten, and how far scikit-learn looks beyond the outermost quantiles."""


def bounds_by_steps(low, high):
    """Search both bounds float by float, as far as they lie near; None where they don't."""
    start, end = low + 1e-7, high - 1e-7
    for _ in range(1000):
        if start - 1e-7 < low:
            start = float(np.nextafter(start, np.inf))
        elif np.nextafter(start, -np.inf) - 1e-7 >= low:
            start = float(np.nextafter(start, -np.inf))
        elif not end + 1e-7 > high:
            end = float(np.nextafter(end, np.inf))
        elif np.nextafter(end, -np.inf) + 1e-7 > high:
            end = float(np.nextafter(end, -np.inf))
        else:
            return start, end
    return None


@settings(max_examples=300, deadline=None)
@given(*[st.floats(-1e12, 1e12) | st.floats(-1e-6, 1e-6) | st.sampled_from(EDGES)] * 2)
def test_bounds_are_the_outermost_floats(one, other):
    low, high = sorted([one, other])
    start, end = splines._bounds(np.array([low, high]), True)
    assert start - 1e-7 >= low
    assert np.nextafter(start, -np.inf) - 1e-7 < low
    assert end + 1e-7 > high
    assert np.nextafter(end, -np.inf) + 1e-7 <= high
    assert bounds_by_steps(low, high) in (None, (start, end))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_bound_at_zero_is_found_without_stepping_through_the_subnormals(sign):
    frame = pd.DataFrame({"x": sign * np.array([0.0, 5e-8, 1e-7])})
    quantiles = QuantileTransformer(n_quantiles=3, output_distribution="normal").fit(frame)
    same_columns(quantiles, frame)


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
        st.integers(-5, 5)
        | st.sampled_from([x for x in EDGES if x == round(x, 12)])
        | st.floats(-1e3, 1e3).map(lambda x: round(x, 12)),
        min_size=1,
        max_size=30,
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


@since(1, 8, "splines of missing values")
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
