"""Table models beside their own one-row predict: ``python benchmarks/bench_additive.py``.

From a dict to a probability with every field's contribution, with numba and without, beside
``predict_proba`` of the same fitted model on one row: a frame made of the dict, and a ready array.
A scorecard of optbinning stands beside `Scorecard.predict_proba` and `Scorecard.score`, in CPU seconds.
All figures of one line are measured in one run, in turns, so that the ratios hold on a noisy
machine. With pytest-benchmark (``pytest benchmarks/bench_additive.py``) the same calls are timed for
regressions.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from interpret.glassbox import ExplainableBoostingClassifier
from optbinning import BinningProcess, Scorecard
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from measuring import DATA, data, full, in_turns, sets, without_numba
from morosidad import Schema
from morosidad.compiler import CompiledPipeline, compile_pipeline, compile_points
from morosidad.compiler.proof.probe_rows import as_rows

REFERENCE_ROWS = 2000


def models(name: str) -> dict[str, Any]:
    """Fit the models of one data set."""
    X, y = data(name)
    rounds = full(300, 20)
    machine = ExplainableBoostingClassifier(random_state=0, outer_bags=2, max_rounds=rounds, n_jobs=1)
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


def compiled(name: str, model: Any, *, jit: bool) -> CompiledPipeline:
    X, _ = data(name)
    schema = Schema.infer(X)
    with contextlib.nullcontext() if jit else without_numba():
        return compile_pipeline(model, schema, as_rows(schema, X.head(REFERENCE_ROWS).to_dict("records")))


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
    took = in_turns(calls, 15)
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


def seconds(call: Callable[[], Any], rounds: int) -> float:
    """Give the CPU seconds of one call."""
    start = time.process_time()
    for _ in range(rounds):
        call()
    return (time.process_time() - start) / rounds


def scorecard() -> None:
    """Compare a scorecard and its points with optbinning's own, on one applicant of German."""
    warnings.simplefilter("ignore")  # of pandas, about what optbinning does
    X, y = data("german")
    categories = list(X.select_dtypes(exclude="number"))
    scaling = {"pdo": 20, "odds": 50, "scorecard_points": 600}
    model = Scorecard(
        BinningProcess(list(X), categorical_variables=categories),
        LogisticRegression(),
        scaling_method="pdo_odds",
        scaling_method_params=scaling,
    ).fit(X, y)
    schema = Schema.infer(X)
    rows = as_rows(schema, X.to_dict("records"))
    compiled, points = compile_pipeline(model, schema, rows), compile_points(model, X, schema=schema)
    gap = np.abs(np.array([compiled.predict_one(row) for row in rows]) - model.predict_proba(X)[:, 1]).max()
    of_points = np.abs(np.array([points.score_one(row) for row in rows]) - model.score(X)).max()
    print(f"{len(rows)} rows: |Δp| ≤ {gap:.1e}, |Δpoints| ≤ {of_points:.1e}")
    one, row = X.iloc[[0]], rows[0]
    calls = {
        "probability": (lambda: model.predict_proba(one), lambda: compiled.predict_one(row)),
        "points": (lambda: model.score(one), lambda: points.score_one(row)),
    }
    for name, (theirs, ours) in calls.items():
        slow, fast = seconds(theirs, 30), seconds(ours, 20_000)
        print(f"{name}: {slow * 1e3:.2f} ms and {fast * 1e6:.2f} µs, {slow / fast:,.0f} times as fast")


def main() -> None:
    print(
        "| model, data, what its own predict_proba gets | own | with numba | | without | | largest \\|Δp\\| |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in sets("german", "taiwan"):
        for title, model in models(name).items():
            measure(name, title, model)
        if name == "german":
            scorecard()


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
