"""Table models beside their own one-row predict: ``python benchmarks/bench_additive.py``.

From a dict to a probability with every field's contribution, with numba and without, beside
``predict_proba`` of the same fitted model on one row: a frame made of the dict, and a ready array.
All figures of one line are measured in one run, in turns, so that the ratios hold on a noisy
machine. With pytest-benchmark (``pytest benchmarks/bench_additive.py``) the same calls are timed for
regressions.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from interpret.glassbox import ExplainableBoostingClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from morosidad import Schema
from morosidad.compiler import CompiledPipeline, compile_pipeline
from morosidad.compiler.proof.probe_rows import as_rows

DATA = Path(os.environ.get("CREDIT_DATA_FOLDER", Path(__file__).parents[2] / "shared" / "data"))
REFERENCE_ROWS = 2000


@cache
def data(name: str) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(DATA / f"{name}.csv")
    return frame.drop(columns="default"), frame["default"]


def models(name: str) -> dict[str, Any]:
    """Fit the models of one data set."""
    X, y = data(name)
    machine = ExplainableBoostingClassifier(random_state=0, outer_bags=2, max_rounds=300, n_jobs=1)
    boosting = HistGradientBoostingClassifier(interaction_cst="no_interactions", random_state=0)
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    calibrated = make_pipeline(columns, CalibratedClassifierCV(LogisticRegression(max_iter=1000), cv=5))
    fitted = {"EBM, mains and pairs": machine, "logistic, calibrated, 5 folds": calibrated}
    if all(kind.kind in "if" for kind in X.dtypes):
        fitted["HistGB without interactions"] = boosting
    return {title: model.fit(X, y) for title, model in fitted.items()}


@contextmanager
def numba(present: bool):  # type: ignore[no-untyped-def]
    """Do as if numba were not installed."""
    with mock.patch.dict(sys.modules, {} if present else {"numba": None}):
        yield


def compiled(name: str, model: Any, *, jit: bool) -> CompiledPipeline:
    X, _ = data(name)
    schema = Schema.infer(X)
    with numba(jit):
        return compile_pipeline(model, schema, as_rows(schema, X.head(REFERENCE_ROWS).to_dict("records")))


def in_turns(calls: dict[str, tuple[Callable[[], Any], int]], rounds: int = 15) -> dict[str, float]:
    """Time calls in turns; give each one's median of means, in seconds a call."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, (call, times) in calls.items():
            start = time.perf_counter()
            for _ in range(times):
                call()
            took[name].append((time.perf_counter() - start) / times)
    return {name: statistics.median(values) for name, values in took.items()}


def over(records: list[Any], call: Callable[[Any], Any]) -> Callable[[], None]:
    """Call for each record once: the memory behind a table is not the same for all."""

    def run() -> None:
        for record in records:
            call(record)

    return run


def measure(name: str, title: str, model: Any) -> None:
    X, _ = data(name)
    records = X.sample(200, random_state=0).to_dict("records")
    few = records[:20]
    arrays = [X.iloc[[i]].to_numpy() for i in range(20)]
    with_jit, without = (compiled(name, model, jit=jit) for jit in (True, False))
    read = with_jit.schema.read
    calls = {
        "frame": (over(few, lambda record: model.predict_proba(pd.DataFrame([record]))), 1),
        "jit": (over(records, lambda record: with_jit.explain_one(read(record)[0])), 5),
        "plain": (over(records, lambda record: without.explain_one(read(record)[0])), 5),
    }
    if isinstance(model, ExplainableBoostingClassifier):
        calls["array"] = (over(arrays, model.predict_proba), 1)
    took = in_turns(calls)
    theirs = {key: took[key] / 20 for key in ("frame", "array") if key in took}
    ours = {key: took[key] / 200 for key in ("jit", "plain")}
    gap = max(
        abs(with_jit.predict_one(read(r)[0]) - model.predict_proba(pd.DataFrame([r]))[0, 1]) for r in few
    )
    for way, seconds in theirs.items():
        ratios = " | ".join(
            f"{ours[key] * 1e6:.1f} µs | {seconds / ours[key]:.0f}×" for key in ("jit", "plain")
        )
        print(f"| {title}, {name}, one-row {way} | {seconds * 1e6:.0f} µs | {ratios} | {gap:.0e} |")


def main() -> None:
    print(
        "| model, data, what its own predict_proba gets | own | with numba | | without | | largest \\|Δp\\| |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in ("german", "taiwan"):
        for title, model in models(name).items():
            measure(name, title, model)


# -- for regressions -------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[True, False], ids=["numba", "plain"])
def machine(request: pytest.FixtureRequest) -> tuple[CompiledPipeline, list[dict[str, Any]]]:
    if not (DATA / "german.csv").exists():
        pytest.skip("german.csv is not there")
    X, y = data("german")
    model = ExplainableBoostingClassifier(random_state=0, outer_bags=1, max_rounds=100, n_jobs=1).fit(X, y)
    return compiled("german", model, jit=request.param), X.head(100).to_dict("records")


def test_a_record_explained(benchmark: Any, machine: tuple[CompiledPipeline, list[dict[str, Any]]]) -> None:
    made, records = machine
    benchmark(over(records, lambda record: made.explain_one(made.schema.read(record)[0])))


def test_many_rows(benchmark: Any, machine: tuple[CompiledPipeline, list[dict[str, Any]]]) -> None:
    made, records = machine
    rows = as_rows(made.schema, records) * 100
    from morosidad.compiler.backends.numpy_columns import ColumnBatch

    columns = ColumnBatch.of_records(rows, len(made.schema)).columns
    assert np.isfinite(benchmark(made.predict, columns)).all()


if __name__ == "__main__":
    main()
