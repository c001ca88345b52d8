"""Intervals and target means."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from compiler.columns import logistic, same_columns
from compiler.versions import k_bins
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    StandardScaler,
    TargetEncoder,
)

from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "atrasos"]


# -- bins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins(encode, strategy, numbers, compiled_as_fitted):
    frame, target = numbers
    bins = k_bins(4, encode=encode, strategy=strategy)
    compiled = compiled_as_fitted(make_pipeline(bins, logistic()), frame, target)
    same_columns(bins, frame)
    assert all(field.required for field in compiled.schema.fields)
    assert len(compiled.form.terms) == len(NUMBERS)  # one table for each field


def test_a_number_that_fell_into_a_single_bin(numbers, compiled_as_fitted):
    frame, target = numbers
    frame = frame.assign(unos=[2.0, *[1.0] * (len(frame) - 1)])
    bins = k_bins(4)
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
