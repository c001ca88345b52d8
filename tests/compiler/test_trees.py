"""scikit-learn's trees, forests and boosting: compiled as fitted, with numba and without."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from morosidad.compiler import CompiledPipeline, Compiler, compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.walked import Boosting, Forest
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Constant, Raw
from morosidad.compiler.nodes.trees import Trees
from morosidad.compiler.proof import split_rows
from morosidad.compiler.proof.parity import compare, rows_near
from morosidad.compiler.proof.probe_rows import probe_rows
from morosidad.compiler.readers.trees import tree_builder
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees
from morosidad.compiler.registry import NotCompilable
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.errors import NotCompiledWarning
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "deuda", "atrasos"]
TEXTS = ["empleo", "vivienda"]
EXAMPLES = 40  # a longer run finds no more; try it by hand after a change


@pytest.fixture(params=["numba", "Python"])
def walker(request, monkeypatch):
    """Both walkers in turn."""
    if request.param == "Python":
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        pytest.importorskip("numba")
    return request.param


def prepared(model, texts=None, scaler=None):
    """Put what people put in front of trees."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scaler or StandardScaler())
    return make_pipeline(
        ColumnTransformer(
            [
                ("numbers", numbers, NUMBERS),
                ("texts", texts or OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
                ("flag", "passthrough", ["garante"]),
            ]
        ),
        model,
    )


MODELS = {
    "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "random tree": ExtraTreeClassifier(max_depth=5, random_state=0),
    "forest": RandomForestClassifier(9, random_state=0),
    "extra trees": ExtraTreesClassifier(9, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "exponential loss": GradientBoostingClassifier(loss="exponential", n_estimators=9, random_state=0),
    "from zero": GradientBoostingClassifier(init="zero", n_estimators=9, random_state=0),
    "hist": HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=3, random_state=0),
    "stumps": HistGradientBoostingClassifier(max_iter=9, max_depth=1, random_state=0),
    "one leaf": HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=100, random_state=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_behind_a_usual_pipeline_every_model_answers_as_it_was_fitted(
    name, walker, applicants, compiled_as_fitted
):
    compiled = compiled_as_fitted(prepared(MODELS[name]), *applicants)
    if isinstance(compiled.form, Trees):
        assert compiled.form.walker.name == walker
    else:
        assert name in ("stumps", "one leaf"), "a sum of terms of one field each becomes tables"


@pytest.mark.parametrize(
    "texts",
    [
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), StandardScaler()),
        make_pipeline(OrdinalEncoder(), StandardScaler()),
    ],
    ids=["ordinal", "scaled columns", "scaled ordinal, missing passed on"],
)
def test_whatever_an_encoder_makes_of_categories_becomes_sets_of_them(
    texts, walker, applicants, compiled_as_fitted
):
    compiled = compiled_as_fitted(prepared(RandomForestClassifier(5, random_state=0), texts), *applicants)
    assert len(compiled.form.columns) <= len(compiled.schema)


def test_intervals_become_sets_too(walker, applicants, compiled_as_fitted):
    frame, target = applicants
    bins = KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")
    model = make_pipeline(bins, RandomForestClassifier(5, random_state=0))
    compiled = compiled_as_fitted(model, frame[["edad", "ingresos"]], target)
    assert (compiled.form.subset[compiled.form.child > 0] >= 0).all()


def test_imputers_and_scalers_melt_into_the_thresholds(applicants, compiled_as_fitted):
    frame, target = applicants
    model = make_pipeline(SimpleImputer(), StandardScaler(), RandomForestClassifier(9, random_state=0))
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert set(compiled.form.columns) == {Raw(i) for i in range(4)}
    assert not compiled.schema["deuda"].required


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=3, random_state=0),
        RandomForestClassifier(9, random_state=0),
        ExtraTreesClassifier(9, random_state=0),
        DecisionTreeClassifier(random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_missing_numbers_go_where_the_model_sends_them(model, walker, applicants, compiled_as_fitted):
    frame, target = applicants
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert not any(field.required for field in compiled.schema.fields)


@pytest.mark.parametrize(
    "model",
    [GradientBoostingClassifier(n_estimators=3), ExtraTreeClassifier(splitter="best", random_state=0)],
)
def test_models_that_refuse_missing_numbers_demand_them(model, applicants, compiled_as_fitted):
    frame, target = applicants
    compiled = compiled_as_fitted(model, frame[["edad", "ingresos"]], target)
    assert all(field.required for field in compiled.schema.fields)


# -- native categories -----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [True, False])
def test_native_categories_known_unknown_and_missing(missing, walker, applicants):
    frame, target = applicants
    frame = frame.assign(**{name: frame[name].astype("category") for name in TEXTS})
    frame["vivienda"] = frame["vivienda"] if missing else frame["vivienda"].fillna("propia")
    model = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=3, random_state=0).fit(frame, target)
    schema = Schema.infer(frame)
    rows = [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]
    compiled = compile_pipeline(model, schema, rows, dtypes=frame[TEXTS].dtypes.to_dict())
    assert compiled.compiled, compiled.notes
    assert compiled.parity.rows > 500


def test_numbers_declared_to_be_categories(walker, applicants, compiled_as_fitted):
    frame, target = applicants
    model = HistGradientBoostingClassifier(
        max_iter=20, min_samples_leaf=3, categorical_features=["atrasos"], random_state=0
    )
    compiled = compiled_as_fitted(model, frame[NUMBERS], target)
    assert (compiled.form.subset >= 0).any()


# -- random models and rows ------------------------------------------------------------------------


def compile_numbers(model, n_columns):
    """Compile a model of unnamed columns, without the gate."""
    schema = Schema([Field(f"x{i}", "number") for i in range(n_columns)])
    compiler = Compiler(schema)
    form = compiler.form(model, [Raw(i) for i in range(n_columns)])
    return CompiledPipeline(schema, form), bool(compiler.required)


@st.composite
def fitted_models(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(20, 60)), draw(st.integers(1, 4))
    X = rng.normal(0.0, 10.0 ** draw(st.integers(-6, 8)), (n, width))
    X[:, 0] = rng.integers(-2, 3, n)
    y = (np.arange(n) + rng.integers(0, 2, n)) % 2
    kind = draw(st.sampled_from(["tree", "forest", "extra", "hist", "boosting"]))
    seed = draw(st.integers(0, 99))
    if kind != "boosting" and draw(st.booleans()):
        X[rng.random(X.shape) < 0.2] = np.nan
    models = {
        "tree": DecisionTreeClassifier(max_depth=draw(st.integers(1, 8)), random_state=seed),
        "forest": RandomForestClassifier(draw(st.integers(1, 9)), random_state=seed),
        "extra": ExtraTreesClassifier(draw(st.integers(1, 9)), random_state=seed),
        "hist": HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=1, random_state=seed),
        "boosting": GradientBoostingClassifier(n_estimators=9, random_state=seed),
    }
    return kind, models[kind].fit(X, y), X


SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 1e-40, 1.0, -1.0, 16777217.0, 1e30, -1e30, 3.4e38]


def rows_to_ask(kind, form, X, rng):
    """Draw rows of data, of thresholds and their neighbours, and of numbers that are special."""
    trees = isinstance(form, Trees)
    edges = form.number[(form.child > 0) & np.isfinite(form.number)] if trees else np.empty(0)
    pool = np.concatenate(
        [X[np.isfinite(X)], edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), SPECIAL]
    )
    pool = pool[np.abs(pool) < 3.4028e38]
    rows = rng.choice(pool, (60, X.shape[1]))
    if kind != "boosting":
        rows[rng.random(rows.shape) < 0.2] = np.nan
    if kind == "hist":
        rows[rng.random(rows.shape) < 0.1] = np.inf
        rows[rng.random(rows.shape) < 0.1] = -np.inf
    return rows


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(fitted_models(), st.integers(0, 2**32 - 1))
def test_random_models_answer_random_rows_as_they_were_fitted(walker, fitted, seed):
    kind, model, X = fitted
    compiled, refuses_missing = compile_numbers(model, X.shape[1])
    assert refuses_missing == (kind == "boosting")
    asked = rows_to_ask(kind, compiled.form, X, np.random.default_rng(seed))
    expected = model.predict_proba(asked)[:, 1]
    found = [compiled.predict_one(tuple(None if v != v else v for v in row)) for row in asked.tolist()]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(compiled.predict(list(asked.T)), expected, rtol=0, atol=1e-12)


def test_forests_add_up_in_the_order_of_their_trees(walker, applicants):
    frame, target = applicants
    X = frame[["edad", "ingresos"]].to_numpy()
    model = RandomForestClassifier(30, min_samples_leaf=7, random_state=0).fit(X, target)
    compiled, _ = compile_numbers(model, 2)
    assert [compiled.predict_one(tuple(row)) for row in X.tolist()] == model.predict_proba(X)[:, 1].tolist()


@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 9, 250])
def test_any_number_of_rows_is_answered_at_once(n_rows, walker, applicants):
    frame, target = applicants
    X = np.tile(frame[["edad", "ingresos"]].to_numpy(), (3, 1))
    model = HistGradientBoostingClassifier(max_iter=11, min_samples_leaf=3).fit(X[:120], target)
    compiled, _ = compile_numbers(model, 2)
    found = compiled.predict(list(X[:n_rows].T))
    np.testing.assert_allclose(found, [compiled.predict_one(tuple(row)) for row in X[:n_rows]], atol=1e-15)


# -- the form --------------------------------------------------------------------------------------


def hand_made(trees, columns=None, n_fields=2, form=Boosting, **more):
    """Grow trees by hand over fields of numbers."""
    compiler = Compiler(Schema([Field(f"x{i}", "number") for i in range(n_fields)]))
    columns = columns or [Raw(i) for i in range(n_fields)]
    return build_trees(form, trees, columns, compiler, **more)


def tree(left, right, column, threshold, value, missing_left=None):
    arrays = [np.array(a) for a in (left, right, column, threshold)]
    missing = np.zeros(len(left)) if missing_left is None else np.array(missing_left)
    return Tree(*arrays, missing, np.array(value, dtype=float))


STUMP = tree([1, -1, -1], [2, -1, -1], [0, 0, 0], [0.5, 0.0, 0.0], [0.0, -1.0, 2.0])


def test_a_form_survives_its_file(walker, applicants, compiled_as_fitted):
    compiled = compiled_as_fitted(prepared(MODELS["hist"]), *applicants)
    data, arrays = pack(compiled.form)
    again = CompiledPipeline(compiled.schema, unpack(data, arrays), reference=compiled.reference)
    row = (40, 900.0, None, 1, "otro", None, True)
    assert again.predict_one(row) == compiled.predict_one(row)
    assert again.explain_one(row) == compiled.explain_one(row)
    assert {array.dtype.kind for array in arrays} <= set("fiub")


def test_nodes_that_no_way_leads_to_are_left_out(walker):
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


class Sum(Expr, frozen=True):
    first: Raw
    second: Raw


def test_a_column_that_mixes_fields_is_refused():
    with pytest.raises(NotCompilable, match="mixes fields"):
        hand_made([STUMP], [Sum(Raw(0), Raw(1)), Raw(1)])


def test_more_columns_than_the_kernel_counts_are_refused(monkeypatch):
    monkeypatch.setattr(tree_builder, "MAX_COLUMNS", 0)
    with pytest.raises(NotCompilable, match="more than 0 columns"):
        hand_made([STUMP])


def test_an_initial_estimator_is_refused(applicants, left_to_original):
    frame, target = applicants
    model = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression())
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
    model = HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=8, random_state=0).fit(frame, target)
    schema = Schema.infer(frame)
    rows = [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]
    compiled = compile_pipeline(model, schema, rows, dtypes={"c": frame["c"].dtype})
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


def test_every_missing_number_sent_the_other_way_is_caught(judged):
    form = judged.compiled.form
    splits = [split for root in range(form.n_trees) for split in meets_missing(form, root)]
    assert len(splits) > 10
    flipped = ~form.missing_left
    assert all(caught(judged, missing_left=with_one(form.missing_left, i, flipped[i])) for i in splits)


def test_every_category_sent_the_other_way_is_caught(judged):
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
        compiled = compile_pipeline(original.estimator, judged.schema, judged.rows, dtypes=original.dtypes)
    assert not compiled.compiled


def test_splits_of_whole_numbers_flags_and_intervals_are_reached(applicants):
    frame, target = applicants
    model = make_pipeline(
        ColumnTransformer(
            [
                ("bins", KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["ingresos"]),
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
    assert reachable.mean() > 0.97  # a few ways contradict themselves: no whole number lies between two


def test_what_no_single_field_sets_is_left_as_it_is(judged):
    form = hand_made([STUMP], [Constant(0.25), Raw(1)])
    assert list(form.probes(Schema([Field("x0", "number"), Field("x1", "number")]), [(1.0, 2.0)])) == []


def test_only_so_many_splits_are_tried(judged, monkeypatch):
    schema, form = judged.schema, judged.compiled.form
    every = len(list(form.probes(schema, judged.rows)))
    monkeypatch.setattr(split_rows, "MAX_SPLITS", 10)
    assert 0 < len(list(form.probes(schema, judged.rows))) < every / 2


# -- cut-offs --------------------------------------------------------------------------------------


def test_the_rows_nearest_to_a_cutoff_are_tried():
    rows = [(float(i),) for i in range(1000)]
    near = rows_near(lambda rows: np.array([row[0] / 1000 for row in rows]), rows, [0.2, 0.5])
    assert near == [(float(i),) for i in [*range(188, 213), *range(488, 513)]]


def test_without_rows_or_answers_none_is_near():
    def refuses(rows):
        raise ValueError

    assert rows_near(refuses, [(1.0,)], [0.5]) == []
    assert rows_near(refuses, [], [0.5]) == []


@pytest.mark.parametrize(("cutoffs", "differing"), [((), 0), ((0.2,), 1), ((0.2, 0.3), 1), ((0.3,), 0)])
def test_a_row_on_the_other_side_of_a_cutoff_is_a_difference(cutoffs, differing):
    report = compare(
        lambda row: 0.2 - 1e-14, lambda rows: np.array([0.2]), [(1.0,)], tolerance=1e-12, cutoffs=cutoffs
    )
    assert report.labels_differing == differing
    assert report.passed == (not differing)


def test_the_path_for_many_rows_is_judged_too():
    report = compare(
        lambda row: 0.2,
        lambda rows: np.full(len(rows), 0.2),
        [(1.0,)] * 3,
        tolerance=1e-12,
        predict_many=lambda rows: np.array([0.2, 0.2, 0.21]),
    )
    assert report.max_difference == pytest.approx(0.01)
    assert not report.passed
