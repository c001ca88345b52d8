"""The way of a record, beside the scikit-learn pipeline it came from: ``python benchmarks/bench_scorer.py``.

All figures of one table are measured in one run, in turns, so that the ratios hold on a noisy machine. With
pytest-benchmark (``pytest benchmarks/bench_scorer.py``) the same calls are timed for regressions.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from measuring import data, full, in_turns, sets
from morosidad import Policy, Schema, Scorer, make_applicants

CASES = ("german", "taiwan", "synthetic")


def case(name: str) -> tuple[Any, pd.DataFrame, Schema]:
    """Fit a logistic pipeline of scikit-learn's own parts on a data set."""
    X, y = data(name)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(X, y), X, Schema.infer(X)


def row(work: str, theirs: str, ours: str, ratio: float) -> None:
    print(f"| {work} | {theirs} | {ours} | {ratio:.{0 if ratio > 20 else 1}f}× |")


def single(name: str) -> None:
    """One dict → Decision, beside predict_proba on a one-row frame."""
    pipeline, X, schema = case(name)
    four = Scorer(pipeline, schema=schema, reference=X)
    none = Scorer(pipeline, schema=schema, reference=X, policy=Policy(max_reasons=0))
    record, plain = X.iloc[3].to_dict(), typed(schema)
    times = in_turns(
        {
            "pipeline": (lambda: pipeline.predict_proba(pd.DataFrame([record])), 20),
            "four": (lambda: four.score_one(record), 5000),
            "none": (lambda: none.score_one(record), 5000),
            "validate": (lambda: schema.validate(record), 5000),
            "convert": (lambda: msgspec.convert(record, plain), 5000),
        },
        rounds=7,
    )
    theirs = times["pipeline"]
    for label, ours in (("four reasons", times["four"]), ("no reasons", times["none"])):
        row(f"one record, {name}, {label}", f"{theirs * 1e6:.0f} µs", f"{ours * 1e6:.2f} µs", theirs / ours)
    for label, ours in (("four reasons", times["four"]), ("`schema.validate`", times["validate"])):
        shown = f"{times['convert'] * 1e6:.2f} µs | {ours * 1e6:.2f} µs | {ours / times['convert']:.1f} to 1"
        print(f"| {label} over `msgspec.convert`, {name} | {shown} |")


def typed(schema: Schema) -> type[msgspec.Struct]:
    """Give the type that a program of its own would read these records with: no limits, no words."""
    kinds: dict[str, Any] = {"integer": int, "number": float, "boolean": bool, "category": str}
    return msgspec.defstruct("Record", [(f.name, kinds[f.kind] | None, None) for f in schema.fields])


def batch(name: str, rows: int = full(1_000_000, 5_000)) -> None:
    """One million rows, beside the pipeline's own predict_proba."""
    pipeline, X, schema = case(name)
    scorer = Scorer(pipeline, schema=schema, reference=X)
    big = X.sample(rows, replace=True, random_state=0, ignore_index=True)
    times = in_turns(
        {
            "pipeline": (lambda: pipeline.predict_proba(big), 1),
            "ours": (lambda: scorer.predict_proba(big), 1),
        },
        rounds=3,
    )
    theirs, ours = rows / times["pipeline"], rows / times["ours"]
    row(f"{rows:,} rows, {name}", f"{theirs:,.0f} rows/s", f"{ours:,.0f} rows/s", ours / theirs)


def process(code: str) -> float:
    """Give the median wall time of a new Python process."""
    took = []
    for _ in range(full(9, 1)):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def starts(name: str) -> None:
    """Import time over numpy, and a model file to its first decision in a new process."""
    pipeline, X, schema = case(name)
    record = X.iloc[3].to_dict()
    with tempfile.TemporaryDirectory() as folder:
        import joblib

        Scorer(pipeline, schema=schema, reference=X).save(f"{folder}/m")
        joblib.dump(pipeline, f"{folder}/m.joblib")
        ours = process(f"from morosidad import Scorer; Scorer.load('{folder}/m').score_one({record!r})")
        frame = f"pd.DataFrame([{record!r}])"
        theirs = process(
            f"import joblib, pandas as pd; joblib.load('{folder}/m.joblib').predict_proba({frame})"
        )
    base, imported = process("import numpy"), process("import numpy, morosidad")
    row("new process: file → first decision", f"{theirs:.2f} s", f"{ours:.3f} s", theirs / ours)
    print(f"| the same over `import numpy` | {base:.3f} s | {ours:.3f} s | {ours / base:.1f} to 1 |")
    print(f"| `import morosidad` over `import numpy` | | {(imported - base) * 1e3:.0f} ms | |")


def main() -> None:
    print("| work | scikit-learn | morosidad | ratio |\n|---|---|---|---|")
    names = sets(*CASES)
    for name in names:
        single(name)
    batch(names[0])
    starts(names[0])


@pytest.fixture(scope="module", params=sets(*CASES))
def scored(request: pytest.FixtureRequest) -> tuple[Scorer, dict[str, Any]]:
    pipeline, X, schema = case(request.param)
    return Scorer(pipeline, schema=schema, reference=X), X.iloc[3].to_dict()


def test_one_record(benchmark: Any, scored: tuple[Scorer, dict[str, Any]]) -> None:
    scorer, record = scored
    benchmark(scorer.score_one, record)


def test_validation_alone(benchmark: Any, scored: tuple[Scorer, dict[str, Any]]) -> None:
    scorer, record = scored
    benchmark(scorer.schema.read, record)


def test_a_frame(benchmark: Any, scored: tuple[Scorer, dict[str, Any]]) -> None:
    frame = make_applicants(10_000, seed=1)
    scorer = Scorer.default()
    out = benchmark(scorer.score_frame, frame)
    assert np.isfinite(out["probability"]).all()


if __name__ == "__main__":
    main()
