"""Trees and table models beside the pipelines they were fitted in: ``python benchmarks/bench_trees.py``.

The figures of one row are measured in one run, in turns and on one thread, so that the ratios hold on
a noisy machine. What is not installed is left out, and said. Name parts to run only them, and data and
models to run only those: ``python benchmarks/bench_trees.py records batch starts taiwan hist``. With
pytest-benchmark (``pytest benchmarks/bench_trees.py``) our own calls are timed for regressions.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from measuring import DATA, Calls, data, full, in_turns, installed, sets, without_numba, words
from morosidad import Policy, Schema, Scorer

CASES = ("german", "taiwan", "made up")
LIBRARIES = {"lightgbm": "lightgbm", "xgboost": "xgboost", "ebm": "interpret"}
MODELS = ("hist", "forest", "forest, leaves of 20", "boosting", *LIBRARIES)


def grown(kind: str) -> bool:
    """Tell whether a model's library is there, and say so where it is not."""
    return kind not in LIBRARIES or installed(LIBRARIES[kind])


def model(name: str) -> Any:
    """Give a model of 100 trees, a logistic regression, or an explainable boosting machine."""
    if name == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_jobs=1, verbose=-1)
    if name == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_jobs=1)
    if name == "ebm":
        from interpret.glassbox import ExplainableBoostingClassifier

        return ExplainableBoostingClassifier(random_state=0, outer_bags=2, max_rounds=300, n_jobs=1)
    return {
        "logistic": LogisticRegression(max_iter=1000),
        "hist": HistGradientBoostingClassifier(early_stopping=False, random_state=0),
        "forest": RandomForestClassifier(random_state=0),
        "forest, leaves of 20": RandomForestClassifier(min_samples_leaf=20, random_state=0),
        "boosting": GradientBoostingClassifier(random_state=0),
    }[name]


@cache
def case(name: str, kind: str) -> tuple[Any, pd.DataFrame, Schema]:
    """Fit a model behind an imputer, a scaler and an encoder; the machine of tables needs none."""
    X, y = data(name)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (texts, make_column_selector(dtype_exclude="number")),
    )
    pipeline = model(kind) if kind == "ebm" else make_pipeline(columns, model(kind))
    return pipeline.fit(X, y), X, Schema.infer(X)


def row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*names: str) -> None:
    print()
    row(*names)
    row(*["---"] * len(names))


def us(seconds: float) -> str:
    return f"{seconds * 1e6:,.{1 if seconds < 1e-4 else 0}f} µs"


def times(ratio: float) -> str:
    return f"{ratio:.{0 if ratio > 20 else 1}f}×"


Cases = list[tuple[str, str]]


def records(cases: Cases) -> None:
    """One dict → Decision, beside predict_proba on a one-row frame made of the dict."""
    without = ["no reasons, no jit", "", "four reasons, no jit", ""]
    head("one record", "pipeline", "no reasons", "", "four reasons", "", *without)
    for name, kind in cases:
        pipeline, X, schema = case(name, kind)
        scorer = Scorer(pipeline, schema=schema, reference=X)
        assert scorer.plan.compiled, scorer.plan.notes
        sample = X.sample(50, random_state=0)
        some = sample.to_dict("records")
        with tempfile.TemporaryDirectory() as folder:
            scorer.save(f"{folder}/m")
            policies = [Policy(max_reasons=n) for n in (0, 4)]
            scorers = [Scorer.load(f"{folder}/m", policy=policy) for policy in policies]
            with without_numba():
                scorers += [Scorer.load(f"{folder}/m", policy=policy) for policy in policies]
                assert len({s.score_one(some[0]).probability for s in scorers}) == 1
        texts = sample.select_dtypes(exclude="number")  # a frame of one row without one fails in the encoder
        frames = [[record] for record, told in zip(some, texts.notna().all(axis=1), strict=True) if told][:10]
        calls: Calls = {
            "theirs": (lambda p=pipeline, f=frames: [p.predict_proba(pd.DataFrame(x)) for x in f], 1)
        }
        for i, scorer in enumerate(scorers):
            calls[str(i)] = (lambda s=scorer, some=some: [s.score_one(r) for r in some], 10 if i < 3 else 2)
        took = in_turns(calls, clock=time.process_time)
        theirs = took["theirs"] / len(frames)
        ours = [took[str(i)] / len(some) for i in range(4)]
        cells = [cell for mine in ours for cell in (us(mine), times(theirs / mine))]
        row(f"{name}, {kind}", us(theirs), *cells)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, so that both sides of a comparison have the same."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, before)


def peak(call: Callable[[], Any]) -> int:
    """Give how many bytes more than before were in use at most."""
    tracemalloc.start()
    call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def batch(cases: Cases, n: int = full(1_000_000, 5_000)) -> None:
    """Many rows: on one core, and on all of them, beside the pipeline's own predict_proba."""
    cores = os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0))
    each = ["pipeline", "ours", "ratio"]
    head(f"{n:,} rows/s", "1 core: " + each[0], *each[1:], f"{cores} cores: " + each[0], *each[1:], *MEMORY)
    for name, kind in cases:
        pipeline, X, schema = case(name, kind)
        scorer = Scorer(pipeline, schema=schema, reference=X)
        big = X.sample(n, replace=True, random_state=0, ignore_index=True)
        theirs, ours = (
            (lambda p=pipeline, X=big: p.predict_proba(X)),
            (lambda s=scorer, X=big: s.score_frame(X)),
        )
        cells: list[str] = []
        clocks = (one_core(), time.process_time), (threadpool_limits(cores), time.perf_counter)
        for limits, clock in clocks:
            with limits:
                took = in_turns({"theirs": (theirs, 1), "ours": (ours, 1)}, 3, clock)
            cells += [f"{n / took[key]:,.0f}" for key in ("theirs", "ours")]
            cells.append(times(took["theirs"] / took["ours"]))
        size = int(big.memory_usage(deep=True).sum())
        cells += [f"{size / 1e6:.0f} MB", *(f"{1 + peak(call) / size:.2f}×" for call in (theirs, ours))]
        row(f"{name}, {kind}", *cells)


MEMORY = ("input", "pipeline's peak with it", "our peak with it")


def starts(cases: Cases) -> None:
    """A model file to its first decision in a new process, its reasons included."""
    kinds = ["joblib and scikit-learn", "jit, first time ever", "jit", "no jit"]
    head("new process: file → first answer", *kinds, "our file", "joblib's")
    for name, kind in cases:
        pipeline, X, schema = case(name, kind)
        record = json.loads(X.iloc[[3]].to_json(orient="records"))[0]
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs, empty = f"{folder}/m", f"{folder}/m.joblib", f"{folder}/cache"
            Scorer(pipeline, schema=schema, reference=X).save(ours)
            joblib.dump(pipeline, theirs)
            score = f"from morosidad import Scorer; Scorer.load({ours!r}).score_one({record!r})"
            frame = f"pandas.DataFrame([{record!r}])".replace("None", "float('nan')")
            own = f"import joblib, pandas; joblib.load({theirs!r}).predict_proba({frame})"
            seconds = [
                process(own),
                process(score, runs=1, NUMBA_CACHE_DIR=empty),
                process(score, NUMBA_CACHE_DIR=empty),
                process("import sys; sys.modules['numba'] = None; " + score),
            ]
            sizes = [f"{os.path.getsize(path) / 1e6:.1f} MB" for path in (ours, theirs)]
            row(f"{name}, {kind}", *(f"{s:.2f} s" for s in seconds), *sizes)


def process(code: str, runs: int = full(5, 1), **variables: str) -> float:
    """Give the median time that a new Python process takes to run some code, from when Python is up."""
    timed = f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    command = [sys.executable, "-W", "ignore", "-c", timed]
    options: dict[str, Any] = {"check": True, "capture_output": True, "text": True}
    found = [
        float(subprocess.run(command, env={**os.environ, **variables}, **options).stdout) for _ in range(runs)
    ]
    return statistics.median(found)


PARTS: dict[str, tuple[Callable[[Cases], None], tuple[str, ...]]] = {
    "records": (records, MODELS),
    "batch": (batch, ("logistic", "hist", "forest")),
    "starts": (starts, ("hist", "forest, leaves of 20", "lightgbm", "xgboost")),
}


def main(named: list[str]) -> None:
    warnings.simplefilter("ignore")
    for part, (measure, kinds) in PARTS.items():
        if part in named or not set(named) & set(PARTS):
            names = sets(*([name for name in CASES if name in named] or CASES))
            chosen = [kind for kind in kinds if kind in named] or full(kinds, ("hist",))
            measure([(name, kind) for kind in chosen if grown(kind) for name in names])


@pytest.fixture(scope="module", params=["hist", "forest"])
def scored(request: pytest.FixtureRequest) -> tuple[Scorer, dict[str, Any], pd.DataFrame]:
    if not (DATA / "german.csv").exists():
        pytest.skip("german.csv is not there")
    pipeline, X, schema = case("german", request.param)
    return Scorer(pipeline, schema=schema, reference=X), X.iloc[3].to_dict(), X


def test_one_record(benchmark: Any, scored: tuple[Scorer, dict[str, Any], pd.DataFrame]) -> None:
    scorer, record, _ = scored
    benchmark(scorer.score_one, record)


def test_a_frame(benchmark: Any, scored: tuple[Scorer, dict[str, Any], pd.DataFrame]) -> None:
    scorer, _, X = scored
    benchmark(scorer.score_frame, X)


if __name__ == "__main__":
    main(words())
