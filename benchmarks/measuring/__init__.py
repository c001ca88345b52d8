"""Timing in turns, data, and rivals that may be missing: what the benchmarks share.

``--smoke`` after the name of any benchmark runs one short round of it, on made-up data: its figures mean
nothing, it only shows that the benchmark works.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import numpy as np
import pandas as pd

SMOKE = "--smoke" in sys.argv[1:]
DATA = Path(os.environ.get("CREDIT_DATA_FOLDER", Path(__file__).parents[2] / "shared" / "data"))
Calls = dict[str, tuple[Callable[[], Any], int]]
T = TypeVar("T")


def full(value: T, smoke: T) -> T:
    """Give how much is measured: as much as a figure needs, or the little of a smoke run."""
    return smoke if SMOKE else value


def words() -> list[str]:
    """Give what stands on the command line beside ``--smoke``."""
    return [word for word in sys.argv[1:] if word != "--smoke"]


def installed(module: str) -> bool:
    """Tell whether a rival's module is there, and say so where it is not."""
    if find_spec(module) is None:
        print(f"left out: {module} is not installed")
        return False
    return True


def sets(*names: str) -> list[str]:
    """Choose the data sets that are there, and say which are not; a smoke run makes its own up."""
    if SMOKE:
        return ["synthetic"]
    missing = [name for name in names if name in ("german", "taiwan") and not (DATA / f"{name}.csv").exists()]
    for name in missing:
        print(f"left out: {name}.csv is not in {DATA}")
    return [name for name in names if name not in missing]


@cache
def data(name: str) -> tuple[pd.DataFrame, pd.Series[int]]:
    """Read real applicants; take synthetic ones; or make some up, with missing values and rare categories."""
    if name == "synthetic":
        from morosidad import make_applicants

        frame = make_applicants(full(5000, 600), seed=0).dropna()
        return frame.drop(columns="moroso_12m"), frame["moroso_12m"]
    if name != "made up":
        frame = pd.read_csv(DATA / f"{name}.csv")
        return frame.drop(columns="default"), frame["default"]
    rng, n = np.random.default_rng(0), 10_000
    X = pd.DataFrame({f"n{i}": rng.lognormal(i, 1.0, n) for i in range(12)})
    weights = 0.5 ** np.arange(20)
    for i in range(5):
        X[f"c{i}"] = rng.choice([f"nivel {k}" for k in range(20)], n, p=weights / weights.sum())
    z = np.log(X["n0"]) - np.log(X["n1"]) + (X["c0"] == "nivel 1") + rng.normal(size=n)
    return X.mask(rng.random(X.shape) < 0.1), (z > 0.5).astype(int)


def in_turns(
    calls: Calls, rounds: int = 9, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Time calls in turns; give each one's median of means, in seconds a call."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(full(rounds, 1)):
        for name, (call, times) in calls.items():
            times = full(times, 1)
            start = clock()
            for _ in range(times):
                call()
            took[name].append((clock() - start) / times)
    return {name: max(statistics.median(values), 1e-9) for name, values in took.items()}


@contextlib.contextmanager
def without_numba() -> Iterator[None]:
    """Do as if numba were not installed for the models that are compiled or loaded meanwhile."""
    with mock.patch.dict(sys.modules, {"numba": None}):
        yield
