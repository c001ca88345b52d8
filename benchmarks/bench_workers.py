"""What micro-batching gains on pipelines that can't be compiled, and what the pool costs.

``python benchmarks/bench_workers.py`` prints the ratios, measured side by side in one run;
``pytest benchmarks/bench_workers.py`` watches for regressions.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from measuring import SMOKE, full
from morosidad.workers import WorkerPool
from morosidad.workers.microbatch import MicroBatcher

CALLERS = 16
CALLS = full(25, 1)
ROUNDS = full(5, 1)
ROWS = full(2_000, 200)
NUMBERS = [f"n{i}" for i in range(12)]
WORDS = [f"c{i}" for i in range(5)]

Record = dict[str, Any]
Score = Callable[[Record], float]


def applicants(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, len(NUMBERS))), columns=NUMBERS)
    for name in WORDS:
        frame[name] = rng.choice(["a", "b", "c", "d"], rows)
    default = rng.random(rows) < 1 / (1 + np.exp(2 - frame["n0"] - frame["n1"]))
    return frame, default.to_numpy().astype(int)


def log_of_magnitude(X: Any) -> Any:
    """A user's own function: no compiler can look into it."""
    return np.sign(X) * np.log1p(np.abs(X))


def pipelines() -> dict[str, Pipeline]:
    models = {
        "k nearest neighbours": KNeighborsClassifier(25, n_jobs=1),
        "neural network": MLPClassifier((32,), max_iter=30, tol=1.0, random_state=0),
        "naive Bayes": GaussianNB(),
    }
    if SMOKE:
        models = {"naive Bayes": models["naive Bayes"]}
    frame, default = applicants(ROWS)
    fitted = {}
    for name, model in models.items():
        numbers = make_pipeline(SimpleImputer(), FunctionTransformer(log_of_magnitude), StandardScaler())
        words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        fitted[name] = make_pipeline(make_column_transformer((numbers, NUMBERS), (words, WORDS)), model).fit(
            frame, default
        )
    return fitted


def crowd(score: Score, records: list[Record]) -> tuple[float, list[float]]:
    """Have every caller score its share one by one; give records per second and the answers."""
    answers = [0.0] * len(records)
    ready = threading.Barrier(CALLERS + 1)

    def caller(first: int) -> None:
        ready.wait()
        for index in range(first, len(records), CALLERS):
            answers[index] = score(records[index])

    threads = [threading.Thread(target=caller, args=(first,)) for first in range(CALLERS)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return len(records) / (time.perf_counter() - begin), answers


def ways(pipeline: Pipeline, pool: WorkerPool, batcher: MicroBatcher[Record, float]) -> dict[str, Score]:
    def alone(record: Record) -> float:
        return float(pipeline.predict_proba(pd.DataFrame([record]))[0, 1])

    turn = threading.Lock()

    def in_turn(record: Record) -> float:
        with turn:
            return alone(record)

    return {
        "one call each": alone,
        "one call each, in turn": in_turn,
        "one call each, 4 workers": lambda record: pool.submit(alone, record, timeout=30.0).result(),
        "micro-batched": lambda record: float(batcher.submit(record, timeout=30.0).result()),
    }


def measure(pipeline: Pipeline) -> tuple[dict[str, float], float]:
    """Give the median throughput of each way, and the largest difference between their answers."""
    records: list[Record] = applicants(CALLERS * CALLS, seed=1)[0].to_dict("records")
    rates: dict[str, list[float]] = {}
    answers: dict[str, list[float]] = {}

    def predict_many(batch: list[Record]) -> list[float]:
        return list(pipeline.predict_proba(pd.DataFrame(batch))[:, 1])

    with WorkerPool(4) as pool, MicroBatcher(predict_many) as batcher:
        scores = ways(pipeline, pool, batcher)
        for _ in range(ROUNDS):
            for name, score in scores.items():
                rate, answers[name] = crowd(score, records)
                rates.setdefault(name, []).append(rate)
    spread = np.ptp(np.array(list(answers.values())), axis=0).max()
    return {name: statistics.median(each) for name, each in rates.items()}, float(spread)


def round_trip(submit: Callable[..., Any], calls: int = full(2_000, 20)) -> float:
    """Give the seconds from submitting an empty call to holding its result."""
    begin = time.perf_counter()
    for _ in range(calls):
        submit(abs, -1).result()
    return (time.perf_counter() - begin) / calls


def main() -> None:
    print(
        f"{CALLERS} concurrent callers, one record per call, records per second (median of {ROUNDS} rounds)"
    )
    for name, pipeline in pipelines().items():
        rates, spread = measure(pipeline)
        base = rates["one call each"]
        print(f"\n{name} (largest difference between the ways' answers: {spread:.1e})")
        for way, rate in rates.items():
            print(f"  {way:26} {rate:8.0f} /s  {rate / base:5.1f}x")
    with WorkerPool(4) as pool, ThreadPoolExecutor(4) as executor:
        pairs = [(round_trip(pool.submit), round_trip(executor.submit)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"\nround trip of an empty call, against ThreadPoolExecutor's {theirs * 1e6:.0f} µs")
    print(f"  {'WorkerPool':26} {ours * 1e6:8.0f} µs {ours / theirs:5.2f}x")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return pipelines()["naive Bayes"]


@pytest.fixture
def batcher(pipeline: Pipeline) -> Iterator[MicroBatcher[Record, float]]:
    def predict_many(batch: list[Record]) -> list[float]:
        return list(pipeline.predict_proba(pd.DataFrame(batch))[:, 1])

    with MicroBatcher(predict_many) as batcher:
        yield batcher


def test_crowd_through_the_micro_batcher(benchmark: Any, batcher: MicroBatcher[Record, float]) -> None:
    records: list[Record] = applicants(CALLERS * 5, seed=1)[0].to_dict("records")
    benchmark(crowd, lambda record: float(batcher.submit(record).result()), records)


def test_round_trip_through_the_pool(benchmark: Any) -> None:
    with WorkerPool(4) as pool:
        benchmark(lambda: pool.submit(abs, -1, timeout=5.0).result())


def test_batch_through_the_pool(benchmark: Any) -> None:
    with WorkerPool(4) as pool:
        assert benchmark(pool.map, abs, range(-100, 0)) == list(range(100, 0, -1))


if __name__ == "__main__":
    main()
