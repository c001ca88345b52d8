"""What several tests share: a clock, data, small models."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad.compiler.proof import judge

ROOT = Path(__file__).parent.parent
PYTHONPATH = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "servers")))
"""For processes that a test starts: the package, and what the tests share."""
LONG = 60.0  # seconds after which something hangs, however slow the machine is


class FakeClock:
    """A clock that moves only when told to; call it for the time in seconds."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def wait_until(condition: Callable[[], object], seconds: float = LONG) -> None:
    """Wait for what another thread or process does, and fail only if it never happens."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


JUDGED_BRIEFLY = {
    "MIN_ROWS": 40,
    "MAX_ROWS": 60,
    "NEAR_CUTOFF": 5,
    "PATTERNS": 15,
    "ALONE_LABELS": 5,
    "ASKING_SECONDS": 3600.0,
}
"""How many rows an original is asked alone while a test makes a scorer, which is most of what that costs.

A seventh of what is asked for users, however long it takes on a busy machine.
"""
JUDGED_WHOLLY = {name: getattr(judge, name) for name in JUDGED_BRIEFLY}


@contextmanager
def judged_briefly() -> Iterator[None]:
    """Have the judge ask fewer rows; `JUDGED_WHOLLY` is what it asks for users."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in JUDGED_BRIEFLY.items():
            patch.setattr(judge, name, number)
        yield


def needed(available: bool, what: str) -> None:
    """Skip a test whose real part is absent; on CI that is a failure."""
    if available:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} must be there on CI")
    pytest.skip(f"{what} is not there")


def real_data(name: str) -> pd.DataFrame:
    """Read one of the two real data sets that lie beside the checkout."""
    folder = Path(os.environ.get("CREDIT_DATA_FOLDER", ROOT.parent / "shared" / "data"))
    needed((folder / f"{name}.csv").exists(), f"the data set {name}.csv")
    return pd.read_csv(folder / f"{name}.csv")


def small_frame(n: int = 300, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Make applicants of three fields, some values missing, and their answers."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(7, 0.5, n)
    job = rng.choice(["fijo", "libre", "otro"], n, p=[0.6, 0.3, 0.1]).astype(object)
    late = rng.poisson(1.0, n)
    z = -1.0 - 0.8 * (np.log(income) - 7) + 0.9 * (job == "libre") + 0.7 * late
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    income[rng.random(n) < 0.1] = np.nan
    job[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame({"ingresos": income, "empleo": job, "moras": late}), y


def small_pipeline(X: pd.DataFrame, y: Any) -> Any:
    """Fit a logistic regression written the way people write it."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["ingresos", "moras"]),
            (OneHotEncoder(handle_unknown="ignore"), ["empleo"]),
        ),
        LogisticRegression(),
    ).fit(X, y)
