"""The functions of a compiled pipeline, for one record and for many."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
)

from morosidad.compiler import Compiler, Form
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.expressions import Raw
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema


def logistic(**settings):
    return LogisticRegression(C=0.1, max_iter=2000, **settings)


# -- random schemas, records and pipelines ---------------------------------------------------------

EXAMPLES = 40  # a longer run finds no more; try it by hand after a change
LEVELS = ["a", "b", "c", "ñandú", ""]


# -- sums and sigmoids -----------------------------------------------------------------------------


def test_many_terms_compile_and_add_up(compile_form):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(40, 600))  # more terms than Python takes in one expression
    model = logistic().fit(wide, np.arange(40) % 2)
    form = Compiler(Schema([Field(f"x{i}", "number", required=True) for i in range(600)])).form(
        model, [Raw(i) for i in range(600)]
    )
    compiled = compile_form(form, 600)
    probability, shares = compiled.explain_one(tuple(wide[3].tolist()))
    assert probability == compiled.predict_one(tuple(wide[3].tolist()))
    assert probability == pytest.approx(model.predict_proba(wide[[3]])[0, 1], abs=1e-12)
    log_odds = model.decision_function(wide[[3]])[0]
    assert sum(shares) == pytest.approx(log_odds - float(model.intercept_[0]), abs=1e-9)


@pytest.mark.parametrize("z", [-1e308, -1000.0, -745.2, -700.0, -1e-300, 0.0, 37.0, 800.0, 1e308])
def test_the_sigmoid_never_overflows(z, compile_form):
    form = Additive(float(z), (), 1)
    compiled = compile_form(form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = 1.0 / (1.0 + np.exp(-np.float64(z)))
    assert compiled.predict_one((1.0,)) == pytest.approx(expected, abs=1e-300)
    assert compiled.predict([np.array([1.0])])[0] == compiled.predict_one((1.0,))


def test_no_rows_give_no_answers(compile_form):
    compiled = compile_form(Additive(1.0, (), 1))
    assert compiled.predict([np.empty(0)]).shape == (0,)


def test_a_compiled_pipeline_needs_a_form_or_an_original(compile_form):
    with pytest.raises(ValueError, match="needs a form or an original"):
        compile_form(None)
    without_reasons = compile_form(Additive(1.0, (), 1), reference=None)
    assert without_reasons.explain_one is None


def test_long_batches_are_cut_into_chunks_that_give_the_same(applicants, compiled_as_fitted, monkeypatch):
    frame, target = applicants
    parts = ColumnTransformer(
        [("t", OneHotEncoder(handle_unknown="ignore"), ["empleo"])], remainder="passthrough"
    )
    compiled = compiled_as_fitted(make_pipeline(parts, logistic()), frame[["empleo", "edad"]], target)
    rows = [("otro", 20), (None, 30), ("nuevo", 40), ("agrícola", 50), ("otro", 60)]
    whole = compiled.predict(ColumnBatch.of_records(rows, 2).columns)
    monkeypatch.setattr("morosidad.compiler.pipeline.CHUNK_ROWS", 2)
    assert compiled.predict(ColumnBatch.of_records(rows, 2).columns).tolist() == whole.tolist()


def test_forms_say_what_they_lack():
    form = Form()
    for method, arguments in [
        ("emit", (None,)),
        ("emit_reasons", (None, None)),
        ("emit_probability_reasons", (None, None)),
        ("batch", (None,)),
        ("reference", (None,)),
    ]:
        with pytest.raises(NotImplementedError):
            getattr(form, method)(*arguments)
