"""skrub: tables cleaned and encoded column by column, selections, and numbers bent towards a limit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from compiler.columns import logistic
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from morosidad.compiler import compile_pipeline
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.errors import NotCompiledWarning
from morosidad.frames.layout import FrameLayout
from morosidad.schema.schema import Schema

skrub = pytest.importorskip("skrub")
if not hasattr(skrub, "Cleaner"):
    pytest.skip("this skrub is older than what is compiled", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, when it is asked


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n),
            "deuda": np.where(rng.random(n) < 0.2, np.nan, rng.gamma(2.0, 500.0, n)),
            "empleo": rng.choice(["fijo", "libre", "otro"], n),
            "vivienda": rng.choice(["propia", None], n, p=[0.8, 0.2]),
        }
    )
    return frame, (frame["edad"] > 45).astype(int).to_numpy() ^ (rng.random(n) < 0.2)


def compiled_by(model, table, names):
    frame, target = table[0][names], table[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
        schema = Schema.infer(frame)
    layout = FrameLayout.of(frame, {name: name for name in frame})
    return compile_pipeline(model, schema, as_rows(schema, frame[:4].to_dict("records")), layout=layout)


def test_a_table_is_cleaned_and_encoded(table):
    step = skrub.TableVectorizer()
    compiled = compiled_by(make_pipeline(step, SimpleImputer(), logistic()), table, list(table[0]))
    assert compiled.compiled, compiled.notes
    assert compiled.parity.tolerance == 1e-6
    known, word = ((50.0, 100.0, "fijo", house) for house in (None, "N/A"))
    assert (
        compiled.predict_one(known)
        == compiled.predict_one(word)
        != compiled.predict_one((50.0, 100.0, "fijo", "rara"))
    )
    assert compiled.predict_one((50.0, 100.0, "fijo", " \t")) == compiled.predict_one(known)


@pytest.mark.parametrize(
    "steps",
    [
        [skrub.Cleaner(), skrub.SquashingScaler()],
        [skrub.SelectCols(["deuda", "edad"]), skrub.SquashingScaler(max_absolute_value=2.0)],
        [skrub.DropCols(["edad"])],
    ],
    ids=["cleaned", "selected", "dropped"],
)
def test_numbers_are_selected_and_bent(steps, table):
    model = make_pipeline(*steps[:1], SimpleImputer(), *steps[1:], logistic())
    compiled = compiled_by(model, table, ["edad", "deuda"])
    assert compiled.compiled, compiled.notes


def test_other_encoders_are_left_to_the_original(table):
    step = skrub.TableVectorizer(low_cardinality=skrub.StringEncoder(2))
    with pytest.warns(NotCompiledWarning, match="of skrub has no compiled form"):
        compiled_by(make_pipeline(step, logistic()), table, ["edad", "empleo"])
