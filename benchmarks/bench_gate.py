"""What making a Scorer costs: ``python benchmarks/bench_gate.py``; ``--smoke`` is one small round.

Each case of columns and of levels runs in a process of its own, so that its peak of memory is its
own. Times are processor time of one thread, which other work on the machine lengthens least. The cost of
a record that is not compiled is measured beside asking the pipeline, in turns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from morosidad import Scorer

COLUMNS = (50, 200, 500, 2000)
LEVELS = (100, 2_000, 20_000)
ROWS = 2000
MIB = 1024.0


def peak() -> float:
    """Give the peak of this process's memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def of_columns(n: int) -> tuple[Any, pd.DataFrame]:
    """Fit a logistic regression on n scaled numbers."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(ROWS, n)), columns=[f"v{i}" for i in range(n)])
    y = (X.iloc[:, :5].sum(axis=1) + rng.normal(size=ROWS) > 0).astype(int)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(X, y), X


def of_levels(n: int) -> tuple[Any, pd.DataFrame]:
    """Fit a logistic regression on a category of n levels and a number."""
    rng = np.random.default_rng(0)
    levels = np.array([f"nivel {i}" for i in range(n)])
    levels = np.concatenate([levels, rng.choice(levels, ROWS)])
    X = pd.DataFrame({"c": levels, "x": rng.normal(size=len(levels))})
    y = (rng.random(len(X)) < 0.3).astype(int)
    parts = [("c", OneHotEncoder(handle_unknown="ignore"), ["c"]), ("x", StandardScaler(), ["x"])]
    return make_pipeline(ColumnTransformer(parts), LogisticRegression(max_iter=50)).fit(X, y), X


CASES: dict[str, Callable[[int], tuple[Any, pd.DataFrame]]] = {"columns": of_columns, "levels": of_levels}


def measure(kind: str, n: int) -> str:
    """Make one scorer; give a line of a table."""
    warnings.simplefilter("ignore")
    before = peak()
    pipeline, X = CASES[kind](n)
    pipeline.predict_proba(X)
    fitted = peak()
    start = time.process_time()
    scorer = Scorer(pipeline, reference=X)
    took, made = time.process_time() - start, peak()
    record = X.iloc[0].to_dict()
    one = seconds(lambda: scorer.score_one(record), 500)
    memory = f"{fitted - before:.0f} MiB | {made - fitted:.0f} MiB"
    return f"| {n:,} {kind} | {took:.1f} s | {memory} | {one * 1e6:.1f} µs |"


def seconds(call: Callable[[], Any], times: int) -> float:
    """Give the time of one call, over many."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def own_step(frame: pd.DataFrame) -> pd.DataFrame:
    """Stand for a step that can't be traced: it looks at each value by itself."""
    return frame.assign(x0=[abs(value) for value in frame["x0"]])


def uncompiled() -> dict[str, tuple[Any, pd.DataFrame]]:
    """Fit pipelines that have no compiled form."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(500, 20)), columns=[f"x{i}" for i in range(20)])
    y = (X["x0"] + rng.normal(size=500) > 0).astype(int)
    logistic = make_pipeline(FunctionTransformer(own_step), StandardScaler(), LogisticRegression())
    found = {"logistic behind an unknown step": (logistic.fit(X, y), X)}
    try:
        from catboost import CatBoostClassifier
    except ModuleNotFoundError:
        return found
    texts = {f"c{i}": rng.choice(["a", "b", "c"], 500) for i in range(5)}
    X = X.iloc[:, :10].assign(**texts)
    model = CatBoostClassifier(iterations=50, verbose=0, cat_features=list(texts), allow_writing_files=False)
    return {**found, "CatBoost with categories": (model.fit(X, y), X)}


def beside(pipeline: Any, X: pd.DataFrame, rounds: int, times: int) -> str:
    """Ask a scorer that is not compiled and its pipeline in turns; give a line of a table.

    The pipeline's row is taken anew each time: a frame that was asked about before is read quicker.
    """
    scorer, record = Scorer(pipeline, reference=X), X.iloc[0].to_dict()
    assert not scorer.plan.compiled, "this one is compiled by now"
    pairs = [
        (
            seconds(lambda: scorer.score_one(record), times),
            seconds(lambda: pipeline.predict_proba(X.iloc[[0]]), times),
        )
        for _ in range(rounds)
    ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return f"{ours * 1e6:.0f} µs | {theirs * 1e6:.0f} µs | {ratio:.2f}×"


def main() -> None:
    """Print both tables."""
    os.environ.update(
        dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    )  # of the processes below
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one small round")
    smoke = parser.parse_args().smoke
    warnings.simplefilter("ignore")
    print("| | processor time | the pipeline's memory | the scorer's | a record |\n|---|---|---|---|---|")
    sizes = {"columns": COLUMNS[:1] if smoke else COLUMNS, "levels": LEVELS[:1] if smoke else LEVELS}
    for kind, numbers in sizes.items():
        for n in numbers:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.apply(measure, (kind, n)), flush=True)
    print("\n| not compiled | a record | the pipeline on a frame of one row | ratio |\n|---|---|---|---|")
    for name, (pipeline, X) in uncompiled().items():
        print(f"| {name} | {beside(pipeline, X, *((1, 5) if smoke else (7, 100)))} |", flush=True)


if __name__ == "__main__":
    main()
