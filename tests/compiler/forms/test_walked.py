"""Boosting and forests: the form, its reference row and how it runs."""

from __future__ import annotations

import math
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from compiler.tree_models import MODELS, STUMP, compile_numbers, hand_made, prepared, tree
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import CompiledPipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.walked import Forest
from morosidad.compiler.nodes.computed import Binary
from morosidad.compiler.nodes.expressions import Constant, Raw
from morosidad.compiler.readers.trees import tree_builder
from morosidad.compiler.registry import NotCompilable
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

# -- the form --------------------------------------------------------------------------------------


def test_a_form_survives_its_file(walker, applicants, compiled_as_fitted):
    compiled = compiled_as_fitted(prepared(MODELS["hist"]), *applicants)
    data, arrays = pack(compiled.form)
    again = CompiledPipeline(compiled.schema, unpack(data, arrays), reference=compiled.reference)
    row = (40, 900.0, None, 1, "otro", None, True)
    assert again.predict_one(row) == compiled.predict_one(row)
    assert again.explain_one(row) == compiled.explain_one(row)
    assert {array.dtype.kind for array in arrays} <= set("fiub")


def test_nodes_that_no_path_leads_to_are_left_out(walker):
    loose = tree(
        [1, -1, -1, 4, -1],
        [2, -1, -1, 2, -1],
        [0, 0, 0, 1, 0],
        [0.5] * 5,
        [0.0, -1.0, 2.0, 0.0, 9.0],
    )
    form = hand_made([loose])
    assert form.columns == (Raw(0),)
    assert form.number.tolist() == [0.5, -1.0, 2.0]


def test_siblings_stand_side_by_side_and_roots_first():
    deep = tree(
        [1, 3, -1, -1, -1],
        [2, 4, -1, -1, -1],
        [0, 1, 0, 0, 0],
        [0.5, 1.5, 0, 0, 0],
        [0.0, 0.0, 1.0, 2.0, 3.0],
    )
    form = hand_made([deep, STUMP])
    assert form.child.tolist() == [2, 6, 4, 0, 0, 0, 0, 0]
    assert form.number.tolist() == [0.5, 0.5, 1.5, 1.0, 2.0, 3.0, -1.0, 2.0]


def test_a_model_of_leaves_alone_needs_no_field(walker):
    form = hand_made([tree([-1], [-1], [0], [0.0], [0.25])] * 3, base=0.5)
    compiled = CompiledPipeline(
        Schema([Field("x0", "number")]), form, reference=form.reference(ColumnBatch.of_records([(1.0,)], 1))
    )
    p, shares = compiled.explain_one((None,))
    assert p == compiled.predict_one((7.0,)) == pytest.approx(1 / (1 + np.exp(-1.25)))
    assert set(shares) == {0.0}


def test_a_constant_column_never_parts_two_records(walker):
    form = hand_made([STUMP], [Constant(0.25), Raw(1)])
    compiled = CompiledPipeline(
        Schema([Field("x0", "number"), Field("x1", "number")]), form, reference=np.array([0.25])
    )
    p, shares = compiled.explain_one((3.0, 3.0))
    assert p == pytest.approx(1 / (1 + np.exp(1.0)))
    assert shares == (0.0, 0.0)


def test_the_fields_that_a_column_is_computed_from_share_it_equally():
    form = hand_made([STUMP], [Binary("+", Raw(0), Raw(1)), Raw(1)])
    fields = [Field("x0", "number"), Field("x1", "number")]
    compiled = CompiledPipeline(Schema(fields), form, reference=np.array([0.0]))
    p, shares = compiled.explain_one((3.0, 3.0))
    base = CompiledPipeline(Schema(fields), form).predict_one((0.0, 0.0))
    moved = math.log(p / (1 - p)) - math.log(base / (1 - base))
    assert moved != 0.0
    assert shares == pytest.approx((moved / 2, moved / 2))


def test_more_columns_than_the_kernel_counts_are_refused(monkeypatch):
    monkeypatch.setattr(tree_builder, "MAX_COLUMNS", 0)
    with pytest.raises(NotCompilable, match="more than 0 columns"):
        hand_made([STUMP])


def test_an_initial_estimator_of_another_loss_is_refused(applicants, left_to_original):
    frame, target = applicants
    model = GradientBoostingClassifier(n_estimators=2, loss="exponential", init=LogisticRegression())
    schema = Schema.infer(frame[["edad"]])
    compiled = left_to_original(model.fit(frame[["edad"]], target), schema)
    assert "init" in compiled.notes[0]


def test_the_scale_is_that_of_the_sum():
    assert hand_made([STUMP]).scale == "log-odds"
    assert hand_made([STUMP], form=Forest).scale == "probability"


# -- the typical row -------------------------------------------------------------------------------


def test_the_reference_is_a_real_row_of_middling_score_and_ordinary_values(walker, applicants):
    frame, target = applicants
    X = frame[["edad", "ingresos"]].to_numpy()
    model = HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=5).fit(X, target)
    form = compile_numbers(model, 2)[0].form
    batch = ColumnBatch(list(np.tile(X, (5, 1)).T))
    reference = form.reference(batch)
    assert (reference == X).all(axis=1).any()
    scores = form.batch_log_odds(batch)
    score = form.batch_log_odds(ColumnBatch(list(reference[:, None])))[0]
    nearest = np.sort(np.abs(scores - scores.mean()))[len(scores) // 20]
    assert abs(score - scores.mean()) <= nearest
    assert np.array_equal(reference, form.reference(batch))


def test_where_most_have_no_value_none_is_ordinary(walker):
    form = hand_made([STUMP._replace(missing_left=np.array([True, False, False]))])
    rows = [(None, 0.0)] * 30 + [(float(i) / 50, 0.0) for i in range(20)]
    assert np.isnan(form.reference(ColumnBatch.of_records(rows, 2))[0])


def test_columns_without_any_value_have_a_reference(walker):
    form = hand_made([STUMP])
    assert np.isnan(form.reference(ColumnBatch.of_records([(None, 1.0)] * 3, 2))[0])


# -- running ---------------------------------------------------------------------------------------


def test_many_threads_get_the_answers_that_one_gets(applicants, compiled_as_fitted):
    pytest.importorskip("numba")
    compiled = compiled_as_fitted(prepared(MODELS["hist"]), *applicants)
    rows = [(18 + i, 300.0 * i, None, i % 5, "otro", "propia", i % 2 == 0) for i in range(40)]
    expected = [compiled.explain_one(row) for row in rows]
    start, found = threading.Barrier(4), []

    def ask():
        start.wait()
        found.extend([compiled.explain_one(row) for row in rows] for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(answers == expected for answers in found)


def test_where_there_is_no_place_on_disk_the_code_is_compiled_all_the_same(monkeypatch):
    pytest.importorskip("numba")
    from morosidad.compiler.backends.numba import machine

    asked = []

    def cfunc(signature, cache=False):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: SimpleNamespace(address=7)

    monkeypatch.setattr(machine, "cfunc", cfunc)
    monkeypatch.setattr(machine, "_KEPT", [])
    assert machine.machine_code(len, None) == 7
    assert asked == [True, False]


def test_without_numba_python_walks(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert hand_made([STUMP]).walker.name == "Python"


def test_a_value_that_is_no_number_is_an_error_and_no_answer(walker, applicants):
    frame, target = applicants
    model = DecisionTreeClassifier(max_depth=3).fit(frame[["edad"]].to_numpy(), target)
    compiled, _ = compile_numbers(model, 1)
    with pytest.raises(Exception, match="float"):
        compiled.predict_one(("cuarenta",))


def test_sums_in_32_bits_are_rounded_after_every_tree(walker):
    leaf = 1.0 + 2.0**-20
    trees = [tree([-1], [-1], [0], [0.0], [leaf])] * 50
    form = hand_made(trees, narrow=True, base=0.1)
    total = np.float32(0.1)
    for _ in range(50):
        total = np.float32(total + np.float32(leaf))
    assert float(total) != 0.1 + 50 * leaf
    assert form.walker.totals(np.zeros((0, 3))).tolist() == [float(total)] * 3
    p = CompiledPipeline(Schema([Field("x", "number")]), form).predict_one((1.0,))
    assert p == 1.0 / (1.0 + np.exp(-float(total)))
    assert form.tolerance == 1e-6
