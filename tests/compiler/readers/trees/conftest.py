"""Applicants that boosters of every library are fitted on, and the way that they are judged."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from morosidad.compiler import compile_pipeline
from morosidad.compiler.nodes.trees import Trees
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.frames.layout import FrameLayout
from morosidad.schema.schema import Schema

NUMBERS = ["a", "b", "zeros", "count", "code"]


@pytest.fixture(scope="session")
def data():
    rng = np.random.default_rng(0)
    n = 900
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n) * 1e-3,
            "b": rng.normal(size=n) * 1e5,
            "zeros": np.where(rng.random(n) < 0.4, 0.0, rng.normal(size=n)),
            "count": rng.integers(0, 9, n),
            "code": rng.integers(0, 40, n).astype(float),
            "text": pd.Categorical(rng.choice(["x", "y", "z", "otro", "por su cuenta"], n)),
            "number": pd.Categorical(rng.choice([3, 1, 7], n)),
        }
    )
    z = frame["text"].isin(["x", "otro"]) * 1.0 + (frame["number"] == 7) + (frame["code"] % 3 == 1)
    z += (frame["a"] > 0) + (frame["zeros"].abs() > 0.5) + (frame["b"] > 2e4)
    for name in ("a", "code", "text"):
        frame.loc[rng.random(n) < 0.1, name] = np.nan
    return frame, (z + rng.normal(size=n) > 2.5).astype(int).to_numpy()


@pytest.fixture
def compiled_by(walker, data):
    """Fit, compile with each walker and be judged by the gate."""

    def run(model, names=NUMBERS, fill=False, **fit):
        X, y = data[0][names], data[1]
        X = X.fillna(0.0) if fill else X
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y, **fit)
            schema = Schema.infer(X)
            rows = as_rows(schema, X.to_dict("records"))
            layout = FrameLayout.of(X, {name: name for name in X})
            compiled = compile_pipeline(model, schema, rows[:300], layout=layout)
        if compiled.compiled:
            assert compiled.parity.refused == 0
            _adds_up(compiled, rows[:20])
        return compiled

    return run


def _adds_up(compiled, rows):
    if not isinstance(compiled.form, Trees):
        return
    at_reference = compiled.form.walker.totals(np.ascontiguousarray(compiled.reference[:, None]))[0]
    for row in rows:
        p, shares = compiled.explain_one(row)
        moved = math.log(p / (1.0 - p)) - at_reference
        assert sum(shares) == pytest.approx(moved, abs=1e-5 if compiled.form.narrow else 1e-9)
