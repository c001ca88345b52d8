"""Table models: explainable boosting machines, pairs of fields, exact contributions."""

from __future__ import annotations

import ctypes
import json
import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from itertools import combinations
from math import comb
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from morosidad.compiler import CompiledPipeline, compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.expressions import Arith, Raw
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Edges,
    Grid,
    IntervalPosition,
    Lookup,
    Table,
)
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.errors import NotCompiledWarning
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from support import needed

EBM = {"max_rounds": 30, "outer_bags": 1, "n_jobs": 1, "random_state": 0, "interactions": 4}


def machine(**settings):
    needed(find_spec("interpret") is not None, "interpret-core")
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(**{**EBM, **settings})


FLAGS = pytest.mark.skipif(
    tuple(map(int, version("interpret-core").split("."))) < (0, 7, 4) if find_spec("interpret") else False,
    reason="interpret-core before 0.7.4 takes True for a text, and beside a missing value for another",
)


# -- explainable boosting machines -----------------------------------------------------------------


@FLAGS
@pytest.mark.parametrize("interactions", [0, 6])
def test_machines_on_raw_fields(interactions, applicants, compiled_as_fitted):
    frame, target = applicants
    model = machine(interactions=interactions)
    compiled = compiled_as_fitted(model, frame, target)
    assert len(compiled.form.terms) == len(model.term_features_)
    assert not any(field.required for field in compiled.schema.fields)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    scores = model.decision_function(frame)
    for row, score in zip(rows, scores, strict=True):
        _, shares = compiled.explain_one(row)
        assert sum(shares) == pytest.approx(score - scores.mean(), abs=1e-12)


@FLAGS
def test_the_main_effects_of_a_machine_are_its_own_local_explanation(applicants, compiled_as_fitted):
    frame, target = applicants
    model = machine(interactions=0)
    compiled = compiled_as_fitted(model, frame, target)
    own = model.eval_terms(frame)
    own = own - own.mean(axis=0)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    shares = np.array([compiled.explain_one(row)[1] for row in rows])
    places = [features[0] for features in model.term_features_]
    np.testing.assert_allclose(shares[:, places], own, rtol=0, atol=1e-12)


@FLAGS
@pytest.mark.parametrize("kind", ["nominal", "ordinal"])
def test_features_of_categories_in_every_dress(kind, compiled_as_fitted):
    rng = np.random.default_rng(0)
    n = 150
    frame = pd.DataFrame(
        {
            "texto": rng.choice(["a", "b", "1", "1.0", " a", ""], n),
            "entero": rng.integers(-2, 3, n),
            "real": rng.choice([0.5, 1.0, 1e16, -0.0, np.nan], n),
            "bandera": rng.random(n) < 0.5,
            "codigo": pd.Categorical(rng.integers(1, 4, n)),
        }
    )
    frame.loc[rng.random(n) < 0.1, "texto"] = np.nan
    target = (rng.random(n) < 0.3 + 0.4 * frame["bandera"]).astype(int).to_numpy()
    types = ["nominal", kind, "nominal", "nominal", "nominal"]
    compiled = compiled_as_fitted(machine(feature_types=types), frame, target)
    assert len({compiled.predict_one((text, 0, 1.0, True, 1)) for text in ["a", "b", "otro"]}) > 1


def test_machines_behind_transformers(applicants, compiled_as_fitted):
    frame, target = applicants
    coded = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        SimpleImputer(strategy="constant"),
    )
    parts = [
        ("n", SimpleImputer(add_indicator=True), ["edad", "deuda"]),
        ("t", coded, ["empleo", "vivienda"]),
    ]
    model = make_pipeline(ColumnTransformer(parts), machine())
    compiled = compiled_as_fitted(model, frame, target)
    row = compiled.schema.read({"edad": 40})[0]
    assert compiled.explain_one(row)[1][1] == 0.0  # income is not among the columns


def test_imputed_text_stays_text_to_a_machine(applicants, compiled_as_fitted):
    frame, target = applicants
    texts = ["empleo", "vivienda"]
    imputed = SimpleImputer(strategy="most_frequent").set_output(transform="pandas")
    compiled_as_fitted(make_pipeline(imputed, machine()), frame[texts], target)


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (
            {"interactions": [(0, 1, 2)], "feature_types": [None, None, None, "nominal"]},
            "a term of three features has no compiled form",
        ),
        (
            {"feature_types": ["continuous"] * 4},
            "the field 'texto' holds text that the model reads as numbers",
        ),
    ],
    ids=["three features", "text as numbers"],
)
def test_machines_that_are_left_to_the_original(settings, note, applicants):
    frame, target = applicants
    frame = frame[["edad", "ingresos", "atrasos"]].assign(texto=frame["edad"].astype(str))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three features can't be drawn
        model = machine(**settings).fit(frame, target)
    with pytest.warns(NotCompiledWarning, match=note):
        compile_pipeline(model, Schema.infer(frame))


def test_another_link_than_the_logit_is_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    model = machine().fit(frame[["edad"]], target)
    model.link_ = "cloglog"
    model.predict_proba = lambda X: np.full((len(X), 2), 0.5)
    assert "cloglog" in left_to_original(model, Schema.infer(frame[["edad"]])).notes[0]


@FLAGS
def test_a_machine_packs_and_unpacks_to_the_same_answers(applicants, compiled_as_fitted, compile_form):
    frame, target = applicants
    compiled = compiled_as_fitted(machine(), frame, target)
    data, arrays = pack(compiled.form)
    again = unpack(json.loads(json.dumps(data)), arrays)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    made = type(compiled)(compiled.schema, again, reference=compiled.reference)
    assert [made.explain_one(row) for row in rows] == [compiled.explain_one(row) for row in rows]
    names = [item["type"] for item in data["shared"]]
    assert names.count("Edges") <= 2 * 4  # two resolutions of four numeric fields


# -- pairs -----------------------------------------------------------------------------------------

AGE = IntervalPosition(Raw(0), Edges(np.array([30.0, 45.0])))
JOB = CategoryPosition(Raw(1), ("a", "b"))
DEBT = IntervalPosition(Arith(Raw(2), "*", 2.0), Edges(np.array([1.0])))


@st.composite
def sums(draw: st.DrawFn) -> Additive:
    """Draw terms of one field and of two."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    terms = [
        Lookup(Raw(0), Bins(AGE.edges, rng.normal(size=(4, 1)))),
        Lookup(Raw(1), Table(JOB.keys, rng.normal(size=(4, 1)))),
        *([Arith(Raw(2), "*", 0.3)] if draw(st.booleans()) else []),
        Grid(AGE, JOB, Cells(rng.normal(size=(4, 4)))),
        Grid(JOB, DEBT, Cells(rng.normal(size=(4, 3)))),
        Grid(DEBT, AGE, Cells(rng.normal(size=(3, 4)))),
        Grid(AGE, IntervalPosition(Raw(0), Edges(np.array([60.0]))), Cells(rng.normal(size=(4, 3)))),
    ]
    chosen = draw(st.lists(st.sampled_from(terms), min_size=1, max_size=7, unique_by=id))
    return Additive(float(rng.normal()), tuple(chosen), 3)


ROWS = st.tuples(
    st.integers(18, 80), st.sampled_from(["a", "b", "c", None]), st.floats(0, 2, allow_subnormal=False)
)


def schema():
    return Schema([Field("edad", "integer"), Field("empleo", "category"), Field("deuda", "number")])


@settings(max_examples=100, deadline=None)
@given(form=sums(), row=ROWS, reference=st.lists(ROWS, min_size=1, max_size=5))
def test_contributions_are_the_shapley_values_against_the_reference_rows(form, row, reference):
    base = form.reference(ColumnBatch.of_records(reference, 3))
    compiled = CompiledPipeline(schema(), form, reference=base)
    p, shares = compiled.explain_one(row)
    assert p == compiled.predict_one(row)

    def worth(fields):
        mixed = [tuple(row[i] if i in fields else other[i] for i in range(3)) for other in reference]
        return form.batch_log_odds(ColumnBatch.of_records(mixed, 3)).mean()

    for i in range(3):
        others = [j for j in range(3) if j != i]
        expected = sum(
            (worth({*some, i}) - worth(set(some))) / (3 * comb(2, size))
            for size in range(3)
            for some in combinations(others, size)
        )
        assert shares[i] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(form=sums(), rows=st.lists(ROWS, min_size=1, max_size=20))
def test_machine_code_and_plain_python_give_the_same_bits(form, rows):
    needed(find_spec("numba") is not None, "numba")
    base = form.reference(ColumnBatch.of_records(rows, 3))
    machine_code = CompiledPipeline(schema(), form, reference=base)
    with mock.patch.dict(sys.modules, {"numba": None}):
        plain = CompiledPipeline(schema(), form, reference=base)
        assert plain.explain_one is not None  # made here
    assert [machine_code.explain_one(row) for row in rows] == [plain.explain_one(row) for row in rows]
    assert [machine_code.predict_one(row) for row in rows] == [plain.predict_one(row) for row in rows]


@settings(max_examples=30, deadline=None)
@given(form=sums(), rows=st.lists(ROWS, min_size=1, max_size=5))
def test_what_is_machine_code_is_right_as_python_too(form, rows):
    needed(find_spec("numba") is not None, "numba")
    from morosidad.compiler.backends.numba import tables

    def interpreted(whole, numbers, row, address, explain):
        shares = (ctypes.c_double * 3).from_address(address) if explain else None
        return tables.add_up(whole.values, numbers.values, np.frombuffer(row), shares, explain)

    base = form.reference(ColumnBatch.of_records(rows, 3))
    machine_code = CompiledPipeline(schema(), form, reference=base)
    with mock.patch.object(tables, "_add_up", return_value=interpreted):
        python = CompiledPipeline(schema(), form, reference=base)
        assert python.explain_one is not None  # made here
    assert [python.explain_one(row) for row in rows] == [machine_code.explain_one(row) for row in rows]
    assert [python.predict_one(row) for row in rows] == [machine_code.predict_one(row) for row in rows]


@settings(max_examples=50, deadline=None)
@given(form=sums(), rows=st.lists(ROWS, min_size=1, max_size=20))
def test_many_rows_give_what_each_gives_alone(form, rows):
    compiled = CompiledPipeline(schema(), form, reference=form.reference(ColumnBatch.of_records(rows, 3)))
    found, shares = compiled.explain_alike(ColumnBatch.of_records(rows, 3).columns)
    assert found.tolist() == [compiled.predict_one(row) for row in rows]
    assert shares.tolist() == [list(compiled.explain_one(row)[1]) for row in rows]


def test_logarithms_round_otherwise_in_columns():
    form = Additive(0.0, (Function(Raw(2), "log1p"),), 3)
    compiled = CompiledPipeline(schema(), form, reference=np.zeros(3))
    assert not compiled.explains_alike
    with pytest.raises(ValueError, match="each alone"):
        compiled.explain_alike(ColumnBatch.of_records([(20, "a", 1.0)], 3).columns)


def test_what_a_grid_and_an_interval_hold():
    missing = frozenset({0, 1})
    assert not Grid(AGE, JOB, Cells(np.zeros((4, 4)))).may_be_missing(missing)
    assert Grid(AGE, JOB, Cells(np.full((4, 4), np.nan))).may_be_missing(missing)
    assert not AGE.may_be_missing(missing)
    batch = ColumnBatch.of_records([(29, "a", 0.0), (30, "z", 0.0), (None, None, 0.0)], 3)
    assert batch.value(AGE).tolist() == [0.0, 1.0, 3.0]
    assert batch.value(JOB).tolist() == [0.0, 2.0, 3.0]
