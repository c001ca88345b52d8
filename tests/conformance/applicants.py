"""The rows that the cases are fitted on: small, with known kinds of columns, the same in every process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Labels = NDArray[np.int64]
ROWS = 300


def numbers(n: int = ROWS, seed: int = 0) -> tuple[pd.DataFrame, Labels]:
    """Give columns of positive numbers without gaps, and who fell into arrears."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "ingresos": rng.lognormal(7.0, 0.5, n),
            "deuda": rng.gamma(2.0, 300.0, n),
            "uso": rng.beta(2.0, 3.0, n),
            "edad": rng.integers(18, 80, n),
            "moras": rng.poisson(1.0, n),
        }
    )
    score = -1.0 - 0.8 * (np.log(frame["ingresos"]) - 7.0) + 2.0 * (frame["uso"] - 0.4) + 0.6 * frame["moras"]
    return frame, (rng.random(n) < 1.0 / (1.0 + np.exp(-score))).to_numpy().astype(np.int64)


def gaps(n: int = ROWS, seed: int = 0) -> tuple[pd.DataFrame, Labels]:
    """Give the same columns with some values missing."""
    frame, y = numbers(n, seed)
    rng = np.random.default_rng(seed + 1)
    for name in ("ingresos", "deuda", "uso"):
        frame.loc[rng.random(n) < 0.1, name] = np.nan
    return frame, y


def texts(n: int = ROWS, seed: int = 0, *, missing: bool = False) -> tuple[pd.DataFrame, Labels]:
    """Give columns of text, one of them with rare categories, and an answer that depends on them."""
    rng = np.random.default_rng(seed + 2)
    job = rng.choice(["fijo", "libre", "otro"], n, p=[0.6, 0.3, 0.1])
    region = rng.choice(["norte", "sur", "este", "oeste", "isla"], n, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    frame = pd.DataFrame({"empleo": job, "region": region, "vivienda": rng.choice(["propia", "renta"], n)})
    score = -0.5 + 1.2 * (frame["empleo"] == "libre") - 0.7 * (frame["region"] == "sur")
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-score))).to_numpy().astype(np.int64)
    if missing:
        frame.loc[rng.random(n) < 0.1, "empleo"] = None
        frame.loc[rng.random(n) < 0.1, "region"] = None
    return frame, y


def mixed(n: int = ROWS, seed: int = 0, *, missing: bool = True) -> tuple[pd.DataFrame, Labels]:
    """Give numbers and texts side by side."""
    left, first = gaps(n, seed) if missing else numbers(n, seed)
    right, second = texts(n, seed, missing=missing)
    return pd.concat([left, right], axis=1), np.where(np.arange(n) % 2 == 0, first, second)


def prepared(**changes: Any) -> Any:
    """Make the preparation that people write: medians and scaling, and columns of zeros and ones."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    number = make_column_selector(dtype_include="number")
    other = make_column_selector(dtype_exclude="number")
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), number),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), other),
        **changes,
    )
