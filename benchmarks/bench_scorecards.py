"""optbinning's scorecard beside its compiled form: ``python benchmarks/bench_scorecards.py``.

One applicant of German: ``Scorecard.predict_proba`` and ``Scorecard.score`` of a ready frame of one
row, and the compiled probability and points of the same applicant's values. Points and probabilities
of all rows are compared first. Figures are CPU seconds, measured in one run.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from optbinning import BinningProcess, Scorecard
from sklearn.linear_model import LogisticRegression

from measuring import data
from morosidad import Schema
from morosidad.compiler import compile_pipeline, compile_points
from morosidad.compiler.proof.probe_rows import as_rows


def seconds(call: Callable[[], Any], rounds: int) -> float:
    """Give the CPU seconds of one call."""
    start = time.process_time()
    for _ in range(rounds):
        call()
    return (time.process_time() - start) / rounds


def main() -> None:
    warnings.simplefilter("ignore")
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


if __name__ == "__main__":
    main()
