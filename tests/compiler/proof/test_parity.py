"""The gate: what it asks, what it catches, what it lets through."""

from __future__ import annotations

import warnings

import msgspec
import numpy as np
import pandas as pd
import pytest
from compiler.versions import k_bins
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from morosidad.compiler import ParityReport, compile_pipeline, compiles
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.expressions import Arith, Raw
from morosidad.compiler.nodes.lookups import Lookup
from morosidad.compiler.proof.parity import compare, rows_near
from morosidad.compiler.proof.probe_rows import MAX_REFERENCE_ROWS, probe_rows, unseen, valid_rows
from morosidad.compiler.registry import _FUNCTIONS, class_name
from morosidad.errors import NotCompiledWarning
from morosidad.policy.cutoffs import Policy
from morosidad.schema.field import Field, Observed
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer


@pytest.fixture
def registry():
    """Put the registry back as it was."""
    before = dict(_FUNCTIONS)
    yield _FUNCTIONS
    _FUNCTIONS.clear()
    _FUNCTIONS.update(before)


# -- mutated forms ---------------------------------------------------------------------------------


def _later(term):
    return msgspec.structs.replace(term, value=term.value + 1e-9)


def _other_cell(lookup):
    rows = lookup.table.rows.copy()
    rows[0, 0] += 1e-9
    return lookup.with_rows(rows[:, 0])


def _unseen_cell(lookup):
    rows = lookup.table.rows.copy()
    rows[-2, 0] += 1e-6
    return lookup.with_rows(rows[:, 0])


@pytest.mark.parametrize(
    ("kind", "mutate"),
    [(Arith, _later), (Lookup, _other_cell), (Lookup, _unseen_cell)],
    ids=lambda x: x.__name__,
)
def test_a_mutated_form_is_refused_and_the_original_answers(kind, mutate, applicants, registry):
    frame, target = applicants
    used = frame[["edad", "empleo"]]
    parts = [("n", StandardScaler(), ["edad"]), ("t", OneHotEncoder(handle_unknown="ignore"), ["empleo"])]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(used, target)
    honest = registry["sklearn.LogisticRegression"]

    def mutated(estimator, columns, compiler):
        form = honest(estimator, columns, compiler)
        terms = list(form.terms)
        place = next(i for i, term in enumerate(terms) if isinstance(term, kind))
        terms[place] = mutate(terms[place])
        return msgspec.structs.replace(form, terms=tuple(terms))

    registry["sklearn.LogisticRegression"] = mutated
    schema = Schema.infer(used)
    rows = [(int(age), job) for age, job in used.itertuples(index=False)]
    with pytest.warns(NotCompiledWarning, match="the parity gate refused the compiled form"):
        compiled = compile_pipeline(model, schema, rows)
    assert not compiled.compiled
    assert compiled.notes[0].startswith("the parity gate refused the compiled form: ")
    assert not compiled.parity.passed
    assert 1e-12 < compiled.parity.max_difference < 1e-6
    expected = model.predict_proba(used)[:, 1]
    assert [compiled.predict_one(row) for row in rows[:5]] == pytest.approx(expected[:5], abs=1e-15)


def test_an_edge_moved_by_one_ulp_is_caught(applicants, registry):
    frame, target = applicants
    used = frame[["ingresos"]]
    model = make_pipeline(k_bins(6), LogisticRegression())
    model.fit(used, target)
    honest = registry["sklearn.KBinsDiscretizer"]

    def mutated(estimator, columns, compiler):
        lookups = honest(estimator, columns, compiler)
        edges = lookups[0].table.edges.values
        edges[2] = np.nextafter(edges[2], np.inf)
        return lookups

    schema = Schema.infer(used)
    assert compile_pipeline(model, schema).compiled
    registry["sklearn.KBinsDiscretizer"] = mutated
    with pytest.warns(NotCompiledWarning, match="the parity gate refused"):
        assert not compile_pipeline(model, schema).compiled


class Moody(ClassifierMixin, BaseEstimator):
    """A classifier that refuses some ages, and says nothing about it when it is compiled."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        return self

    def predict_proba(self, X):
        ages = np.asarray(X["edad"], dtype=float)
        if (ages > 60).any():
            raise ValueError("too old")
        warnings.warn("an opinion", UserWarning, stacklevel=1)
        p = 1 / (1 + np.exp(-(0.01 * ages)))
        return np.column_stack([1 - p, p])


def test_rows_that_the_original_refuses_and_the_form_answers_count_against_it(registry):
    @compiles(Moody)
    def moody(estimator, columns, compiler):
        compiler.require(columns[0])
        return Additive(0.0, (Arith(columns[0], "*", 0.01),), len(compiler.schema))

    model = Moody().fit(pd.DataFrame({"edad": [20, 40]}), [0, 1])
    wide = Schema([Field("edad", "integer", ge=18, le=80)])
    with pytest.warns(NotCompiledWarning):
        compiled = compile_pipeline(model, wide)
    assert compiled.parity.refused > 0
    assert compiled.parity.max_difference <= 1e-12
    narrow = Schema([Field("edad", "integer", ge=18, le=60)])
    assert compile_pipeline(model, narrow).compiled  # and the original's own warnings are not passed on


# -- the report ------------------------------------------------------------------------------------


def report(found, expected, **settings):
    return compare(
        lambda row: found[row[0]],
        lambda rows: np.array([expected[row[0]] for row in rows]),
        [(i,) for i in range(len(found))],
        **{"tolerance": 1e-12, **settings},
    )


def test_the_report_counts_rows_differences_and_labels():
    result = report([0.1, 0.5, 0.6], [0.1, 0.5 + 1e-13, 0.6])
    assert (result.rows, result.labels_differing, result.refused) == (3, 1, 0)
    assert result.max_difference == pytest.approx(1e-13, rel=1e-2)
    assert not result.passed
    assert str(result) == (
        "3 made rows, |Δp| ≤ 1.0e-13 (allowed 1e-12), 1 labels differ, 0 refused by the original"
    )
    assert report([0.1, 0.5], [0.1, 0.5 + 1e-13], threshold=0.2).passed


def test_nan_on_one_side_only_is_an_infinite_difference():
    assert report([np.nan, 0.5], [np.nan, 0.5]).passed
    assert report([np.nan, 0.5], [0.1, 0.5]).max_difference == np.inf
    assert report([0.1, 0.5], [np.nan, 0.5]).max_difference == np.inf


class Certain(Moody):
    """A classifier that gives everybody one probability."""

    def predict_proba(self, X):
        return np.tile([0.8, 0.2], (len(X), 1))


@pytest.mark.parametrize(("review_at", "kept"), [(0.2, False), (0.3, True)])
def test_a_scorers_cutoffs_are_tried(review_at, kept, registry):
    @compiles(Certain)
    def certain(estimator, columns, compiler):
        compiler.require(columns[0])
        return Additive(np.log(0.25) - 1e-13, (Arith(columns[0], "*", 0.0),), len(compiler.schema))

    model = Certain().fit(pd.DataFrame({"edad": [20, 40]}), [0, 1])
    schema, policy = Schema([Field("edad", "integer")]), Policy(review_at=review_at, decline_at=0.5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert Scorer(model, schema=schema, policy=policy).plan.compiled is kept
    assert [warning.category for warning in caught] == [NotCompiledWarning] * (not kept)


def test_no_rows_at_all_pass():
    assert report([], []).passed
    assert ParityReport(0, 0.0, 0, 1, 1e-12).passed is False


# -- the rows --------------------------------------------------------------------------------------

FIELDS = [
    Field("edad", "integer", ge=18, le=85, required=True),
    Field("ingresos", "number", gt=0.0),
    Field("libre", "number"),
    Field("empleo", "category", observed=Observed(categories=("a", "b"))),
    Field("codigo", "category", categories=(1, 2)),
    Field("clase", "integer", categories=(10, 20)),
    Field("garante", "boolean"),
    Field("visto", "number", observed=Observed(-5.0, 5.0)),
]


def test_the_rows_try_every_limit_every_category_and_each_field_missing():
    schema = Schema(FIELDS)
    rows = probe_rows(schema, [])
    assert len(valid_rows(schema, rows)) == len(rows)
    tried = [set(column) for column in zip(*rows, strict=True)]
    assert {18, 85} <= tried[0]
    assert None not in tried[0]
    assert min(x for x in tried[1] if x is not None) > 0
    assert {None, 0.0, 1e9, -1e9} <= tried[2]
    assert {None, "a", "b", unseen(FIELDS[3])} <= tried[3]
    assert tried[4] == {None, 1, 2}
    assert tried[5] == {None, 10, 20}
    assert tried[6] == {None, True, False}
    assert {-5.0, 5.0, -6.0, 6.0, 51.0} <= tried[7]
    assert any(row[1:] == (None,) * 7 for row in rows)


def test_the_rows_are_the_same_each_time_and_other_with_another_seed():
    schema = Schema(FIELDS)
    assert probe_rows(schema, []) == probe_rows(schema, [])
    assert probe_rows(schema, []) != probe_rows(schema, [], seed=1)


def test_what_a_form_asks_for_is_tried_where_the_schema_allows_it():
    schema = Schema(FIELDS)
    rows = probe_rows(
        schema, [], lambda schema, bases: [(40, *row[1:]) for row in bases] + [(3, *bases[0][1:])]
    )
    assert 40 in {row[0] for row in rows}
    assert 3 not in {row[0] for row in rows}


def test_many_reference_rows_are_thinned_out():
    schema = Schema([Field("x", "number")])
    reference = [(float(i),) for i in range(3 * MAX_REFERENCE_ROWS)]
    assert len(probe_rows(schema, reference)) < 2 * MAX_REFERENCE_ROWS


def test_unseen_categories_are_new_and_of_the_fields_own_kind():
    assert unseen(FIELDS[3]) not in ("a", "b")
    assert unseen(FIELDS[4]) == 3


def test_the_originals_are_found_by_class_name():
    assert class_name(LogisticRegression) == "sklearn.LogisticRegression"
    assert class_name(Moody) == f"{Moody.__module__.partition('.')[0]}.Moody"
    assert Raw(0) == Raw(0)


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
