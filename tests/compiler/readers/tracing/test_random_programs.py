"""Random programs over the recorded operations: traced, and compared with pandas on frames never seen."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import FunctionTransformer

from morosidad.compiler import compile_transformer
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.schema.schema import Schema

EXAMPLES = 8  # a longer run is for a change of the tracer
TWO = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "quotient": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "less": lambda a, b: (a < b).astype(float),
    "same": lambda a, b: (a == b).astype(int),
    "maximum": lambda a, b: np.maximum(a, b),
    "fmin": lambda a, b: np.fmin(a, b),
    "where": lambda a, b: np.where(a > b, a, b) + a * 0,
    "filled": lambda a, b: a.fillna(b),
    "masked": lambda a, b: a.mask(b > 1, b),
    "both": lambda a, b: ((a > 0) & (b > 0)).astype(float),
    "row sum": lambda a, b: pd.concat([a, b], axis=1).sum(axis=1),
    "row mean": lambda a, b: pd.concat([a, b], axis=1).mean(axis=1),
    "row max": lambda a, b: pd.concat([a, b], axis=1).max(axis=1),
    "by row": lambda a, b: pd.DataFrame({"a": a, "b": b}).apply(
        lambda r: r["a"] if r["a"] > r["b"] else -r["b"], axis=1
    ),
}
ONE = {
    "absolute": lambda a: a.abs(),
    "negative": lambda a: -a,
    "log": lambda a: np.log1p(a.clip(lower=0)),
    "root": lambda a: np.sqrt(np.abs(a)),
    "tanh": lambda a: np.tanh(a),
    "square": lambda a: a**2,
    "sign": lambda a: np.sign(a),
    "rounded": lambda a: a.round(1),
    "missing": lambda a: a.isna().astype(int),
    "clipped": lambda a: a.clip(-2, 5),
    "between": lambda a: a.between(-1, 3).astype(float),
    "band": lambda a: pd.cut(a, [-10, -1, 0, 2, 10], labels=False),
    "band left": lambda a: pd.cut(a, [-5, 0, 5], right=False, labels=[7, 9]).astype(float),
    "digitized": lambda a: pd.Series(np.digitize(a.fillna(0), [-2, 0.5, 3]), index=a.index),
    "exchanged": lambda a: a.replace({0: 9, 2: -9}),
    "isin": lambda a: a.isin([0, 1, 2]).astype(int),
    "finite": lambda a: a.replace([np.inf, -np.inf], np.nan).fillna(0),
    "whole": lambda a: a.fillna(0).clip(-1e6, 1e6).astype(int),
    "single": lambda a: a.astype("float32").astype(float),
    "by value": lambda a: a.map(lambda v: 1.0 if v > 1 else (0.5 if v < -1 else 0.0)),
    "number": lambda a: pd.Series(np.nan_to_num(a.to_numpy(), nan=3.0), index=a.index).clip(-1e9, 1e9),
}
TEXT = {
    "equal": lambda t: (t == "a").astype(int),
    "lower": lambda t: (t.str.strip().str.lower() == "b").astype(float),
    "length": lambda t: t.str.len(),
    "mapped": lambda t: t.map({"a": 1, " B ": 2.5}),
    "start": lambda t: t.str.startswith("a").fillna(False).astype(float),
    "filled": lambda t: (t.fillna("c").str.upper() == "C").astype(float),
    "joined": lambda t: ((t + "_" + t.str.lower()) == "Ab_ab").astype(int),
    "exchanged": lambda t: (t.replace({"a": "z"}) == "z").astype(int),
    "missing": lambda t: t.isna().astype(int),
}

steps = st.one_of(
    st.tuples(st.sampled_from(sorted(TWO)), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.sampled_from(sorted(ONE)), st.integers(0, 9)),
    st.tuples(st.sampled_from(sorted(TEXT))),
)


def frame_of(seed, n):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 3, n).round(2)),
            "y": rng.normal(0, 30, n).round(1),
            "k": rng.integers(-3, 4, n).astype(float),
            "t": rng.choice(["a", " B ", "Ab", "c"], n).astype(object),
        }
    )
    frame.loc[rng.random(n) < 0.1, "t"] = np.nan
    return frame


def function_of(program):
    def function(df):
        made = [df["x"], df["y"], df["k"]]
        for name, *places in program:
            chosen = [made[place % len(made)] for place in places]
            if len(chosen) == 2:
                made.append(TWO[name](*chosen))
            elif len(chosen) == 1:
                made.append(ONE[name](*chosen))
            else:
                made.append(TEXT[name](df["t"]))
        return pd.concat([column.rename(str(place)) for place, column in enumerate(made)], axis=1)

    return function


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=1, max_size=6), st.integers(0, 2**31))
def test_a_random_program_gives_what_pandas_gives(program, seed):
    function = function_of(program)
    frame, other = frame_of(seed, 40), frame_of(seed + 1, 15)
    schema = Schema.infer(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = FunctionTransformer(function).fit(frame)
        compiled = compile_transformer(step, schema, as_rows(schema, frame.to_dict("records")))
        expected = pd.concat([function(other.iloc[[place]]) for place in range(len(other))])
    found = [compiled.row(row) for row in as_rows(schema, other.to_dict("records"))]
    np.testing.assert_allclose(found, expected.to_numpy(dtype=float), rtol=1e-12, atol=1e-12)
