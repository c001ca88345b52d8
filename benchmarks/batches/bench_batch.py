"""Many records at once, with reasons and with a log: ``python benchmarks/batches/bench_batch.py``.

Processor time of all threads, in turns, so that the ratios hold on a noisy machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import data, full, in_turns, sets
from morosidad import KPITracker, Schema, Scorer
from morosidad.audit import AuditLog

ROWS = full(100_000, 2000)
MODELS: dict[str, tuple[Any, Any]] = {
    "linear": (StandardScaler(), LogisticRegression(max_iter=1000)),
    "table": (KBinsDiscretizer(10, encode="onehot-dense"), LogisticRegression(max_iter=1000)),
    "trees": (StandardScaler(), HistGradientBoostingClassifier(random_state=0)),
}


def fitted(name: str, model: str) -> tuple[Any, Scorer, pd.DataFrame]:
    """Fit a pipeline on a data set, and draw many of its rows."""
    X, y = data(name)
    step, classifier = MODELS[model]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), step), make_column_selector(dtype_include="number")),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    pipeline = make_pipeline(columns, classifier).fit(X, y)
    scorer = Scorer(pipeline, schema=Schema.infer(X), reference=X)
    return pipeline, scorer, X.sample(ROWS, replace=True, random_state=0, ignore_index=True)


@contextmanager
def logged(scorer: Scorer, *, erasure: bool = False, **parts: Any) -> Iterator[tuple[Scorer, AuditLog]]:
    """Give a scorer with a log, the default one or one whose values can be erased."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AuditLog(Path(folder) / "d.jsonl", erasure=erasure) as log,
    ):
        yield scorer.with_parts(audit=log, **parts), log


def frames(name: str, model: str) -> None:
    """A frame alone, with reasons and with a log, beside the pipeline."""
    pipeline, scorer, X = fitted(name, model)
    numbers = count()
    with logged(scorer) as plain, logged(scorer, erasure=True) as sealed:

        def write(to: tuple[Scorer, AuditLog]) -> None:
            with_log, log = to
            with_log.score_frame(X, ids=[f"{next(numbers)}" for _ in range(ROWS)])
            log.flush()

        calls: dict[str, tuple[Callable[[], Any], int]] = {
            "pipeline": (lambda: pipeline.predict_proba(X), 1),
            "frame": (lambda: scorer.score_frame(X), 1),
            "reasons": (lambda: scorer.score_frame(X, reasons=True), 1),
            "log": (lambda: write(plain), 1),
            "erasure": (lambda: write(sealed), 1),
        }
        took = in_turns(calls, rounds=5, clock=time.process_time)
    rates = {call: ROWS / seconds for call, seconds in took.items()}
    print(
        f"| {name}, {model} | {rates['pipeline']:,.0f} | {rates['frame']:,.0f} | {rates['reasons']:,.0f} "
        f"| {rates['frame'] / rates['reasons']:.1f}× | {rates['log']:,.0f} "
        f"| {rates['erasure']:,.0f} |"
    )


def records(name: str, model: str) -> None:
    """`score_many` beside a loop of `score_one`, without parts and with figures and a log."""
    _, scorer, X = fitted(name, model)
    rows = X.head(full(10_000, 500)).to_dict("records")
    with logged(scorer, kpis=KPITracker()) as (with_parts, log):
        for label, one in (("no parts", scorer), ("figures and log", with_parts)):
            for size in (100, len(rows)):
                some, times = rows[:size], max(1, len(rows) // size)

                def loop(one: Scorer = one, some: list[Any] = some) -> None:
                    for row in some:
                        one.score_one(row)
                    log.flush()

                def many(one: Scorer = one, some: list[Any] = some) -> None:
                    one.score_many(some)
                    log.flush()

                took = in_turns({"loop": (loop, times), "many": (many, times)}, clock=time.process_time)
                each = {way: seconds / size * 1e6 for way, seconds in took.items()}
                ratio = each["loop"] / each["many"]
                ours = f"{each['loop']:.1f} µs | {each['many']:.1f} µs | {ratio:.2f}×"
                print(f"| {name}, {model}, {label}, {size:,} records | {ours} |")


def main() -> None:
    print("Rows for each second of processor time.\n")
    print("| data, model | pipeline | frame | with reasons | without / with | log and ids | erasable |")
    print("|---|---|---|---|---|---|---|")
    for name in sets("german", "taiwan", "synthetic"):
        for model in MODELS:
            frames(name, model)
    print("\n| records | loop of score_one | score_many | loop / many |")
    print("|---|---|---|---|")
    for name in sets("synthetic"):
        for model in MODELS:
            records(name, model)


if __name__ == "__main__":
    main()
