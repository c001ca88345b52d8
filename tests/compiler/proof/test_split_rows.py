"""Probe rows at the splits of trees: every mutation of a model is caught."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pandas as pd
import pytest
from compiler.tree_models import STUMP, hand_made
from compiler.versions import k_bins
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline

from morosidad.compiler import CompiledPipeline, Compiler, compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.nodes.expressions import Constant, Raw
from morosidad.compiler.proof import split_rows
from morosidad.compiler.proof.parity import compare
from morosidad.compiler.proof.probe_rows import probe_rows
from morosidad.errors import NotCompiledWarning
from morosidad.frames.layout import FrameLayout
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

# -- the gate --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judged():
    """A small model of numbers and categories, some missing, with its schema, rows and form."""
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {"a": rng.normal(size=n), "b": rng.lognormal(8, 1, n), "c": rng.choice(list("xyz"), n)}
    )
    frame.loc[rng.random(n) < 0.2, "a"] = np.nan
    frame["c"] = frame["c"].astype("category")
    z = frame["a"].fillna(1.0) + (frame["c"] == "x") + (frame["b"] > 3000)
    target = (z + rng.normal(size=n) > 1.0).astype(int)
    model = HistGradientBoostingClassifier(
        categorical_features="from_dtype", max_iter=6, max_leaf_nodes=8, random_state=0
    ).fit(frame, target)
    schema = Schema.infer(frame)
    rows = [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]
    layout = FrameLayout.of(frame, {name: name for name in frame})
    compiled = compile_pipeline(model, schema, rows, layout=layout)
    assert compiled.compiled, compiled.notes
    return SimpleNamespace(compiled=compiled, rows=rows[:50], schema=schema)


def caught(judged, **changed):
    """Say whether the gate refuses the form with other arrays."""
    mutant = msgspec.structs.replace(judged.compiled.form, **changed)
    report = compare(
        CompiledPipeline(judged.schema, mutant).predict_one,
        judged.compiled.original.predict,
        probe_rows(judged.schema, judged.rows, mutant.probes),
        tolerance=mutant.tolerance,
    )
    return not report.passed


def with_one(values, place, value):
    values = values.copy()
    values[place] = value
    return values


def test_the_model_as_it_is_passes(judged):
    assert not caught(judged)


@pytest.mark.parametrize("towards", [np.inf, -np.inf])
def test_every_threshold_moved_by_one_ulp_is_caught(towards, judged):
    form = judged.compiled.form
    moved = np.nextafter(form.number, towards)
    splits = np.flatnonzero((form.child > 0) & (form.subset < 0))
    assert len(splits) > 15
    assert all(caught(judged, number=with_one(form.number, i, moved[i])) for i in splits)


def test_every_leaf_moved_by_a_billionth_is_caught(judged):
    form = judged.compiled.form
    leaves = np.flatnonzero(form.child == 0)
    assert len(leaves) > 30
    assert all(caught(judged, number=with_one(form.number, i, form.number[i] + 1e-9)) for i in leaves)


def meets_missing(form, place, present=frozenset()):
    """Give the splits below a node that a record comes to whose number there is missing."""
    child, column = int(form.child[place]), int(form.column[place])
    if not child:
        return []
    found = [place] if form.subset[place] < 0 and column not in present else []
    for side, left in ((child, True), (child + 1, False)):
        here = form.subset[place] >= 0 or form.missing_left[place] == left
        found += meets_missing(form, side, present if here else present | {column})
    return found


def test_every_missing_number_sent_to_the_other_child_is_caught(judged):
    form = judged.compiled.form
    splits = [split for root in range(form.n_trees) for split in meets_missing(form, root)]
    assert len(splits) > 10
    flipped = ~form.missing_left
    assert all(caught(judged, missing_left=with_one(form.missing_left, i, flipped[i])) for i in splits)


def test_every_category_sent_to_the_other_child_is_caught(judged):
    form = judged.compiled.form
    assert len(form.members) >= 5
    assert all(
        caught(judged, members=with_one(form.members, i, not form.members[i]))
        for i in range(len(form.members))
    )


def test_a_refused_form_leaves_the_original_to_answer(judged, monkeypatch):
    form = judged.compiled.form
    leaf = int(np.flatnonzero(form.child == 0)[7])
    mutant = msgspec.structs.replace(form, number=with_one(form.number, leaf, form.number[leaf] + 1e-9))
    monkeypatch.setattr(Compiler, "form", lambda self, estimator, columns: mutant)
    original = judged.compiled.original
    with pytest.warns(NotCompiledWarning, match="parity gate refused"):
        compiled = compile_pipeline(original.estimator, judged.schema, judged.rows, layout=original.layout)
    assert not compiled.compiled


def test_splits_of_whole_numbers_flags_and_intervals_are_reached(applicants):
    frame, target = applicants
    model = make_pipeline(
        ColumnTransformer(
            [
                ("bins", k_bins(3), ["ingresos"]),
                ("rest", "passthrough", ["edad", "garante"]),
            ]
        ),
        RandomForestClassifier(7, max_depth=4, random_state=0),
    ).fit(frame[["edad", "ingresos", "garante"]], target)
    schema = Schema.infer(frame[["edad", "ingresos", "garante"]])
    rows = list(frame[list(schema.names)].itertuples(index=False, name=None))
    compiled = compile_pipeline(model, schema, rows)
    asked = probe_rows(compiled.schema, rows[:9], compiled.form.probes)
    form = compiled.form
    seen = np.zeros(len(form.child), dtype=bool)
    table = form.matrix(ColumnBatch.of_records(asked, 3))
    for row in table.T:
        left = form.go_left(row)
        for place in range(form.n_trees):
            while form.child[place]:
                place = form.child[place] + (not left[place])
            seen[place] = True
    reachable = seen[form.child == 0]
    assert reachable.mean() > 0.97  # a few paths contradict themselves: no whole number lies between two


def test_what_no_single_field_sets_is_left_as_it_is(judged):
    form = hand_made([STUMP], [Constant(0.25), Raw(1)])
    assert list(form.probes(Schema([Field("x0", "number"), Field("x1", "number")]), [(1.0, 2.0)])) == []


def test_only_so_many_splits_are_tried(judged, monkeypatch):
    schema, form = judged.schema, judged.compiled.form
    every = len(list(form.probes(schema, judged.rows)))
    monkeypatch.setattr(split_rows, "MAX_SPLITS", 10)
    assert 0 < len(list(form.probes(schema, judged.rows))) < every / 2


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_split_of_the_missing_from_all_others_is_passed_by_none(kind):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 600).astype(float)
    a[rng.random(600) < 0.5] = np.nan
    frame = pd.DataFrame({"a": a, "b": rng.normal(size=600)})
    target = (np.where(np.isnan(a), frame["b"] > 0, 0.2) + rng.normal(size=600) / 9 > 0.5).astype(int)
    model = HistGradientBoostingClassifier(max_iter=8, random_state=0).fit(frame, target)
    nodes = np.concatenate([trees[0].nodes for trees in model._predictors])
    assert np.isinf(nodes["num_threshold"][nodes["is_leaf"] == 0]).any()
    schema = Schema([Field("a", kind), Field("b", "number")])
    rows = [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]
    compiled = compile_pipeline(model, schema, rows[:50], layout=FrameLayout.of(frame, {n: n for n in frame}))
    assert compiled.compiled, compiled.notes
    assert (
        compiled.predict_one((None, 0.5))
        == model.predict_proba(pd.DataFrame({"a": [np.nan], "b": [0.5]}))[0, 1]
    )
