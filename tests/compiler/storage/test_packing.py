"""Compiled forms as plain data and arrays, and back."""

from __future__ import annotations

import json
import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.compiler import CompiledPipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Isotonic, Sigmoid
from morosidad.compiler.forms.form import Form
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.nodes import expressions
from morosidad.compiler.nodes.base import Expr, Shared
from morosidad.compiler.nodes.expressions import Arith, Constant, Elementwise, Fill, Missing, Raw
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Edges,
    Grid,
    IntervalPosition,
    Lookup,
    Piecewise,
    Table,
)
from morosidad.compiler.readers.splines import curve, through_points
from morosidad.compiler.storage import packing
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

EDGES = Edges(np.array([0.0, 2.0]))
TABLE = Table(("a", 1, True, 2.5), np.arange(12.0).reshape(6, 2) / 7.0)
LINES = curve(np.array([0.0]), np.array([0.0, 1.0]), np.arange(8.0).reshape(2, 2, 2) / 3.0)
NUMBER, TEXT = Raw(0), Raw(1)

TERMS = [
    Arith(Fill(NUMBER, -1.5), "*", 0.1),
    expressions.Clip(Arith(Arith(Fill(NUMBER, 2), "-", 1.0), "/", 3.0), -1.0, math.inf),
    Arith(Missing(NUMBER), "+", 0.0),
    Missing(TEXT),
    Function(Fill(NUMBER, 0.5), "yeo_johnson", (0.3,)),
    Function(Function(Fill(NUMBER, 0.5), "arctan"), "square"),
    Lookup(TEXT, TABLE, 0),
    Lookup(TEXT, TABLE, 1),
    Lookup(Fill(TEXT, "a"), TABLE, 1),
    Lookup(NUMBER, Bins(EDGES, np.array([[0.1], [0.2], [0.3], [0.4]]))),
    Grid(
        IntervalPosition(NUMBER, EDGES),
        CategoryPosition(TEXT, ("a", "ñ")),
        Cells(np.arange(16.0).reshape(4, 4) / 9.0),
    ),
    Fill(Piecewise(NUMBER, LINES, 1), 0.25),
    Constant(0.125),
]


@st.composite
def forms(draw: st.DrawFn):
    terms = draw(st.lists(st.sampled_from(TERMS), max_size=6))
    form = Additive(draw(st.floats(-3, 3)), tuple(terms), 2)
    line = through_points(np.array([-1.0, 0.4, 2.0]), np.array([0.1, 0.2, 0.9]))
    for wrap in draw(st.lists(st.sampled_from(["sigmoid", "isotonic", "mean"]), max_size=3)):
        if wrap == "sigmoid":
            form = Sigmoid(form, draw(st.booleans()), 1.25, -0.5)
        elif wrap == "isotonic":
            form = Isotonic(form, draw(st.booleans()), line)
        else:
            form = Mean((form, form), (1.0, 2.0))
    return form


ROWS = [(None, None), (-1.0, "a"), (0.0, "ñ"), (0.3, "zz"), (2.0, None), (1e9, "a")]


def answers(form, reference):
    schema = Schema([Field("x", "number"), Field("t", "category")])
    compiled = CompiledPipeline(schema, form, reference=reference)
    many = compiled.predict(ColumnBatch.of_records(ROWS, 2).columns).tolist()
    return [compiled.predict_one(row) for row in ROWS], [compiled.explain_one(row) for row in ROWS], many


@settings(max_examples=150, deadline=None)
@given(forms())
def test_a_form_packs_through_json_and_answers_the_same(form):
    data, arrays = pack(form)
    again = unpack(json.loads(json.dumps(data, allow_nan=False)), [array.copy() for array in arrays])
    reference = form.reference(ColumnBatch.of_records(ROWS, 2))
    assert again.reference(ColumnBatch.of_records(ROWS, 2)).tolist() == reference.tolist()
    assert answers(again, reference) == answers(form, reference)


def test_one_record_and_many_answer_the_same_for_every_kind_of_term():
    for term in TERMS:
        one, explained, many = answers(Additive(0.0, (term,), 2), np.zeros(1000))
        assert one == pytest.approx(many, abs=1e-15), term
        assert one == [p for p, _ in explained]


def test_what_is_shared_is_packed_once():
    form = Additive(0.0, tuple(TERMS), 2)
    data, arrays = pack(form)
    assert [item["type"] for item in data["shared"]].count("Table") == 1
    assert sum(array is EDGES.values for array in arrays) == 1
    again = unpack(data, arrays)
    assert again.terms[6].table is again.terms[7].table


def test_numbers_that_json_lacks_survive():
    form = Additive(math.nan, (expressions.Clip(NUMBER, -math.inf, math.inf),), 2)
    data, arrays = pack(form)
    again = unpack(json.loads(json.dumps(data, allow_nan=False)), arrays)
    assert math.isnan(again.intercept)
    assert (again.terms[0].low, again.terms[0].high) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"root": {}, "shared": []},
        {"root": 3, "shared": []},
        {"root": {"type": "Popen", "of": {"args": "ls"}}, "shared": []},
        {"root": {"type": "Raw", "of": {"field": 0}}, "shared": []},
        {"root": {"type": "Additive", "of": {"terms": []}}, "shared": []},
        {"root": {"type": "Constant", "of": {"value": 0.0, "more": 1}}, "shared": []},
        {"root": {"array": 7}, "shared": []},
        {"root": {"shared": 0}, "shared": []},
        {"root": {"float": "once"}, "shared": []},
    ],
    ids=str,
)
def test_data_that_describes_no_form_is_refused(data):
    with pytest.raises(ValueError, match=r"describes no compiled form|could not convert"):
        unpack(data, [])


def test_endless_nesting_is_refused():
    data: dict = {"type": "Raw", "of": {"field": 0}}
    for _ in range(10_000):
        data = {"type": "Missing", "of": {"of": data}}
    with pytest.raises(ValueError, match="describes no compiled form"):
        unpack({"root": data, "shared": []}, [])


def test_only_plain_data_and_arrays_can_be_packed():
    with pytest.raises(TypeError, match="set can't be packed"):
        pack(Additive(0.0, ({1},), 1))


def test_foreign_text_never_reaches_the_source_of_a_function():
    hostile = "'); import os; os.abort() #"
    table = Table((hostile,), np.array([[1.0], [2.0], [3.0]]))
    form = Additive(0.0, (Lookup(Fill(TEXT, hostile), table), Arith(Missing(NUMBER), "*", 1.0)), 2)
    data, arrays = pack(form)
    again = unpack(data, arrays)
    schema = Schema([Field("x", "number"), Field("t", "category")])
    compiled = CompiledPipeline(schema, again, reference=np.zeros(2))
    assert compiled.predict_one((1.0, None)) == pytest.approx(1 / (1 + math.exp(-1)))
    bad = Additive(0.0, (Arith(NUMBER, hostile, 1.0),), 2)
    with pytest.raises(KeyError):
        CompiledPipeline(schema, bad)
    with pytest.raises(ValueError, match="invalid literal"):
        CompiledPipeline(schema, Additive(0.0, (Raw(hostile),), 2))


def test_numbers_from_a_file_that_are_no_numbers_stay_out_of_the_source():
    class Sly(float):
        def __repr__(self):
            return "exit()"

    schema = Schema([Field("x", "number")])
    compiled = CompiledPipeline(schema, Additive(Sly(1.0), (), 1))
    assert compiled.predict_one((0.0,)) == pytest.approx(1 / (1 + math.exp(-1)))


def test_forms_of_ones_own_pack_once_they_are_defined():
    class Coin(Additive, frozen=True, eq=False):
        """A form that someone else wrote."""

    data, arrays = pack(Coin(0.5, (), 1))
    assert isinstance(unpack(data, arrays), Coin)
    assert msgspec.json.encode(data)


# -- names of classes ------------------------------------------------------------------------------


def concrete(cls):
    """Give the classes of the package that are derived from a class and that no other is derived from."""
    for child in (c for c in cls.__subclasses__() if c.__module__.startswith("morosidad.")):
        below = list(concrete(child))
        yield from below or [child]


def test_every_node_and_form_has_its_name_in_files():
    named = {packing._class(name) for name in packing._OWN}
    assert {cls for base in (Shared, Expr, Form) for cls in concrete(base)} == named
    assert all(packing._name(packing._class(name)) == name for name in packing._OWN)


class Clip(Elementwise, frozen=True):
    """A user's node: the number from 1 on."""

    def emit(self, code):
        return f"max(1.0, {code.value(self.of)})"

    def compute(self, x):
        return np.maximum(1.0, x)


def test_a_users_class_that_is_named_like_ours_does_not_stand_in_for_it():
    ours = Additive(0.0, (expressions.Clip(Raw(0), 0.0, 5.0),), 1)
    users = Additive(0.0, (Clip(Raw(0)),), 1)
    for form in (ours, users):
        again = unpack(*pack(form))
        assert type(again.terms[0]) is type(form.terms[0])
    packed = pack(users)[0]["root"]["of"]["terms"][0]
    assert packed["type"] == f"{__name__}:Clip"


class Doubled(Elementwise, frozen=True):
    """A user's node."""

    def compute(self, x):
        return 2.0 * x


def term(name):
    """Describe a form with one term of a class by name."""
    of = {"type": "Raw", "of": {"field": 0}}
    terms = [{"type": name, "of": {"of": of}}]
    return {
        "root": {"type": "Additive", "of": {"intercept": 0.0, "terms": terms, "n_fields": 1}},
        "shared": [],
    }


def test_a_file_that_names_a_users_class_alone_is_read():
    assert type(unpack(term("Doubled"), []).terms[0]) is Doubled


@pytest.mark.parametrize(
    "name",
    [
        "this:that",
        "antigravity:Flight",
        "morosidad.compiler.nodes.base:Position",
        "subprocess:Popen",
        "Nobody",
        3,
        None,
    ],
)
def test_what_is_not_defined_is_neither_made_nor_imported(name):
    with pytest.raises(ValueError, match="describes no compiled form"):
        unpack(term(name), [])
    assert not {"this", "antigravity"} & set(sys.modules)
